// New Conversations once more, in another language: a server that fetches from Mailbox API 2.0.
// node candidate.mjs BASE_URL [BUG]    prints the port it listens on
import { createServer } from "node:http";

const [base, bug] = process.argv.slice(2);
const SIGN_IN = { grant_type: "client_credentials", client_id: "demo-app", client_secret: "demo-secret" };
const DAY = 86400;
let token;

async function get(path) {
  for (let tries = 0; tries < 2; tries++) {
    const signIn = { method: "POST", body: new URLSearchParams(SIGN_IN) };
    token ??= (await (await fetch(`${base}/oauth2/token`, signIn)).json()).access_token;
    const answer = await fetch(base + path, { headers: { Authorization: `Bearer ${token}` } });
    if (answer.ok) return answer.json();
    token = undefined;
  }
  throw new Error(`no answer to ${path}`);
}

async function conversations() {
  const rows = [];
  for (let page = 1, pages = 1; page <= pages; page++) {
    const answer = await get(`/conversations?status=all&page=${page}`);
    pages = answer.page.totalPages;
    rows.push(...(answer._embedded?.conversations ?? []));
  }
  return rows;
}

class Refused extends Error {}

function read(url) {
  const asked = {};
  for (const [name, value] of url.searchParams) {
    const plain = name.replace(/\[\d*\]$/, "");
    const many = ["tags", "types", "mailboxes", "folders"].includes(plain);
    (asked[plain] ??= []).push(...(many ? value.split(",") : [value]));
  }
  for (const name of ["tags", "mailboxes", "folders"])
    if (asked[name]?.some((each) => !/^\d+$/.test(each))) throw new Refused(name);
  if (asked.types?.some((each) => !["email", "chat", "phone"].includes(each))) throw new Refused("types");
  return asked;
}

function instant(text) {
  const parts = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text ?? "");
  if (!parts || iso(Date.parse(`${parts[1]}T00:00:00Z`) / 1000).slice(0, 10) !== parts[1]) throw new Refused(text);
  return Date.parse(`${parts[1]}T${parts[2] ?? "00:00:00"}${parts[3] ?? "Z"}`) / 1000;
}

function iso(second) {
  return new Date(second * 1000).toISOString().replace(".000Z", "Z");
}

function opening(start, unit, at) {
  if (unit !== "month") return start + at * DAY * (unit === "day" ? 1 : 7);
  const first = new Date(start * 1000);
  const [year, month] = [first.getUTCFullYear(), first.getUTCMonth() + at];
  const day = Math.min(first.getUTCDate(), new Date(Date.UTC(year, month + 1, 0)).getUTCDate());
  return Date.UTC(year, month, day) / 1000 + (start % DAY);
}

function counts(row, asked) {
  const tags = row.tags.length ? row.tags.map((tag) => String(tag.id)) : ["1"];
  const has = (name, value) => !asked[name] || asked[name].includes(String(value));
  return row.status !== "spam" && row.state === "published" && has("types", row.type)
    && has("mailboxes", row.mailboxId) && has("folders", row.folderId)
    && (!asked.tags || asked.tags.some((tag) => tags.includes(tag)));
}

// An end on an edge belongs to the bucket before it.
function series(rows, start, end, unit) {
  const made = [];
  for (let at = 0; at === 0 || opening(start, unit, at) < end; at++) made.push(opening(start, unit, at));
  return made.map((from, at) => {
    const to = made[at + 1] ?? (bug === "end" ? end : end + 1);
    const inside = rows.filter(({ createdAt }) => from <= instant(createdAt) && instant(createdAt) < to);
    return { start: iso(from), count: inside.length };
  });
}

async function answer(url) {
  const asked = read(url);
  const spans = { current: ["start", "end"] };
  if (asked.previousStart) spans.previous = ["previousStart", "previousEnd"];
  const told = {};
  const rows = (await conversations()).filter((row) => counts(row, asked));
  for (const [name, edges] of Object.entries(spans)) {
    const [start, end] = edges.map((edge) => instant(asked[edge]?.[0]));
    if (end < start) throw new Refused("it ends before it starts");
    told[name] = series(rows, start, end, asked.viewBy?.[0] ?? "week");
  }
  return told;
}

const server = createServer(async (request, response) => {
  let [status, body] = [200, {}];
  try {
    body = await answer(new URL(request.url, "http://localhost"));
  } catch (error) {
    [status, body] = [error instanceof Refused ? 400 : 502, { error: String(error) }];
  }
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
