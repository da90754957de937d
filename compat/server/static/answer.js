/** An answer of the API as a part of the page, by its shape: new reports of a known shape show by themselves. */

import { Chart } from "./chart.js";
import { button, el } from "./dom.js";
import { ago, instant, plural, range as rangeInWords, words } from "./format.js";
import {
  figuresTable,
  hoursTable,
  keysOfPoint,
  listTable,
  objectTable,
  pager,
  pointInWords,
  seriesTable,
  table,
} from "./tables.js";

const ENGINES = {
  computed: "counted here from the conversations",
  totals: "made from Help Scout's totals",
  relayed: "relayed from Help Scout's own report",
};

/** The names in a header that lists them, percent-decoded. */
function listed(headers, name) {
  const text = headers.get(name) ?? "";
  return text
    .split(",")
    .map((each) => decoded(each.trim()))
    .filter(Boolean);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const INEXACT = [
  ["Compat-Approximate", "Approximate", "can differ from the number of the old API", lastWords],
  [
    "Compat-Unavailable",
    "Not available",
    "Help Scout does not show enough, so the value means nothing",
    lastWords,
  ],
  ["Compat-Ignored", "Ignored", "the report has no such parameter", (name) => name],
];

/** What the headers of an answer say of it: how old it is, which engine made it, what is not exact. */
export function provenance(headers) {
  const asOf = headers.get("Compat-As-Of");
  const engine = headers.get("Compat-Engine");
  const facts = [];
  if (asOf) {
    const when = el("time", { datetime: asOf }, `${instant(asOf)} UTC`);
    facts.push(fact("Compat-As-Of", "Data of", when, ` (${ago(asOf)})`));
  }
  if (engine)
    facts.push(
      fact("Compat-Engine", "Engine", `${engine}: ${ENGINES[engine] ?? "another engine"}`),
    );
  for (const [header, label, meaning, said] of INEXACT) {
    const names = new Set(listed(headers, header).map(said));
    const hint = el("span", { class: "hint" }, `(${meaning})`);
    if (names.size) facts.push(fact(header, label, `${[...names].join(", ")} `, hint));
  }
  return el("dl", { class: "facts" }, facts);
}

function fact(header, label, ...content) {
  return el("div", { "data-header": header }, el("dt", {}, label), el("dd", {}, ...content));
}

function lastWords(path) {
  return words(path.split(".").at(-1));
}

/** A function that marks a field which is not exact, by its path without indices. */
function marker(headers, prefix = "") {
  const notes = new Map([
    ...listed(headers, "Compat-Approximate").map((path) => [path, "approximate"]),
    ...listed(headers, "Compat-Unavailable").map((path) => [path, "not available"]),
  ]);
  return (path) => {
    const note = notes.get(prefix + path);
    return note ? el("span", { class: "mark" }, ` ${note}`) : null;
  };
}

/** Which part of an answer is a page of a list, and the key path to its rows; null if none is. */
function pageOf(data) {
  for (const [path, page] of [["", data], ...Object.entries(data ?? {})]) {
    for (const rows of ["results", "items"]) {
      if (Array.isArray(page?.[rows]))
        return { page, rows: page[rows], prefix: [path, rows].filter(Boolean).join(".") + "." };
    }
  }
  return null;
}

function isHours(data) {
  return Array.isArray(data) && data.every((each) => "day" in each && "hour" in each);
}

function isSeries(data) {
  return Array.isArray(data?.current);
}

function isFigures(data) {
  return data?.current && typeof data.current === "object";
}

/**
 * What an answer shows.
 * @param {Object} context
 * @param {string} context.title the report in words
 * @param {string[]|null} context.range the range of the question
 * @param {string[]|null} context.previous the range to compare with
 * @param {Object} context.names names of mailboxes by id
 * @param {function(string[], string)|null} context.open lists what is counted: the range, and the key of a figure
 * @param {string[]} context.listed keys of figures that have a list
 * @param {function(number)} context.goTo asks for another page of a list
 * @param {boolean} context.brief whether the count and the text of the answer are left out
 * @returns {{element: Node, summary: string, close: function(), choose: function(string): Element|null,
 *     countOf: function(string[], string): number|null}}
 *     `choose` marks the bar and the row that begin at this time, and returns the row's button;
 *     `countOf` is the count of the bar with this range, or of a figure; null if there is none
 */
export function answerView({ data, text, headers }, context) {
  const parts = shapes(data, headers, context);
  const source = el(
    "details",
    { class: "source" },
    el("summary", {}, "The answer as it came (JSON)"),
    el("pre", { tabindex: 0 }, text),
  );
  return {
    element: el("div", {}, parts.nodes, context.brief ? null : source),
    summary: parts.summary,
    close: parts.close ?? (() => {}),
    choose: parts.choose ?? (() => null),
    countOf: parts.countOf ?? (() => null),
  };
}

function shapes(data, headers, context) {
  if (isHours(data)) return hoursView(data, context);
  if (isSeries(data)) return seriesView(data, context);
  if (isFigures(data)) return figuresView(data, headers, context);
  const page = pageOf(data);
  if (page) return pageView(page, headers, context);
  const item = data?.item ?? data;
  if (item && typeof item === "object" && !Array.isArray(item)) return itemView(item, context);
  return { nodes: [], summary: "The answer is below, as it came." };
}

function seriesView(data, { title, range, open }) {
  const first = data.current[0] ?? data.previous?.[0];
  if (!first) return { nodes: [el("p", {}, "The answer has no points.")], summary: "No points." };
  const [start, value] = keysOfPoint(first);
  const bucket = (at) => [data.current[at][start], endOfBucket(data.current, at, start, range)];
  const openAt = open && ((at) => open(bucket(at)));
  const chart = new Chart({
    label: `${title}. Arrow keys go from bar to bar${open ? ", Enter lists what is in one" : ""}.`,
    labels: data.current.map((point) => shortLabel(point[start])),
    current: data.current.map((point) => point[value]),
    previous: data.previous?.map((point) => point[value]) ?? null,
    describe: (at) => pointInWords(data, at),
    open: openAt,
  });
  const hint = open
    ? el("p", { class: "hint" }, "Choose a bar or a row to list what is in it.")
    : null;
  const rows = seriesTable(`${title}, ${plural(data.current.length, "interval")}`, data, openAt);
  const choose = (text) => {
    const at = data.current.findIndex((point) => point[start] === text);
    if (at >= 0) chart.move(at);
    return chooseRow(rows, `tr[data-start="${CSS.escape(text)}"]`);
  };
  const countOf = (asked) => {
    const at = data.current.findIndex((_, each) => String(bucket(each)) === String(asked));
    return data.current[at]?.[value] ?? null;
  };
  return {
    nodes: [chart.element, hint, rows],
    choose,
    countOf,
    summary: `${title}: ${plural(data.current.length, "interval")} from ${rangeInWords(range)}.`,
    close: () => chart.close(),
  };
}

/** Mark a row of a table, and no other; returns its button. */
function chooseRow(rows, selector) {
  rows.querySelector("[aria-current]")?.removeAttribute("aria-current");
  const row = rows.querySelector(selector);
  row?.setAttribute("aria-current", "true");
  return row?.querySelector("button") ?? null;
}

/** The last second of a bucket: the one before the next begins, or that of the range. */
function endOfBucket(points, at, start, range) {
  const next = points[at + 1]?.[start];
  return next ? new Date(Date.parse(next) - 1000).toISOString().replace(".000Z", "Z") : range[1];
}

function shortLabel(text) {
  return instant(text)
    .replace(/ \d{4}/, (year) => ` ’${year.slice(3)}`)
    .replace(/, .*/, "");
}

function figuresView(data, headers, { title, range, open, listed = [] }) {
  const openFigure = (key) => open(range, key);
  const others = Object.entries(data).filter(
    ([name]) => !["current", "previous", "deltas"].includes(name),
  );
  const figures = figuresTable(title, data, marker(headers), listed, openFigure);
  return {
    countOf: (asked, key) =>
      String(asked) === String(range) ? (data.current[key] ?? null) : null,
    choose: (key) => chooseRow(figures, `tr[data-key="${CSS.escape(key)}"]`),
    nodes: [
      listed.length ? el("p", { class: "hint" }, "Choose a number of ratings to list them.") : null,
      figures,
      ...others.map(([name, value]) => otherPart(name, value)),
    ],
    summary: `${title}: ${plural(Object.keys(data.current).length, "figure")}.`,
  };
}

/** A part of a report on figures that is none itself, closed at first: the user, the tags. */
function otherPart(name, value) {
  const caption = words(name);
  const rows = Array.isArray(value)
    ? table(
        caption,
        el("tr", {}, el("th", { scope: "col" }, "Id"), el("th", { scope: "col" }, "Name")),
        value.map((each) =>
          el(
            "tr",
            {},
            el("td", { class: "number" }, String(each?.id ?? "–")),
            el(
              "td",
              {},
              String(each?.name || (each?.id === 1 ? "(without a tag)" : (each?.name ?? each))),
            ),
          ),
        ),
      )
    : objectTable(caption, value, {});
  return el(
    "details",
    { class: "part" },
    el(
      "summary",
      {},
      Array.isArray(value)
        ? `${caption} (${value.length})`
        : `${caption}${value?.name ? `: ${value.name}` : ""}`,
    ),
    rows,
  );
}

function pageView({ page, rows, prefix }, headers, { title, names, goTo, brief }) {
  const count = page.count ?? rows.length;
  const summary =
    count === 0 ? `${title}: nothing in this selection.` : `${title}: ${count} in all.`;
  if (rows.length === 0) return { nodes: emptyPage(page, summary, goTo), summary };
  return {
    nodes: [
      brief ? null : el("p", {}, summary),
      listTable(title, rows, names, marker(headers, prefix)),
      pager(page, goTo),
    ],
    summary,
  };
}

/** A list without rows: there are none at all, or the page is after the last one. */
function emptyPage({ page, pages, count }, summary, goTo) {
  if (!count || !pages) return [el("p", { class: "empty" }, summary)];
  const sentence = `${summary} Page ${page} is after the last one.`;
  const last = button(`Go to page ${pages}`, () => goTo(pages));
  return [el("p", { class: "empty" }, sentence), el("p", {}, last)];
}

function itemView(item, { title, names }) {
  const lists = Object.entries(item).filter(
    ([, value]) => Array.isArray(value) && typeof value[0] === "object",
  );
  const plain = Object.fromEntries(
    Object.entries(item).filter(([name]) => !lists.some(([list]) => list === name)),
  );
  return {
    nodes: [
      objectTable(title, plain, names),
      ...lists.map(([name, rows]) => listTable(words(name), rows, names, () => null)),
    ],
    summary: `${title}.`,
  };
}

function hoursView(data, { title }) {
  const count = data.reduce((sum, each) => sum + each.count, 0);
  return {
    nodes: [
      el(
        "p",
        { class: "hint" },
        "Hours are in the company's time zone, as the server has it (COMPAT_COMPANY_TIME_ZONE).",
      ),
      hoursTable(`${title}: conversations by weekday and hour`, data),
    ],
    summary: `${title}: ${plural(count, "conversation")}.`,
  };
}
