/** The same question for other programs and people, to be copied. */

import { target } from "./api.js";
import { button, el, newId } from "./dom.js";

const OLD_HOST = "https://api.helpscout.net";
const OLD_KEY = "YOUR_OLD_KEY";

/**
 * A row for each way to ask the question: curl, the address of old programs, and this page.
 * @param {string} path the path of the report
 * @param {Array<[string, string]>} query its parameters
 * @param {string} address the question as this page's address holds it
 */
export function copyRows(path, query, address) {
  const asked = target(path, query);
  // The page may be below a path of another server, and then the reports are as well.
  const here = new URL(asked.slice(1), new URL(".", location.href)).href;
  return [
    copyRow("With curl", `curl -u ${OLD_KEY}:X '${here.replace(/'/g, "%27")}'`),
    copyRow("The address of old programs", OLD_HOST + asked),
    copyRow("This page, for a colleague", new URL(address, location.href).href),
  ];
}

function copyRow(label, text) {
  const input = el("input", {
    type: "text",
    readonly: true,
    value: text,
    id: newId("copy"),
    onfocus: () => input.select(),
  });
  const note = el("span", { role: "status", class: "hint" });
  const copy = button(
    "Copy",
    async () => {
      note.textContent = (await copied(input)) ? "Copied." : "Select the text and copy it.";
    },
    { "aria-label": `Copy: ${label}` },
  );
  return el(
    "div",
    { class: "field copy" },
    el("label", { for: input.id }, label),
    el("div", { class: "line" }, input, copy),
    note,
  );
}

/** Put the text of an input into the clipboard; browsers allow the first way on https and on this machine alone. */
async function copied(input) {
  try {
    await navigator.clipboard.writeText(input.value);
    return true;
  } catch {
    input.select();
    return document.execCommand("copy");
  }
}
