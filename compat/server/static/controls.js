/**
 * The controls of a question, made from the descriptions of its parameters.
 *
 * A control is an object with the `element` to show and `read`, which returns what it sends as an
 * object of texts by the names of parameters. An empty text sends nothing.
 */

import { byId, el, field, select } from "./dom.js";
import { words } from "./format.js";
import { readerOf } from "./names.js";
import { ManyControl, OneControl } from "./pickers.js";
import { RangeControl } from "./range_control.js";

/** One of a few words, a yes or no, or a text. */
class PlainControl {
  constructor(parameter, text) {
    const { name, schema, required } = parameter;
    const value = text || String(schema.default ?? "");
    this.name = name;
    this.choices =
      parameter["x-choices"] ??
      (schema.enum && Object.fromEntries(schema.enum.map((each) => [each, each])));
    this.yesOrNo = schema.enum?.includes("true") ?? false;
    this.input = this.makeInput(name, schema, value, required);
    this.element = this.yesOrNo
      ? el(
          "div",
          { class: "field" },
          el("label", { class: "option" }, this.input, el("span", {}, words(name))),
        )
      : field(words(name), this.input, this.choices ? null : parameter.description);
  }

  makeInput(name, schema, value, required) {
    const attributes = { id: name, required };
    if (this.yesOrNo)
      return el("input", {
        ...attributes,
        required: false,
        type: "checkbox",
        checked: ["1", "true"].includes(value),
      });
    if (this.choices) {
      const options = Object.entries(this.choices).map(([word, sent]) => [
        sent,
        words(word.replace(/-/g, " ")),
      ]);
      const chosen =
        options.find(([sent]) => String(sent).toLowerCase() === value.toLowerCase())?.[0] ?? "";
      return select(
        required || chosen !== "" ? options : [["", "As the server chooses"], ...options],
        chosen,
        attributes,
      );
    }
    if (schema.type === "integer")
      return el("input", {
        ...attributes,
        type: "number",
        min: schema.minimum,
        max: schema.maximum,
        value,
      });
    return el("input", { ...attributes, type: "text", value });
  }

  read() {
    return { [this.name]: this.yesOrNo ? (this.input.checked ? "1" : "0") : this.input.value };
  }
}

const IN_RANGE = new Set(["start", "end", "previousStart", "previousEnd"]);

/** The controls for a report's parameters, in an order that people read: the range, then what selects. */
export function controlsFor(parameters, values, compare) {
  const names = new Set(parameters.map(({ name }) => name));
  const controls = names.has("start")
    ? [new RangeControl(values, compare, names.has("previousStart"))]
    : [];
  const others = parameters.filter(({ name }) => !IN_RANGE.has(name) && name !== "page");
  const many = ({ schema }) => schema.type === "array";
  const plain = others
    .filter((each) => !many(each))
    .map((each) => oneControl(each, values[each.name] ?? ""));
  const filters = others.filter(many).map((each) => manyControl(each, values[each.name] ?? ""));
  return [...controls, ...plain, ...filters];
}

function oneControl(parameter, text) {
  return readerOf(parameter) ? new OneControl(parameter, text) : new PlainControl(parameter, text);
}

function manyControl(parameter, text) {
  const known = parameter.schema.items?.enum || readerOf(parameter);
  return known ? new ManyControl(parameter, text) : new PlainControl(parameter, text);
}

/** Mark the controls of the parameters that a refusal names, and move to the first. */
export function markWrong(parameters) {
  for (const input of document.querySelectorAll("[aria-invalid]"))
    input.removeAttribute("aria-invalid");
  const inputs = parameters.map(({ property }) => byId(property)).filter(Boolean);
  for (const input of inputs) input.setAttribute("aria-invalid", "true");
  (inputs[0]?.querySelector?.("summary") ?? inputs[0])?.focus();
}
