/**
 * The question that the page asks, and the address that holds it.
 *
 * The address has the parameters of the old API under their own names, the report, how it is
 * compared, and the list that is open. It never has the API key.
 */

import { words } from "./format.js";
import { normalised, periodBefore, presetRange, yearBefore } from "./ranges.js";

const FIRST_REPORT = "new_conversations";
const LAST_30_DAYS = 1;
const OWN_NAMES = new Set([
  "report",
  "compare",
  "openStart",
  "openEnd",
  "openFigure",
  "openPage",
]);
const INSTANTS = ["start", "end", "previousStart", "previousEnd"];

/** What a question has if no list of a bar or a figure is open. */
export const NO_LIST = { open: null, figure: "", openPage: 1 };

/** The reports of the server by their names, from its description. */
export function reportsOf(description) {
  const entries = Object.entries(description.paths).map(([path, { get }]) => [
    get.operationId,
    {
      name: get.operationId,
      path,
      summary: get.summary,
      parameters: get.parameters,
      exactness: get["x-exactness"] ?? {},
      title: title(get.operationId),
      group: group(path),
    },
  ]);
  return new Map(entries);
}

const TITLES = {
  user: "All figures of a user or a team",
  user_happiness: "Happiness",
  user_ratings: "Ratings",
  user_conversation_history: "Conversation history",
  user_replies: "Replies",
  user_customers_helped: "Customers helped",
  user_resolutions: "Resolutions",
  new_drilldown: "New conversations, one by one",
  happiness_ratings: "Ratings",
  me: "The user of the application",
};

function title(name) {
  return TITLES[name] ?? words(name);
}

const GROUPS = { conversations: "Conversations", happiness: "Happiness", user: "A user or a team" };

function group(path) {
  const match = /^\/v1\/reports\/(\w+)/.exec(path);
  return match ? (GROUPS[match[1]] ?? words(match[1])) : "Lists";
}

/** The question that the page begins with: the last 30 days, and the 30 before. */
export function firstQuestion() {
  const [start, end] = presetRange(LAST_30_DAYS);
  const [previousStart, previousEnd] = periodBefore([start, end]);
  const values = { start, end, previousStart, previousEnd, viewBy: "day" };
  return { report: FIRST_REPORT, values, others: [], compare: "before", ...NO_LIST };
}

/** The name of the report in an address if the server has none of that name. */
export function unknownReport(search, reports) {
  const name = new URLSearchParams(search).get("report");
  return name && !reports.has(name) ? name : null;
}

const COMPARED = { before: periodBefore, year: yearBefore };

/** How a range is compared: as the address says, if the range to compare with agrees; else as that has it. */
function comparison(said, { start, end, previousStart, previousEnd }) {
  if (!previousStart && !previousEnd) return COMPARED[said] ? said : "none";
  const agrees = (name) => {
    const [first, last] = start && end && COMPARED[name] ? COMPARED[name]([start, end]) : [];
    return first === previousStart && last === previousEnd;
  };
  return [said, ...Object.keys(COMPARED)].find(agrees) ?? "own";
}

/** The parameters of all reports by their names in lower case. */
function knownParameters(reports) {
  const all = [...reports.values()].flatMap(({ parameters }) => parameters);
  return new Map(all.map((parameter) => [parameter.name.toLowerCase(), parameter]));
}

/**
 * Parameters as the old API reads them: case makes no difference in names, `tags[]=1&tags[]=2` is the
 * list 1,2, and of a value that is no list the first one counts.
 * @returns {{values: Object, others: Array<[string, string]>}} `others` has those that no report has
 */
function parameterValues(pairs, reports) {
  const known = knownParameters(reports);
  const [values, others] = [{}, []];
  for (const [written, value] of pairs) {
    const parameter = known.get(written.replace(/\[\d*\]$/, "").toLowerCase());
    if (!parameter) others.push([written, value]);
    else if (!values[parameter.name]) values[parameter.name] = value;
    else if (parameter.schema.type === "array") values[parameter.name] += `,${value}`;
  }
  return { values, others };
}

/** The question of an address; null if it holds none. */
export function fromAddress(search, reports) {
  const pairs = new URLSearchParams(search);
  const report = pairs.get("report");
  if (!report || !reports.has(report)) return null;
  const asked = [...pairs].filter(([name]) => !OWN_NAMES.has(name));
  const { values, others } = parameterValues(asked, reports);
  for (const name of INSTANTS) if (name in values) values[name] = normalised(values[name]);
  const compare = comparison(pairs.get("compare"), values);
  return { report, values, others, compare, ...listIn(pairs) };
}

