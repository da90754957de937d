/** Controls that choose things by their names; what they send are ids. */

import { button, el, field } from "./dom.js";
import { words } from "./format.js";
import { readerOf } from "./names.js";

/** Any number of named things: a list of check boxes that opens, with a search. */
export class ManyControl {
  constructor(parameter, text) {
    this.name = parameter.name;
    this.label = words(parameter.name);
    this.chosen = new Map(
      text
        .split(",")
        .filter(Boolean)
        .map((id) => [id, null]),
    );
    this.summary = el("span", { class: "chosen" });
    this.find = el("input", {
      type: "search",
      placeholder: "Find…",
      "aria-label": `Find among ${this.label.toLowerCase()}`,
      oninput: () => this.search(),
    });
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    this.list = el("div", { class: "options", role: "group", "aria-label": this.label });
    this.none = button("Clear", () => this.clear(), { class: "plain" });
    this.note = el("p", { class: "hint", role: "status" });
    this.element = el(
      "details",
      { class: "picker", id: parameter.name },
      el("summary", {}, el("span", { class: "name" }, this.label), " ", this.summary),
      el("div", { class: "panel" }, this.find, this.note, this.list, this.none),
    );
    this.element.addEventListener("keydown", (event) => this.closeOnEscape(event));
    this.summarise();
    const choices = parameter.schema.items?.enum;
    if (choices) this.offer(choices.map((value) => ({ id: value, name: words(value) })));
    else this.load(readerOf(parameter));
  }

  load(reader) {
    const read = async () => {
      this.note.textContent = "The names are being loaded…";
      try {
        this.offer(await reader());
        this.note.textContent = "";
      } catch (error) {
        this.offerIds(error.message);
      }
    };
    // Folders take a request for each mailbox, so they are read when somebody wants to see them.
    if (this.chosen.size || this.name !== "folders") read();
    else this.element.addEventListener("toggle", read, { once: true });
  }

  offer(items) {
    const known = new Set(items.map(({ id }) => String(id)));
    const unknown = [...this.chosen.keys()].filter((id) => !known.has(id));
    const all = [...unknown.map((id) => ({ id, name: `${id} (not in the list)` })), ...items];
    const groups = new Map();
    for (const item of all) {
      const heading = item.group ?? "";
      if (!groups.has(heading)) groups.set(heading, []);
      groups.get(heading).push(this.option(item));
    }
    const several = [...groups].map(([heading, options]) =>
      heading
        ? el(
            "div",
            { role: "group", "aria-label": heading, class: "group" },
            el("p", { class: "heading" }, heading),
            options,
          )
        : options,
    );
    this.list.replaceChildren(...several.flat());
    this.find.hidden = all.length < 8;
    this.summarise();
  }

  option({ id, name, group }) {
    const text = String(id);
    if (this.chosen.has(text)) this.chosen.set(text, name);
    const box = el("input", {
      type: "checkbox",
      value: text,
      checked: this.chosen.has(text),
      onchange: () => {
        if (box.checked) this.chosen.set(text, name);
        else this.chosen.delete(text);
        this.summarise();
      },
    });
    const label = el("label", { class: "option" }, box, el("span", {}, name));
    label.dataset.text = `${name} ${group ?? ""}`.toLowerCase();
    return label;
  }

  offerIds(reason) {
    const input = el("input", {
      type: "text",
      inputmode: "numeric",
      value: [...this.chosen.keys()].join(","),
      onchange: () => {
        this.chosen = new Map(
          input.value
            .split(",")
            .map((id) => id.trim())
            .filter(Boolean)
            .map((id) => [id, null]),
        );
        this.summarise();
      },
    });
    this.note.textContent = `The names could not be loaded. ${reason}`;
    this.find.hidden = true;
    this.list.replaceChildren(field("Ids, separated by commas", input));
  }

  search() {
    const text = this.find.value.trim().toLowerCase();
    for (const label of this.list.querySelectorAll(".option"))
      label.hidden = !label.dataset.text.includes(text);
    for (const group of this.list.querySelectorAll(".group"))
      group.hidden = !group.querySelector(".option:not([hidden])");
  }

  clear() {
    this.chosen.clear();
    for (const box of this.list.querySelectorAll("input[type=checkbox]")) box.checked = false;
    this.summarise();
  }

  closeOnEscape(event) {
    if (event.key !== "Escape" || !this.element.open) return;
    this.element.open = false;
    this.element.querySelector("summary").focus();
  }

  summarise() {
    const names = [...this.chosen].map(([id, name]) => name ?? id);
    this.summary.textContent = names.length ? names.join(", ") : "all";
    this.element.classList.toggle("set", names.length > 0);
    this.none.hidden = names.length === 0;
  }

  read() {
    return { [this.name]: [...this.chosen.keys()].join(",") };
  }
}

/** One named thing: a user, a team, a mailbox. */
export class OneControl {
  constructor(parameter, text) {
    this.name = parameter.name;
    this.input = el(
      "select",
      { id: parameter.name, required: parameter.required },
      el("option", { value: "" }, "The names are being loaded…"),
    );
    this.kept = text;
    this.element = field(
      words(parameter.name === "user" && parameter.in === "query" ? "userOrTeam" : parameter.name),
      this.input,
    );
    this.load(readerOf(parameter));
  }

  async load(reader) {
    try {
      this.offer(await reader());
    } catch (error) {
      const input = el("input", {
        type: "text",
        inputmode: "numeric",
        id: this.name,
        value: this.kept,
        required: this.input.required,
      });
      this.input.replaceWith(
        input,
        el(
          "p",
          { class: "hint" },
          `The names could not be loaded, so type the id. ${error.message}`,
        ),
      );
      this.input = input;
    }
  }

  offer(items) {
    const groups = new Map([["", []]]);
    if (this.kept && !items.some(({ id }) => String(id) === this.kept)) {
      groups.get("").push([this.kept, `${this.kept} (not in the list)`]);
    }
    for (const { id, name, group = "" } of items) {
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push([id, name]);
    }
    const options = [...groups].map(([heading, pairs]) => {
      const list = pairs.map(([value, name]) =>
        el("option", { value, selected: String(value) === this.kept }, name),
      );
      return heading ? el("optgroup", { label: heading }, list) : list;
    });
    this.input.replaceChildren(el("option", { value: "" }, "Choose…"), ...options.flat());
    this.input.value = this.kept;
  }

  read() {
    return { [this.name]: this.input.options?.length === 1 ? this.kept : this.input.value };
  }
}
