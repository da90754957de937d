/**
 * The report explorer: asks for the key, puts the question together, and shows the answer.
 *
 * The question and its address are in question.js, its controls in controls.js, range_control.js and
 * pickers.js. The server is asked in api.js. An answer becomes a part of the page in answer.js, with
 * tables.js and chart.js, and the list behind a bar in listing.js.
 */

import { answerView, provenance } from "./answer.js";
import { ask, description, key, progressInWords, Refusal } from "./api.js";
import { controlsFor, markWrong } from "./controls.js";
import { copyRows } from "./copies.js";
import { button, byId, el } from "./dom.js";
import { plural, range as rangeInWords } from "./format.js";
import { Listing } from "./listing.js";
import { forgetNames, mailboxNames } from "./names.js";
import {
  figuresWithList,
  firstQuestion,
  fromAddress,
  hasDrilldown,
  NO_LIST,
  reportsOf,
  requestOf,
  toAddress,
  unknownReport,
  wrongValues,
} from "./question.js";

const FETCHING = "The server is fetching conversations from Help Scout.";
// What the server says if all is well, and callers have to ask again: this page does so by itself.
const STILL_FETCHING = /still being fetched/;
const NOT_YET = "There is no answer yet.";
const WRONG_ADDRESS =
  "The address has values that are not understood. Correct them, and press Show.";
const STOPPED =
  "You stopped waiting. The server continues to fetch, so the answer will be there sooner the next time.";

/** What the page shows at present. */
const page = {
  reports: new Map(),
  question: null,
  controls: [],
  view: null,
  asking: null,
  listing: null,
};

const BEHIND = {
  choose: (start) => page.view?.choose(page.question.figure || start) ?? null,
  refused: (error) => askForKey(error.message),
  left: (start) => leaveList(start),
  turned: (number) => turnList(number),
};

async function start() {
  byId("key-form").addEventListener("submit", useKey);
  byId("question").addEventListener("submit", useForm);
  byId("report").addEventListener("change", () => chooseReport(byId("report").value));
  byId("forget").addEventListener("click", () => askForKey());
  byId("stop").addEventListener("click", () => stopWaiting());
  window.addEventListener("popstate", () => showStep());
  try {
    page.reports = reportsOf(await description());
  } catch (error) {
    byId("explorer").hidden = false;
    return showRefusal(error);
  }
  page.listing = new Listing(byId("behind"), page.reports, BEHIND);
  offerReports();
  if (key.get()) openExplorer();
  else askForKey();
}

// The key

function askForKey(reason = "") {
  page.asking?.abort();
  key.forget();
  forgetNames();
  byId("explorer").hidden = true;
  byId("forget").hidden = true;
  clearAnswer();
  byId("key-form").hidden = false;
  showText("key-error", reason);
  byId("key").value = "";
  byId("key").focus();
}

async function useKey(event) {
  event.preventDefault();
  const input = byId("key");
  key.set(input.value.trim());
  showText("key-error", "");
  showText("key-status", "The key is being checked…");
  const refusal = await refusalOfKey();
  showText("key-status", "");
  input.value = "";
  if (refusal) askForKey(refusal);
  else openExplorer();
}

/** Why the server refuses the key, or null: all other errors are said where the answer would be. */
async function refusalOfKey() {
  try {
    await ask("/v1/mailboxes.json", [], { signal: AbortSignal.timeout(5000) });
  } catch (error) {
    if (error.status === 401) return error.message;
  }
  return null;
}

function openExplorer() {
  byId("key-form").hidden = true;
  byId("explorer").hidden = false;
  byId("forget").hidden = false;
  byId("report").focus({ preventScroll: true });
  showAddress();
  // On a phone the answer is below the controls, and an address with a question is about the answer.
  if (location.search) bringIntoView(byId("result"));
}

// The question

function offerReports() {
  const groups = new Map();
  for (const report of page.reports.values()) {
    if (!groups.has(report.group)) groups.set(report.group, []);
    groups.get(report.group).push(el("option", { value: report.name }, report.title));
  }
  byId("report").replaceChildren(
    ...[...groups].map(([label, options]) => el("optgroup", { label }, options)),
  );
}

/** Show the question that the address holds, or the first one. */
function showAddress() {
  const unknown = unknownReport(location.search, page.reports);
  page.question = fromAddress(location.search, page.reports) ?? firstQuestion();
  showQuestion();
  if (unknown) return showUnknown(unknown);
  const wrong = wrongValues(location.search, page.reports);
  if (wrong.length) return showWrong(wrong);
  // What is asked is what the controls show, also where the address says nothing.
  readControls();
  answer();
}

