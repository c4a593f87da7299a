/** What the user gave: a credential, the small files beside it, the data; sorted out by place and name. */

import { compare } from "../src/history/trees/paths.js";
import { GIVEN } from "../src/verify/verify.js";
import { MAX_SIBLING_BYTES } from "../generated/limits.js";

/** @typedef {{path: string, file: File}} Item */
/** @typedef {{credential: File, siblings: Item[], data: Item[] | null, folder: string}} Given `folder`: where the data was found. */

/**
 * Files of a drop, folders walked. Chromium gives a page from disk entries that it cannot read, and
 * handles that it can; the others know entries only. Both are to be had during the event alone.
 *
 * @param {DataTransfer} transfer
 * @returns {Promise<Item[]>}
 */
export async function dropped(transfer) {
  const given = [...transfer.items].map((/** @type {any} */ item) => item.getAsFileSystemHandle?.() ?? item.webkitGetAsEntry());
  /** @type {Item[]} */
  const items = [];
  for (const one of await Promise.all(given)) {
    if (one !== null) await (one.kind === undefined ? walkEntry : walkHandle)(one, "", items); // null: text
  }
  return items;
}

/**
 * Take the files out of an input element. One that still holds them says nothing when they are chosen
 * again, as they must be after they were changed.
 *
 * @param {HTMLInputElement} input
 * @returns {Item[]}
 */
export function chosen(input) {
  const items = [...input.files ?? []].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  input.value = "";
  return items;
}

/** @param {FileSystemHandle} handle @param {string} prefix @param {Item[]} items */
async function walkHandle(handle, prefix, items) {
  const path = prefix + handle.name;
  if (handle.kind === "file") {
    items.push({ path, file: await /** @type {FileSystemFileHandle} */ (handle).getFile() });
    return;
  }
  for await (const inner of /** @type {FileSystemDirectoryHandle} */ (handle).values()) {
    await walkHandle(inner, `${path}/`, items);
  }
}

/** @param {FileSystemEntry} entry @param {string} prefix @param {Item[]} items */
async function walkEntry(entry, prefix, items) {
  const path = prefix + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject));
    items.push({ path, file });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) { // a reader gives a hundred entries at a time
    /** @type {FileSystemEntry[]} */
    const found = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!found.length) return;
    for (const inner of found) await walkEntry(inner, `${path}/`, items);
  }
}

/** @param {string} path */
const top = (path) => path.slice(0, path.indexOf("/") + 1);
/** @param {string} path */
const isLoose = (path) => !path.includes("/");

/**
 * Add what is given later: a folder or file of the same name is replaced, never mixed with the new one.
 *
 * @param {Item[]} items
 * @param {Item[]} more
 */
export function add(items, more) {
  const replaced = new Set(more.map(({ path }) => top(path) || path));
  return [...items.filter(({ path }) => !replaced.has(top(path) || path)), ...more];
}

/**
 * What of all that is given can be judged: `credential.json` at the top of a folder or loose, and
 * every loose `.json` file; else the credential inside this page. The first is the most likely.
 *
 * @param {Item[]} items
 * @param {Item[]} inside Files that this page carries.
 */
export function candidates(items, inside) {
  const depth = (/** @type {Item} */ { path }) => path.split("/").length;
  const named = items.filter((item) => item.path.split("/").at(-1) === "credential.json" && depth(item) <= 2)
    .sort((left, right) => depth(left) - depth(right));
  const loose = items.filter((item) => isLoose(item.path) && item.path.endsWith(".json") && !named.includes(item));
  const carried = inside.filter(({ path }) => path === "credential.json");
  return [...named, ...(named.length ? [] : carried), ...loose];
}

/**
 * Sort out what is what: the credential, its siblings, the data.
 *
 * Siblings lie in its folder, or are loose. The data is one
 * folder: the last one given beside the delivery, else `data` in it, else its only other folder.
 *
 * @param {Item[]} items
 * @param {Item[]} inside Files that this page carries.
 * @param {string} target The path of what is to be judged; another one than a candidate's: the first.
 * @returns {Given | null}
 */
export function sortOut(items, inside, target) {
  const possible = candidates(items, inside);
  const credential = possible.find(({ path }) => path === target) ?? possible[0];
  if (credential === undefined) return null;
  const carried = inside.includes(credential);
  const loose = items.filter(({ path }) => isLoose(path));
  // What is loose may rest on a delivery that was given too: a grant on its terms.
  const home = carried ? "" : top(credential.path) || top(possible[0].path);
  const beside = carried ? inside : items.filter(({ path }) => home && top(path) === home);
  const near = beside.map(({ path, file }) => ({ path: path.slice(home.length), file }));
  // Loose files are named apart: none may take the place of one that came with the delivery.
  const later = loose.map(({ path, file }) => ({ path: GIVEN + path, file }));
  const siblings = [...later, ...near.filter(({ path }) => isLoose(path))]
    .filter(({ file }) => file !== credential.file && file.size <= MAX_SIBLING_BYTES);
  const others = items.filter(({ path }) => !isLoose(path) && top(path) !== home);
  const { data, folder } = findData(others, near);
  siblings.sort((left, right) => compare(left.path, right.path));
  return { credential: credential.file, siblings, data, folder };
}

/** @param {Item[]} others @param {Item[]} near @returns {{data: Item[] | null, folder: string}} */
function findData(others, near) {
  const tops = (/** @type {Item[]} */ list) => [...new Set(list.map(({ path }) => top(path)).filter(Boolean))];
  const last = tops(others).at(-1);
  const within = tops(near);
  const only = within.includes("data/") ? "data/" : within.length === 1 ? within[0] : undefined;
  const folder = last ?? only;
  if (folder === undefined) return { data: null, folder: "" };
  const data = (last === undefined ? near : others).filter(({ path }) => path.startsWith(folder))
    .map(({ path, file }) => ({ path: path.slice(folder.length), file }));
  return { data, folder: folder.slice(0, -1) };
}
