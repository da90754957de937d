/**
 * Ranges of time as the old API reads them: in UTC, in whole seconds, both ends included.
 * A range is a pair of texts such as 2015-01-31T23:59:59Z.
 */

const SECOND = 1000;
const DAY = 86400 * SECOND;

/** An instant as the old API writes it. */
export function toText(milliseconds) {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}

/**
 * The instant that a text of an address means, as the old API reads it: UTC without an offset, and a
 * date alone is its midnight. An empty text if it means none.
 */
export function normalised(text) {
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[-+ ]\d\d:?\d\d)?)?$/.exec(
    text ?? "",
  );
  if (!match) return "";
  const midnight = new Date(`${match[1]}T00:00:00Z`);
  // Some browsers take 30 February for 2 March.
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(match[1])) return "";
  const zone = (match[3] ?? "Z").replace(" ", "+").replace(/^([-+]\d\d)(\d\d)$/, "$1:$2");
  const instant = Date.parse(`${match[1]}T${match[2] ?? "00:00:00"}${zone}`);
  return Number.isNaN(instant) ? "" : toText(instant);
}

/** The last second before an instant. */
export function secondBefore(text) {
  return toText(Date.parse(text) - SECOND);
}

function days(first, last) {
  return [toText(first), toText(last + DAY - SECOND)];
}

function months(year, month, count) {
  return [toText(Date.UTC(year, month)), toText(Date.UTC(year, month + count) - SECOND)];
}

/** The ranges that have a name, each from the first millisecond of today in UTC; weeks begin on Monday. */
export const PRESETS = [
  ["The last 7 full days", (today) => days(today - 7 * DAY, today - DAY)],
  ["The last 30 full days", (today) => days(today - 30 * DAY, today - DAY)],
  ["Today", (today) => days(today, today)],
  ["Yesterday", (today) => days(today - DAY, today - DAY)],
  ["This week", (today) => week(today)],
  ["Last week", (today) => week(today - 7 * DAY)],
  ["This month", (today) => month(today, 0)],
  ["Last month", (today) => month(today, -1)],
  ["The last 12 full months", (today) => month(today, -12, 12)],
  ["This year", (today) => months(new Date(today).getUTCFullYear(), 0, 12)],
  ["Last year", (today) => months(new Date(today).getUTCFullYear() - 1, 0, 12)],
];

function week(today) {
  const monday = today - ((new Date(today).getUTCDay() + 6) % 7) * DAY;
  return days(monday, monday + 6 * DAY);
}

function month(today, from, count = 1) {
  const date = new Date(today);
  return months(date.getUTCFullYear(), date.getUTCMonth() + from, count);
}

/** The range of a preset on this day. */
export function presetRange(number, now = Date.now()) {
  return PRESETS[number][1](Math.floor(now / DAY) * DAY);
}

/** How many whole calendar months a range is, or 0. */
function wholeMonths([start, end]) {
  const first = new Date(start);
  const after = new Date(Date.parse(end) + SECOND);
  const midnight = (date) => date.getUTCDate() === 1 && date.getTime() % DAY === 0;
  if (!midnight(first) || !midnight(after)) return 0;
  return (
    (after.getUTCFullYear() - first.getUTCFullYear()) * 12 +
    after.getUTCMonth() -
    first.getUTCMonth()
  );
}

/** The range of the same length that ends where this one begins; of months, as many months. */
export function periodBefore([start, end]) {
  const count = wholeMonths([start, end]);
  const first = new Date(start);
  if (count > 0) return months(first.getUTCFullYear(), first.getUTCMonth() - count, count);
  const length = Date.parse(end) - Date.parse(start) + SECOND;
  return [toText(first.getTime() - length), secondBefore(start)];
}

/** The same range a year earlier; 29 February is then the 28th, and a whole February stays one. */
export function yearBefore([start, end]) {
  const count = wholeMonths([start, end]);
  const first = new Date(start);
  if (count > 0) return months(first.getUTCFullYear() - 1, first.getUTCMonth(), count);
  return [start, end].map(instantYearBefore);
}

function instantYearBefore(text) {
  const date = new Date(text);
  const day = date.getUTCDate();
  date.setUTCFullYear(date.getUTCFullYear() - 1);
  if (date.getUTCDate() !== day) date.setUTCDate(0);
  return toText(date.getTime());
}