/** After Back or Forward. Where only the list differs, the answer and the place on the page stay. */
function showStep() {
  const next = fromAddress(location.search, page.reports) ?? firstQuestion();
  const cannotBeAsked =
    unknownReport(location.search, page.reports) ||
    wrongValues(location.search, page.reports).length;
  if (!page.view || cannotBeAsked || withoutList(next) !== withoutList(page.question))
    return showAddress();
  const { open, figure } = page.question;
  page.question = next;
  showQuestion();
  readControls();
  if (next.open) return showList({ focus: true });
  closeList(figure || open?.[0]);
}

function withoutList(question) {
  return toAddress({ ...question, ...NO_LIST }, page.reports.get(question.report));
}

function showUnknown(name) {
  const sentence = `This server has no report with the name ${name}. Choose another one.`;
  showInsteadOfAnswer("No such report", sentence);
}

function showWrong(wrong) {
  showInsteadOfAnswer(report().title, WRONG_ADDRESS, wrong);
  markWrong(wrong);
}

/** Say why the question of an address is not asked. */
function showInsteadOfAnswer(title, sentence, wrong = []) {
  page.asking?.abort();
  clearAnswer();
  byId("result-title").textContent = title;
  byId("result-ranges").textContent = "";
  showError(sentence, wrong);
}

function report() {
  return page.reports.get(page.question.report);
}

function showQuestion() {
  const { values, compare } = page.question;
  byId("report").value = page.question.report;
  byId("summary").textContent = report().summary;
  page.controls = controlsFor(report().parameters, values, compare);
  byId("controls").replaceChildren(...page.controls.map(({ element }) => element));
}

function chooseReport(name) {
  readControls();
  page.question = {
    ...page.question,
    report: name,
    ...NO_LIST,
    values: { ...page.question.values, page: "" },
  };
  for (const own of ["sortField", "sortOrder", "type"]) page.question.values[own] = "";
  showQuestion();
}

function readControls() {
  const read = page.controls.map((control) => control.read());
  page.question.values = Object.assign({}, page.question.values, ...read);
  page.question.compare = byId("compare")?.value ?? page.question.compare;
}

function useForm(event) {
  event.preventDefault();
  readControls();
  const values = { ...page.question.values, page: "" };
  page.question = { ...page.question, ...NO_LIST, others: [], values };
  rememberAddress();
  answer();
  bringIntoView(byId("result"));
}

function rememberAddress() {
  const address = toAddress(page.question, report());
  if (address !== location.search) history.pushState(null, "", address);
}

// The answer

function ranges() {
  const { start, end, previousStart, previousEnd } = Object.fromEntries(
    requestOf(page.question, report()).query,
  );
  return {
    range: start && end ? [start, end] : null,
    previous: previousStart && previousEnd ? [previousStart, previousEnd] : null,
  };
}

function showHeading() {
  const { range, previous } = ranges();
  const compared = previous ? `, compared with ${rangeInWords(previous)}` : "";
  byId("result-title").textContent = report().title;
  byId("result-ranges").textContent = range ? `${rangeInWords(range)}${compared} (UTC)` : "";
  document.title = `${report().title}${range ? `, ${rangeInWords(range)}` : ""} – Report explorer`;
}

function clearAnswer() {
  page.view?.close();
  page.view = null;
  page.listing?.close();
  for (const id of ["facts", "answer"]) byId(id).replaceChildren();
  for (const id of ["error", "waiting", "elsewhere"]) byId(id).hidden = true;
}

/** Ask the question and show its answer; an earlier one is no longer waited for. */
async function answer() {
  page.asking?.abort();
  const asking = new AbortController();
  page.asking = asking;
  clearAnswer();
  showHeading();
  markWrong([]);
  const { path, query } = requestOf(page.question, report());
  showCopies();
  byId("result").setAttribute("aria-busy", "true");
  say("Asking…");
  try {
    const found = await ask(path, query, {
      signal: asking.signal,
      onWait: (state) => page.asking === asking && showWaiting(state),
    });
    const names = await mailboxNames();
    if (page.asking === asking) showAnswer(found, names);
  } catch (error) {
    if (page.asking === asking) showFailure(error);
  } finally {
    if (page.asking === asking) byId("result").removeAttribute("aria-busy");
  }
}

