/** Numbers, times and names as text. A number is never changed: what is shorter has the exact one beside it. */

import { el } from "./dom.js";

const UTC = { timeZone: "UTC" };
const DATE = new Intl.DateTimeFormat("en-GB", {
  ...UTC,
  day: "numeric",
  month: "short",
  year: "numeric",
});
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { ...UTC, weekday: "short" });
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

export const WEEKDAYS = [
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
  "Sunday",
];
const RATINGS = { 1: "Great", 2: "Okay", 3: "Not good" };

const SECONDS =
  /^(response|firstResponse|averageFirstResponse|resolution|resolve|handle|avgHandle)Time$|^time$/;
const PERCENT = new Set(["ratingsPercent", "okay", "great", "notGood"]);
const POINTS = new Set(["happinessScore", "okay", "great", "notGood"]);
const WORDS = {
  date: "Begins",
  start: "Begins",
  mailboxid: "Mailbox",
  assignedid: "Assigned id",
  assignedName: "Assigned to",
  ratingId: "Rating",
  threadid: "Thread id",
  okay: "Rated okay",
  great: "Rated great",
  notGood: "Rated not good",
  okayCount: "Ratings: okay",
  greatCount: "Ratings: great",
  notGoodCount: "Ratings: not good",
  ratingsCount: "Ratings",
  ratingsPercent: "Customers who rated",
  percentResolvedOnFirstReply: "Resolved on first reply, share",
  new_ids: "New ids",
  me: "Me",
};

/** A key or a name of the API in words: `customersHelped` is "Customers helped". */
export function words(name) {
  if (Object.hasOwn(WORDS, name)) return WORDS[name];
  const spaced = name
    .replace(/_/g, " ")
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** A day in UTC: 31 Jan 2015. */
export function day(text) {
  return DATE.format(new Date(text));
}

/** An instant in UTC: the day, and the time unless it is midnight. */
export function instant(text) {
  const time = text.slice(11, 19);
  return time === "00:00:00" ? day(text) : `${day(text)}, ${time}`;
}

/** The weekday of an instant, in UTC: Mon. */
export function weekday(text) {
  return WEEKDAY.format(new Date(text));
}

/** A range; times are left out if it consists of whole days. */
export function range([start, end]) {
  const whole = start.slice(11, 19) === "00:00:00" && end.slice(11, 19) === "23:59:59";
  if (!whole) return `${day(start)}, ${start.slice(11, 19)} – ${day(end)}, ${end.slice(11, 19)}`;
  return start.slice(0, 10) === end.slice(0, 10) ? day(start) : `${day(start)} – ${day(end)}`;
}

/** Seconds as hours and minutes. */
export function duration(seconds) {
  const sign = seconds < 0 ? "-" : "";
  const total = Math.round(Math.abs(seconds));
  const [hours, minutes, rest] = [
    Math.floor(total / 3600),
    Math.floor(total / 60) % 60,
    total % 60,
  ];
  const shown = [
    hours ? `${hours} h` : "",
    minutes ? `${minutes} min` : "",
    rest && !hours ? `${rest} s` : "",
  ];
  return sign + (shown.filter(Boolean).join(" ") || "0 min");
}

/** How long ago an instant was, in words. */
export function ago(text, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - Date.parse(text)) / 1000));
  if (seconds < 60) return "less than a minute ago";
  if (seconds < 3600) return plural(Math.floor(seconds / 60), "minute") + " ago";
  if (seconds < 86400) return plural(Math.floor(seconds / 3600), "hour") + " ago";
  return plural(Math.floor(seconds / 86400), "day") + " ago";
}

/** A number with its noun. */
export function plural(number, noun, nouns = `${noun}s`) {
  return `${number} ${number === 1 ? noun : nouns}`;
}

/** A difference with its sign. */
export function signed(number) {
  return number > 0 ? `+${number}` : String(number).replace("-", "−");
}

function rounded(number) {
  return String(Math.round(number * 100) / 100);
}

/** A text with the exact number below it, if that is another one. */
function withExact(text, exact, unit = "") {
  if (text === String(exact) || text === `${exact} ${unit}`) return [text];
  return [text, el("small", { class: "exact" }, unit ? `${exact} ${unit}` : String(exact))];
}

function percentage(value, exact = value) {
  const text = `${rounded(value)} %`;
  return rounded(value) === String(exact) ? [text] : withExact(text, exact);
}

/** The share of one number in another, of which a setting says whether it is a fraction or a percentage. */
function share(value, figures) {
  const fraction = figures.resolvedOnFirstReply / figures.resolved;
  if (value && Math.abs(value - fraction) < 1e-9) return percentage(value * 100, value);
  return percentage(value);
}

/** The name of an object, or all of it; any other value as text. */
function named(value) {
  if (value === null || typeof value !== "object") return String(value);
  return value.name || JSON.stringify(value);
}

/**
 * A value of the API as nodes to show.
 * @param {string} key its key, which says what it is
 * @param {*} value the value
 * @param {Object} figures the object that it is in
 * @param {Object} names names of mailboxes by id
 */
export function shown(key, value, figures = {}, names = {}) {
  if (value === null || value === undefined || value === "") return ["–"];
  if (typeof value === "boolean") return [value ? "Yes" : "No"];
  if (Array.isArray(value)) return [value.map(named).join(", ") || "–"];
  if (typeof value === "object") return [named(value)];
  if (typeof value === "string") return INSTANT.test(value) ? [time(value)] : [value];
  if (key === "mailboxid" && names[value]) return [names[value]];
  if (key === "ratingId") return [RATINGS[value] ?? String(value)];
  if (key === "busiestDay") return [WEEKDAYS[value - 1] ?? "–"];
  if (key === "percentResolvedOnFirstReply") return share(value, figures);
  if (PERCENT.has(key)) return percentage(value);
  if (SECONDS.test(key)) return withExact(duration(value), value, "s");
  return Number.isInteger(value) ? [String(value)] : withExact(rounded(value), value);
}

/** The change of a figure: by percent, or by points if it is itself a percentage or a score. */
export function change(key, value) {
  if (value === null || value === undefined) return [""];
  const unit = POINTS.has(key) ? (Math.abs(value) === 1 ? "point" : "points") : "%";
  const text = `${signed(Number(rounded(value)))} ${unit}`;
  return Number(rounded(value)) === value
    ? [text]
    : [text, el("small", { class: "exact" }, String(value))];
}

/** An instant as an element that programs can read. */
export function time(text) {
  return el("time", { datetime: text }, instant(text));
}
