/** The list of what a bar or a figure counts, compared with its count. */

import { answerView, provenance } from "./answer.js";
import { ask, progressInWords } from "./api.js";
import { button, el } from "./dom.js";
import { range as rangeInWords } from "./format.js";
import { mailboxNames } from "./names.js";
import { drilldown, requestOf } from "./question.js";

const FETCHING = "The list is being fetched…";

/** A part of the page that shows one list, or nothing. */
export class Listing {
  /**
   * @param {Element} section the part of the page
   * @param {Map} reports the reports of the server
   * @param {Object} events what the page does: `choose` marks the bar that begins at a time, or the figure,
   *     `refused` is told of a key that the server does not know, `left` that the list was closed, and
   *     `turned` which page is asked for
   */
  constructor(section, reports, events) {
    this.section = section;
    this.reports = reports;
    this.events = events;
    this.asking = null;
    section.addEventListener("keydown", (event) => {
      if (event.key === "Escape") section.querySelector(".close")?.click();
    });
  }

  close() {
    this.asking?.abort();
    this.section.hidden = true;
    this.section.replaceChildren();
  }

  /**
   * Show the list of a bucket.
   * @param {Object} question the question of the report
   * @param {string[]} range the bucket, or the range of the figure
   * @param {number|null} count what is counted above; null if that is unknown
   */
  async show(question, range, count, { focus = false } = {}) {
    this.asking?.abort();
    const asking = new AbortController();
    this.asking = asking;
    const behind = drilldown(question, range);
    const report = this.reports.get(behind.report);
    const { status, body } = this.frame(`${report.title}: ${rangeInWords(range)}`, range, focus);
    const { path, query } = requestOf(behind, report);
    const onWait = ({ progress, said }) => {
      status.textContent = progressInWords(progress) || said || FETCHING;
    };
    try {
      const found = await ask(path, query, { signal: asking.signal, onWait });
      const names = await mailboxNames();
      if (this.asking !== asking) return;
      const context = { title: report.title, range, names, goTo: this.events.turned, brief: true };
      const view = answerView(found, context);
      status.replaceChildren(comparison(countOfList(found.data), count));
      body.replaceChildren(view.element, provenance(found.headers));
    } catch (error) {
      if (this.asking === asking) this.fail(status, error);
    }
  }

  frame(heading, range, focus) {
    const title = el("h3", { id: "behind-title", tabindex: -1 }, heading);
    const close = button("Close", () => this.leave(range[0]), { class: "plain close" });
    const status = el("p", { role: "status" }, FETCHING);
    const body = el("div", {});
    this.section.replaceChildren(title, close, status, body);
    this.section.hidden = false;
    this.events.choose(range[0]);
    if (focus) title.focus();
    return { status, body };
  }

  leave(start) {
    this.close();
    this.events.left(start);
  }

  fail(status, error) {
    if (error.status === 401) this.events.refused(error);
    if (error.status === 401 || error.name === "AbortError") return;
    const details = (error.parameters ?? []).map(
      ({ property, message }) => ` ${property}: ${message}`,
    );
    status.className = "error";
    status.textContent = error.message + details.join("");
  }
}

/** How many rows a list has on all its pages, wherever the answer says it. */
function countOfList(data) {
  return data.count ?? Object.values(data).find((each) => typeof each?.count === "number")?.count;
}

function comparison(listed, count) {
  if (count === null || count === undefined) return el("span", {}, `${listed} in the list.`);
  if (listed === count)
    return el("span", { class: "agrees" }, `${listed} in the list, as counted above.`);
  return el(
    "span",
    { class: "differs" },
    `The list has ${listed}, and the count above is ${count}. They were made at different times, or by different engines. Press Show to ask for both again.`,
  );
}