function showAnswer(found, names) {
  byId("waiting").hidden = true;
  const { range, previous } = ranges();
  const opens = hasDrilldown(page.question, page.reports);
  page.view = answerView(found, {
    title: report().title,
    range,
    previous,
    names,
    open: opens ? openList : null,
    listed: opens ? figuresWithList(page.question) : [],
    goTo: goToPage,
  });
  byId("facts").replaceChildren(provenance(found.headers));
  byId("answer").replaceChildren(page.view.element);
  say(page.view.summary);
  if (!page.question.open || !opens) return;
  showList();
  bringIntoView(byId("behind"));
}

/** The list that the question has open. An address can hold a range that is no bar: that has no count. */
function showList({ focus = false } = {}) {
  const { open, figure } = page.question;
  showCopies();
  page.listing.show(page.question, open, page.view.countOf(open, figure), { focus });
}

function openList(range, figure = "") {
  page.question = { ...page.question, open: range, figure, openPage: 1 };
  rememberAddress();
  showList({ focus: true });
}

function leaveList(start) {
  const chosen = page.question.figure || start;
  page.question = { ...page.question, ...NO_LIST };
  rememberAddress();
  closeList(chosen);
}

function turnList(number) {
  page.question = { ...page.question, openPage: number };
  rememberAddress();
  showList({ focus: true });
}

/** Close the list; the focus returns to the row of its bar or figure. */
function closeList(chosen) {
  page.listing.close();
  showCopies();
  const opener = chosen ? page.view?.choose(chosen) : null;
  (opener ?? byId("result-title")).focus();
}

function goToPage(number) {
  page.question = { ...page.question, values: { ...page.question.values, page: String(number) } };
  rememberAddress();
  answer();
  byId("result-title").focus();
}

// Waiting

function showWaiting({ said, again, progress }) {
  const trouble = said && !STILL_FETCHING.test(said);
  const title = progress || said ? FETCHING : NOT_YET;
  if (byId("waiting").hidden) say(`${trouble ? said : title} The page asks again by itself.`);
  byId("waiting").hidden = false;
  byId("waiting-title").textContent = trouble ? said : title;
  showBar(progress ?? {});
  const next = again === null ? "" : `The page asks again in ${plural(again, "second")}.`;
  byId("waiting-left").textContent = [progressInWords(progress), next].filter(Boolean).join(" · ");
}

function showBar({ requests_done: done, requests_left: left }) {
  const bar = byId("progress");
  if (typeof done === "number" && typeof left === "number") {
    bar.max = Math.max(1, done + left);
    bar.value = done;
  } else bar.removeAttribute("value");
}

function stopWaiting() {
  page.asking?.abort();
  byId("report").focus();
}

// Errors

function showFailure(error) {
  byId("waiting").hidden = true;
  if (error.status === 401) return askForKey(error.message);
  if (error.name === "AbortError") return showError(STOPPED, [], askAgain());
  if (error.status === 404) error.parameters = idsNotFound();
  showRefusal(error);
  markWrong(error.parameters ?? []);
}

/** What a path of the API names that does not exist: its answer does not say what it is. */
function idsNotFound() {
  return report()
    .parameters.filter((each) => each.in === "path")
    .map(({ name }) => ({
      property: name,
      message: `there is no ${name} with the id ${page.question.values[name]}.`,
    }));
}

function showRefusal(error) {
  byId("waiting").hidden = true;
  const known = error instanceof Refusal;
  const sentence = known ? error.message : `This page has made a mistake: ${error.message}`;
  showError(sentence, error.parameters ?? [], askAgain());
}

function askAgain() {
  return button("Ask again", () => answer());
}

/** Show a sentence, what is wrong with which parameter, and perhaps a button. */
function showError(sentence, parameters = [], action = null) {
  const details = parameters.map(({ property, message }) =>
    el("li", {}, el("strong", {}, property), `: ${message}`),
  );
  const list = details.length ? el("ul", {}, details) : null;
  byId("error").replaceChildren(
    el(
      "div",
      { class: "error" },
      el("p", {}, sentence),
      ...(list ? [list] : []),
      ...(action ? [action] : []),
    ),
  );
  byId("error").hidden = false;
  say("");
}

function say(text) {
  byId("status").textContent = text;
}

function showText(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = text === "";
}

function showCopies() {
  const { path, query } = requestOf(page.question, report());
  byId("copies").replaceChildren(...copyRows(path, query, toAddress(page.question, report())));
  byId("elsewhere").hidden = false;
}

function bringIntoView(element) {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (element.getBoundingClientRect().top > window.innerHeight * 0.6) {
    element.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
  }
}

start();
