/** Names of mailboxes, folders, tags, users and teams, read once from the lists of the server. */

import { allItems } from "./api.js";

const UNTAGGED = { id: 1, name: "Without a tag" };
const kept = new Map();

function once(name, read) {
  if (!kept.has(name)) {
    const reading = read();
    kept.set(name, reading);
    reading.catch(() => kept.delete(name));
  }
  return kept.get(name);
}

/** Forget all names: they belong to an API key. */
export function forgetNames() {
  kept.clear();
}

function person(item) {
  const name = item.fullName || [item.firstName, item.lastName].filter(Boolean).join(" ");
  return { id: item.id, name: name || item.email || `Number ${item.id}` };
}

function named(item) {
  return { id: item.id, name: item.name || item.tag || `Number ${item.id}` };
}

/** The mailboxes. */
export function mailboxes() {
  return once("mailboxes", async () => (await allItems("/v1/mailboxes.json")).map(named));
}

/** Names of mailboxes by id, if they are known by now: an answer does not wait for them for long. */
export async function mailboxNames() {
  const late = new Promise((resolve) => setTimeout(resolve, 300, []));
  const items = await Promise.race([mailboxes().catch(() => []), late]);
  return Object.fromEntries(items.map(({ id, name }) => [id, name]));
}

/** The folders of all mailboxes, each with the name of its mailbox as its group. */
async function folders() {
  const lists = (await mailboxes()).map(async (mailbox) => {
    const items = await allItems(`/v1/mailboxes/${mailbox.id}/folders.json`);
    return items.map((item) => ({ ...named(item), group: mailbox.name }));
  });
  return (await Promise.all(lists)).flat();
}

async function tags() {
  return [UNTAGGED, ...(await allItems("/v1/tags.json")).map(named)];
}

async function users() {
  return (await allItems("/v1/users.json")).map((item) => ({ ...person(item), group: "Users" }));
}

async function teams() {
  return (await allItems("/v1/teams.json")).map((item) => ({ ...person(item), group: "Teams" }));
}

async function usersAndTeams() {
  return [...(await once("users", users)), ...(await once("teams", teams))];
}

/** What reads the names of the ids that a parameter takes, by the parameter and where it stands. */
const READERS = {
  "query mailboxes": mailboxes,
  "query folders": () => once("folders", folders),
  "query tags": () => once("tags", tags),
  "query user": usersAndTeams,
  "path mailbox": mailboxes,
  "path user": () => once("users", users),
  "path team": () => once("teams", teams),
};

/** The function that reads the names for a parameter; undefined if its values have no names. */
export function readerOf(parameter) {
  return READERS[`${parameter.in} ${parameter.name}`];
}
