/**
 * The server's API: requests with the key, questions that take a while, lists of names.
 * All addresses are relative to the page, so it works where the server is mounted below a path.
 */

import { duration, plural } from "./format.js";

const KEY = "compat-api-key";
const POLL = 1000;
const LONGEST_PAUSE = 600;

/** The API key: kept in this browser tab, and sent in the header Authorization alone. */
export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

/** What the server, or the way to it, refused, in words. */
export class Refusal extends Error {
  /**
   * @param {string} message a sentence
   * @param {number} status the HTTP status, or 0 without an answer
   * @param {Array<{property: string, message: string}>} parameters what is wrong with which parameter
   */
  constructor(message, status = 0, parameters = []) {
    super(message);
    this.status = status;
    this.parameters = parameters;
  }
}

/** A request's target: the path and the query as the old API reads them. */
export function target(path, query) {
  const pairs = query.map(
    ([name, value]) =>
      `${name}=${encodeURIComponent(value).replace(/%(2C|3A)/g, decodeURIComponent)}`,
  );
  return pairs.length ? `${path}?${pairs.join("&")}` : path;
}

function relative(path) {
  return path.replace(/^\//, "");
}

function authorization() {
  const bytes = new TextEncoder().encode(`${key.get() ?? ""}:X`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

async function send(path, query, signal, authorized = true) {
  try {
    // With credentials, a browser would show a window of its own on status 401.
    return await fetch(relative(target(path, query)), {
      headers: authorized ? { Authorization: authorization(), Accept: "application/json" } : {},
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(
      "The server does not answer. Check that it is running and that you can reach it.",
    );
  }
}

/** JSON as values; whole numbers that JavaScript would round stay texts. */
function parsed(text) {
  return JSON.parse(text, (name, value, context) => {
    const rounded =
      typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return rounded && context ? context.source : value;
  });
}

/** What an answer says: its values, its text, and its headers. */
async function content(response) {
  const text = await response.text();
  try {
    return { data: parsed(text), text, headers: response.headers };
  } catch {
    throw new Refusal(
      `The server answered with status ${response.status}, but not with JSON. Is there a proxy before it that has a page of its own?`,
      response.status,
    );
  }
}

const SENTENCES = {
  400: () => "The server cannot answer the question like this.",
  401: () =>
    "The server does not know this API key. Enter one of those that it was set up with (COMPAT_API_KEYS).",
  403: (said) => `Help Scout refuses the server. ${said}`,
  404: (said) => `This server does not have it. ${said}`,
  500: (said, id) =>
    `The server made a mistake. Its log says more under the number ${id ?? "of this request"}.`,
};

function refusal(response, data) {
  const said = typeof data?.error === "string" ? data.error : `Status ${response.status}.`;
  const sentence =
    SENTENCES[response.status]?.(said, response.headers.get("Correlation-Id")) ?? said;
  const parameters = Array.isArray(data?.validationErrors) ? data.validationErrors : [];
  return new Refusal(sentence, response.status, parameters);
}

function secondsToWait(response) {
  if (response.status !== 503 && response.status !== 429) return null;
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? Math.min(seconds, LONGEST_PAUSE) : null;
}

/**
 * Ask until there is an answer.
 * @param {string} path the path of a report or a list
 * @param {Array<[string, string]>} query its parameters
 * @param {AbortSignal} signal ends the waiting
 * @param {function(Object)} onWait is told once a second what is known while the answer is made:
 *     `said` by the server, seconds until the next request (`again`), and the `progress`
 * @returns {Promise<{data: *, text: string, headers: Headers}>}
 * @throws {Refusal} there is no answer
 */
export async function ask(path, query, { signal, onWait = () => {} } = {}) {
  const watch = new ProgressWatch(path, query, signal, onWait);
  try {
    for (;;) {
      watch.expect(null);
      const response = await send(path, query, signal);
      const answer = await content(response);
      if (response.ok) return answer;
      const seconds = secondsToWait(response);
      if (seconds === null) throw refusal(response, answer.data);
      watch.said = answer.data?.error ?? "";
      await watch.pause(seconds);
    }
  } finally {
    watch.stop();
  }
}

/** Parameters in one order, as equal questions may be written in several. */
function sorted(query) {
  const pairs = new URLSearchParams(query);
  pairs.sort();
  return pairs.toString();
}

/** Follows the progress of one question, once a second, for as long as it is not answered. */
class ProgressWatch {
  constructor(path, query, signal, onWait) {
    this.said = "";
    this.progress = null;
    this.due = null;
    this.wake = () => {};
    this.question = [path, sorted(query)];
    this.signal = signal;
    this.onWait = onWait;
    this.timer = setInterval(() => this.poll(), POLL);
  }

  expect(seconds) {
    this.due = seconds === null ? null : Date.now() + seconds * 1000;
  }

  /** Wait so long, or until the server is no longer busy with the question. */
  async pause(seconds) {
    this.expect(seconds);
    this.tell();
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      const stopped = () => {
        clearTimeout(timer);
        reject(new DOMException("stopped", "AbortError"));
      };
      if (this.signal?.aborted) stopped();
      this.signal?.addEventListener("abort", stopped, { once: true });
    });
  }

  async poll() {
    if (this.supported === false || this.polling) return this.tell();
    this.polling = true;
    const before = this.progress;
    this.progress = await this.read().catch(() => null);
    this.polling = false;
    if (this.timer === null) return;
    this.tell();
    if (before && !this.progress) this.wake();
  }

  async read() {
    const response = await send("/progress.json", [], this.signal);
    this.supported = response.status !== 404;
    if (!response.ok) return null;
    const { data } = await content(response);
    return data.progress.find((entry) => this.isMine(entry)) ?? null;
  }

  isMine(entry) {
    const [path, query] = this.question;
    return entry.path === path && sorted(entry.query) === query;
  }

  tell() {
    const again = this.due === null ? null : Math.max(0, Math.ceil((this.due - Date.now()) / 1000));
    this.onWait({ said: this.said, again, progress: this.progress });
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
  }
}

/** What is left of a question, in words; an empty text if nobody knows. */
export function progressInWords(progress) {
  if (!progress) return "";
  const { requests_done: done, requests_left: left, seconds_left: seconds } = progress;
  const known = done === null || done === undefined ? "" : `${plural(done, "request")} done`;
  const rest = left === null || left === undefined ? "" : `about ${left} left`;
  const time =
    seconds === null || seconds === undefined
      ? ""
      : `about ${duration(Math.max(1, seconds))} to go`;
  return [known, rest, time].filter(Boolean).join(", ");
}

/** All items of a list, from all of its pages. */
export async function allItems(path, query = []) {
  const items = [];
  for (let page = 1; ; page += 1) {
    const { data } = await ask(path, [...query, ["page", String(page)]]);
    items.push(...data.items);
    if (page >= data.pages) return items;
  }
}

/** The description of the API: its paths with their parameters. */
export async function description() {
  const response = await send("/openapi.json", [], undefined, false);
  if (!response.ok)
    throw new Refusal(`The server has no description of its reports (status ${response.status}).`);
  return (await content(response)).data;
}
