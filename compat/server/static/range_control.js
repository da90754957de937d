/** The controls of a range of time, and of the range to compare with. */

import { el, field, select } from "./dom.js";
import { range as rangeInWords } from "./format.js";
import { normalised, periodBefore, PRESETS, presetRange, yearBefore } from "./ranges.js";

const UTC_HINT = "In UTC. The first and the last second are included.";
const TIME = "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?";
const COMPARISONS = [
  ["none", "Nothing"],
  ["before", "The period before"],
  ["year", "The same period last year"],
  ["own", "Dates of your own"],
];

/** Two inputs for an instant: a day and a time of day, the latter a text so that it has 24 hours everywhere. */
class InstantInput {
  constructor(name, label, text, onchange) {
    const known = normalised(text);
    this.day = el("input", {
      type: "date",
      id: name,
      value: known.slice(0, 10),
      min: "0001-01-01",
      max: "9999-12-31",
      required: true,
      onchange,
    });
    this.time = el("input", {
      type: "text",
      inputmode: "numeric",
      pattern: TIME,
      title: "Hours, minutes and seconds, such as 13:30:00",
      value: known.slice(11, 19),
      "aria-label": `${label}: time of day`,
      required: true,
      onchange,
    });
    this.element = el(
      "div",
      { class: "field" },
      el("label", { for: name }, label),
      el("div", { class: "instant" }, this.day, this.time),
    );
  }

  get text() {
    const time = this.time.value.trim();
    return this.day.value && new RegExp(`^(${TIME})$`).test(time)
      ? `${this.day.value}T${time.length === 5 ? `${time}:00` : time}Z`
      : "";
  }

  set text(text) {
    this.day.value = text.slice(0, 10);
    this.time.value = text.slice(11, 19);
  }

  require(needed) {
    this.day.required = this.time.required = needed;
  }
}

/** The range, with presets, and the range to compare with if the report has one. */
export class RangeControl {
  constructor(values, compare, comparable) {
    const changed = () => this.update();
    this.start = new InstantInput("start", "From", values.start, changed);
    this.end = new InstantInput("end", "To", values.end, changed);
    this.preset = select([["", "Choose…"], ...PRESETS.map(([name], at) => [at, name])], "", {
      onchange: () => this.choosePreset(),
    });
    this.previousStart = new InstantInput("previousStart", "From", values.previousStart, changed);
    this.previousEnd = new InstantInput("previousEnd", "To", values.previousEnd, changed);
    this.comparison = select(COMPARISONS, compare, { id: "compare", onchange: changed });
    this.own = el("div", { class: "own" }, this.previousStart.element, this.previousEnd.element);
    this.hint = el("p", { class: "hint", id: "compare-hint" });
    this.comparison.setAttribute("aria-describedby", "compare-hint");
    this.comparable = comparable;
    const previous = el(
      "fieldset",
      {},
      el("legend", {}, "Compare with"),
      field("Which range", this.comparison),
      this.hint,
      this.own,
    );
    this.element = el(
      "div",
      {},
      el(
        "fieldset",
        {},
        el("legend", {}, "Range"),
        field("Common ranges", this.preset),
        this.start.element,
        this.end.element,
        el("p", { class: "hint" }, UTC_HINT),
      ),
      comparable ? previous : null,
    );
    this.update();
  }

  get range() {
    return [this.start.text, this.end.text];
  }

  /** The range to compare with; null if there is none, or none yet. */
  get previous() {
    const [start, end] = this.range;
    if (!this.comparable || !start || !end || start > end) return null;
    const ranges = {
      before: () => periodBefore([start, end]),
      year: () => yearBefore([start, end]),
      own: () => [this.previousStart.text, this.previousEnd.text],
    };
    return ranges[this.comparison.value]?.() ?? null;
  }

  choosePreset() {
    if (this.preset.value === "") return;
    [this.start.text, this.end.text] = presetRange(Number(this.preset.value));
    this.update(true);
  }

  update(fromPreset = false) {
    const own = this.comparable && this.comparison.value === "own";
    if (!fromPreset) this.preset.value = "";
    this.own.hidden = !own;
    this.previousStart.require(own);
    this.previousEnd.require(own);
    const previous = own ? null : this.previous;
    this.hint.textContent = previous ? rangeInWords(previous) : "";
  }

  read() {
    const [start, end] = this.range;
    const [previousStart, previousEnd] = this.previous ?? ["", ""];
    return { start, end, previousStart, previousEnd };
  }
}