/** The list that an address has open. */
function listIn(pairs) {
  const open = [pairs.get("openStart"), pairs.get("openEnd")].map(normalised);
  if (!open.every(Boolean)) return NO_LIST;
  const openPage = Math.max(1, Number.parseInt(pairs.get("openPage"), 10) || 1);
  return { open, figure: pairs.get("openFigure") ?? "", openPage };
}

/**
 * What is wrong with the values of an address, which the controls cannot show.
 * @returns {Array<{property: string, message: string}>} by the parameters of the address' report
 */
export function wrongValues(search, reports) {
  const pairs = new URLSearchParams(search);
  const report = reports.get(pairs.get("report"));
  if (!report) return [];
  const { values } = parameterValues(pairs, reports);
  const all = ["openStart", "openEnd"].map((name) => [name, pairs.get(name) ?? "", notAnInstant]);
  for (const parameter of report.parameters) {
    all.push([parameter.name, values[parameter.name] ?? "", faultFinder(parameter)]);
  }
  return all
    .map(([property, text, faultOf]) => ({ property, message: faultOf(text) }))
    .filter(({ message }) => message);
}

/** The function that says what is wrong with a parameter's text; it says nothing if all is well. */
function faultFinder({ name, schema, in: place }) {
  if (INSTANTS.includes(name)) return notAnInstant;
  if (place === "path") return (text) => (text ? "" : `the address names no ${name}. Choose one.`);
  if (schema.enum) return (text) => noneOf(text, schema.enum.map(String));
  return schema.type === "integer" ? notAnInteger : () => "";
}

function notAnInstant(text) {
  return text && !normalised(text)
    ? `"${text}" is not a date. Dates are written as 2015-01-31 or 2015-01-31T23:59:59Z.`
    : "";
}

function notAnInteger(text) {
  return text && !/^\d+$/.test(text) ? `"${text}" is not a whole number.` : "";
}

function noneOf(text, choices) {
  return text && !choices.includes(text.toLowerCase())
    ? `"${text}" is none of ${choices.join(", ")}.`
    : "";
}

/** The address that holds a question: what follows the page's path. */
export function toAddress(question, report) {
  const sent = sentValues(question, report);
  const pairs = [["report", question.report], ...sent];
  if (sent.some(([name]) => name === "previousStart")) pairs.push(["compare", question.compare]);
  if (question.open) pairs.push(["openStart", question.open[0]], ["openEnd", question.open[1]]);
  if (question.open && question.figure) pairs.push(["openFigure", question.figure]);
  if (question.open && question.openPage > 1) pairs.push(["openPage", question.openPage]);
  const text = pairs.map(
    ([name, value]) =>
      `${name}=${encodeURIComponent(value).replace(/%(2C|3A)/g, decodeURIComponent)}`,
  );
  return `?${text.join("&")}`;
}

function sentValues(question, report) {
  const values = report.parameters
    .map(({ name }) => [name, question.values[name] ?? ""])
    .filter(([, value]) => value !== "");
  return [...values, ...question.others];
}

/** The path and the parameters of the request that answers a question. */
export function requestOf(question, report) {
  const inPath = new Set(
    report.parameters.filter((each) => each.in === "path").map(({ name }) => name),
  );
  const path = report.path.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(question.values[name] ?? ""),
  );
  return { path, query: sentValues(question, report).filter(([name]) => !inPath.has(name)) };
}

const RATINGS = { ratingsCount: "0", greatCount: "1", okayCount: "2", notGoodCount: "3" };

/**
 * The list of what is counted, where there is one, by the name of the report. The list has the same
 * filters. Its range is the bucket of a bar, or the whole range of a figure; `ratings` says which
 * ratings a figure counts.
 */
const DRILLDOWNS = {
  new_conversations: { list: "new_drilldown" },
  user_replies: { list: "user_conversation_history" },
  happiness: { list: "happiness_ratings", ratings: RATINGS },
  user_happiness: { list: "user_ratings", ratings: RATINGS },
};

/** The question for the list of a bucket or of the figure that is open. */
export function drilldown(question, [start, end]) {
  const { list, ratings } = DRILLDOWNS[question.report];
  const rating = ratings?.[question.figure] ?? "";
  const page = String(question.openPage);
  const own = { start, end, rating, page, rows: "25", sortField: "", sortOrder: "" };
  const values = { ...question.values, ...own };
  return { report: list, values, others: [], compare: "none", ...NO_LIST };
}

/** Whether there is a list of what this report counts. */
export function hasDrilldown(question, reports) {
  return reports.has(DRILLDOWNS[question.report]?.list);
}

/** The keys of the figures that have a list; none for a series, of which each bar has one. */
export function figuresWithList(question) {
  return Object.keys(DRILLDOWNS[question.report]?.ratings ?? {});
}
