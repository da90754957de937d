/** Answers as tables: a series, figures, pages of a list, hours of the week. */

import { button, el } from "./dom.js";
import { change, instant, shown, signed, weekday, WEEKDAYS, words } from "./format.js";

/** A table that scrolls inside its frame where the page is narrow. */
export function table(caption, head, rows, foot = null) {
  const content = el(
    "table",
    {},
    el("caption", {}, caption),
    el("thead", {}, head),
    el("tbody", {}, rows),
    foot ? el("tfoot", {}, foot) : null,
  );
  return el("div", { class: "frame", tabindex: 0, role: "region", "aria-label": caption }, content);
}

/** A row of headings; a text in an array is above numbers. */
function headings(texts) {
  return el(
    "tr",
    {},
    texts.map((text) =>
      el("th", { scope: "col", class: Array.isArray(text) ? "number" : null }, text),
    ),
  );
}

function number(...content) {
  return el("td", { class: "number" }, ...content);
}

/** The key of a point's first second, and that of its number. */
export function keysOfPoint(point) {
  const names = Object.keys(point);
  const start = names.find((name) => name === "start" || name === "date");
  return [start, names.find((name) => name !== start)];
}

// Customers are counted once a bucket, so those of several buckets are not the customers of all; and
// times are means.
const NOT_ADDITIVE = new Set(["customers", "time"]);

/**
 * The table of a series.
 * @param {string} caption what it is
 * @param {Object} answer `current` and perhaps `previous`, arrays of points
 * @param {function(number)|null} open lists what is behind a point of the current range
 */
export function seriesTable(caption, { current, previous }, open) {
  const [start, value] = keysOfPoint(current[0] ?? previous[0]);
  const length = Math.max(current.length, previous?.length ?? 0);
  const rows = Array.from({ length }, (_, at) =>
    seriesRow(at, { current, previous, start, value, open }),
  );
  const compared = previous ? ["Compared with", [words(value)], ["Difference"]] : [];
  return table(
    caption,
    headings(["Begins", [words(value)], ...compared]),
    rows,
    total(value, current, previous),
  );
}

function seriesRow(at, { current, previous, start, value, open }) {
  const [now, then] = [current[at], previous?.[at]];
  const title =
    now && open ? button(when(now[start]), () => open(at), { class: "link" }) : when(now?.[start]);
  const compared = previous
    ? [
        el("td", { class: "when" }, when(then?.[start])),
        number(...shown(value, then?.[value])),
        number(now && then ? signed(now[value] - then[value]) : "–"),
      ]
    : [];
  return el(
    "tr",
    { "data-start": now?.[start] },
    el("th", { scope: "row", class: "when" }, title),
    number(...shown(value, now?.[value])),
    ...compared,
  );
}

/** The beginning of a bucket, with its weekday where there is room for it. */
function when(text) {
  return text
    ? el(
        "time",
        { datetime: text },
        el("span", { class: "weekday" }, `${weekday(text)} `),
        instant(text),
      )
    : "–";
}

function total(value, current, previous) {
  if (NOT_ADDITIVE.has(value)) return null;
  const sum = (points) => points.reduce((result, point) => result + point[value], 0);
  const compared = previous
    ? [el("td", {}), number(String(sum(previous))), number(signed(sum(current) - sum(previous)))]
    : [];
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, "Total"),
    number(String(sum(current))),
    ...compared,
  );
}

const NOT_FIGURES = new Set(["startDate", "endDate"]);

/**
 * The table of figures: current, previous, and the change that the API says.
 * @param {function(string): Node|null} mark a note beside the name of a figure, by its path
 * @param {string[]} listed keys of the figures that have a list
 * @param {function(string)} open shows the list of a figure
 */
export function figuresTable(caption, { current, previous, deltas }, mark, listed, open) {
  const keys = Object.keys(current).filter((key) => !NOT_FIGURES.has(key));
  const more = Object.keys(deltas ?? {}).filter((key) => !(key in current));
  const compared = previous ? [["Compared with"], ["Change"]] : [];
  const name = (key) =>
    listed.includes(key) ? button(words(key), () => open(key), { class: "link" }) : words(key);
  const rows = [...keys, ...more].map((key) => {
    const cells = previous
      ? [number(...figure(key, previous)), number(...change(key, deltas?.[key]))]
      : [];
    return el(
      "tr",
      { "data-key": key },
      el("th", { scope: "row" }, name(key), mark(`current.${key}`)),
      number(...figure(key, current)),
      ...cells,
    );
  });
  return table(caption, headings(["Figure", ["This range"], ...compared]), rows);
}

function figure(key, figures) {
  return key in figures ? shown(key, figures[key], figures) : ["–"];
}

/** An object as a table of names and values. */
export function objectTable(caption, object, names) {
  const rows = Object.entries(object).map(([key, value]) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, words(key)),
      el("td", {}, ...shown(key, value, object, names)),
    ),
  );
  return table(caption, headings(["Name", "Value"]), rows);
}

