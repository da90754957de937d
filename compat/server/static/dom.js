/**
 * Elements of the page. All text goes in as text: names of tags, subjects and comments are written
 * by anybody, so nothing here reads markup.
 */

/**
 * A new element.
 * @param {string} tag its name
 * @param {Object} attributes values by name; a function is a listener (`onclick`), true an attribute
 *     without a value, and what is false, null or undefined is left out
 * @param {...(Node|string|null)} children nodes, and texts
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element of the page with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** An id that no other element has, for labels and descriptions. */
export function newId(prefix) {
  newId.last = (newId.last ?? 0) + 1;
  return `${prefix}-${newId.last}`;
}

/** A label above a control; the control gets an id if it has none. */
export function field(label, control, hint = null) {
  control.id ||= newId("field");
  const described = hint ? el("p", { class: "hint", id: `${control.id}-hint` }, hint) : null;
  if (described) control.setAttribute("aria-describedby", described.id);
  return el("div", { class: "field" }, el("label", { for: control.id }, label), control, described);
}

/** A choice among options: pairs of value and text. */
export function select(options, chosen, attributes = {}) {
  const list = options.map(([value, text]) =>
    el("option", { value, selected: String(value) === String(chosen) }, text),
  );
  return el("select", attributes, list);
}

/** A button that does not send a form. */
export function button(text, onclick, attributes = {}) {
  return el("button", { type: "button", onclick, ...attributes }, text);
}