// What tells rows apart comes first: a phone has room for no more.
const LEADING = ["number", "subject"];

// Keys of long lists that few people look for; a button shows them.
const SECONDARY = new Set([
  "id",
  "attachments",
  "preview",
  "customerEmail",
  "customerIds",
  "waitingSince",
  "waitingSinceType",
  "assignedid",
  "threadid",
  "threadCreatedAt",
  "ratingCustomerId",
  "ratingUserId",
  "photoUrl",
  "slug",
  "createdAt",
  "fullName",
  "userId",
  "avgHandleTime",
]);

/**
 * One page of a list.
 * @param {Object[]} rows the rows
 * @param {Object} names names of mailboxes by id
 * @param {function(string): Node|null} mark a note beside the name of a column, by its key
 */
export function listTable(caption, rows, names, mark) {
  const all = new Set(rows.flatMap((row) => Object.keys(row)));
  const keys = [...new Set([...LEADING.filter((key) => all.has(key)), ...all])];
  const content = el("div", {});
  const build = (all) => {
    const used = all || rows.length === 0 ? keys : keys.filter((key) => !SECONDARY.has(key));
    const head = el(
      "tr",
      {},
      used.map((key) =>
        el(
          "th",
          { scope: "col", class: isNumeric(key, rows[0]) ? "number" : null },
          words(key),
          mark(key),
        ),
      ),
    );
    const lines = rows.map((row) =>
      el(
        "tr",
        {},
        used.map((key) => cell(key, row, names)),
      ),
    );
    const more = keys.some((key) => SECONDARY.has(key))
      ? button(
          all ? "Fewer columns" : "All columns",
          () => {
            build(!all);
            content.querySelector("button").focus();
          },
          { class: "plain" },
        )
      : null;
    content.replaceChildren(table(caption, head, lines), ...(more ? [more] : []));
  };
  build(false);
  return content;
}

const LONG = new Set(["subject", "preview", "ratingComments", "customers", "tags"]);

function isNumeric(key, row) {
  return typeof row?.[key] === "number" && !["mailboxid", "ratingId"].includes(key);
}

function cell(key, row, names) {
  return el(
    "td",
    { class: isNumeric(key, row) ? "number" : LONG.has(key) ? "long" : null },
    ...shown(key, row[key], row, names),
  );
}

/** Buttons for the pages of a list. */
export function pager({ page, pages }, go) {
  if (pages <= 1) return null;
  return el(
    "nav",
    { class: "pager", "aria-label": "Pages" },
    button("Previous page", () => go(page - 1), { disabled: page <= 1 }),
    el("span", {}, `Page ${page} of ${pages}`),
    button("Next page", () => go(page + 1), { disabled: page >= pages }),
  );
}

/** The hours of the week as a table that is coloured by its numbers, with the sums of days and hours. */
export function hoursTable(caption, hours, keys = ["day", "hour", "count"]) {
  const [day, hour, count] = keys;
  const at = new Map(hours.map((each) => [`${each[day]} ${each[hour]}`, each[count]]));
  const value = (number, time) => at.get(`${number} ${time}`) ?? 0;
  const times = Array.from({ length: 24 }, (_, time) => time);
  const weekdays = WEEKDAYS.map((_, index) => index + 1);
  const most = Math.max(1, ...hours.map((each) => each[count]));
  const sum = (numbers) => numbers.reduce((result, each) => result + each, 0);
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, "Hour"),
    WEEKDAYS.map((name) =>
      el("th", { scope: "col" }, el("abbr", { title: name }, name.slice(0, 3))),
    ),
    el("th", { scope: "col" }, "Total"),
  );
  const rows = times.map((time) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, `${String(time).padStart(2, "0")}:00`),
      weekdays.map((each) => heatCell(value(each, time), most)),
      number(String(sum(weekdays.map((each) => value(each, time))))),
    ),
  );
  const sums = weekdays.map((each) => number(String(sum(times.map((time) => value(each, time))))));
  const foot = el(
    "tr",
    {},
    el("th", { scope: "row" }, "Total"),
    sums,
    number(String(sum(hours.map((each) => each[count])))),
  );
  const frame = table(caption, head, rows, foot);
  frame.classList.add("heat");
  return frame;
}

function heatCell(value, most) {
  const heated = number(String(value));
  heated.style.setProperty("--heat", String(value / most));
  heated.classList.toggle("zero", value === 0);
  return heated;
}

/** A point in words, for the chart. */
export function pointInWords({ current, previous }, at) {
  const [start, value] = keysOfPoint(current[0] ?? previous[0]);
  const said = (point) =>
    point ? `${instant(point[start])}: ${inWords(value, point[value])}` : "none";
  const then = previous ? ` (compared with ${said(previous[at])})` : "";
  return said(current[at]) + then;
}

function inWords(key, value) {
  return el("span", {}, ...shown(key, value)).firstChild.textContent;
}
