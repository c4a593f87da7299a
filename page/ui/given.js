/**
 * What the user gave: a credential, the small files beside it, the data; or a deployed folder; sorted out by place and
 * name.
 */

import { EARLIER, FOLDER, MANIFEST, UNSIGNED } from "../src/verify/deployment/layout.js";
import { compare } from "../src/history/trees/paths.js";
import { GIVEN } from "../src/verify_file.js";
import { MAX_SIBLING_BYTES } from "../generated/limits.js";
import { pageText } from "./texts.js";

/** @typedef {{path: string, file: File}} Item */
/** @typedef {{credential: File, siblings: Item[], data: Item[] | null, folder: string}} Delivered `folder`: where the data was found. */
/** @typedef {{evidence: Item[], siblings: Item[], data: Item[], folder: string}} Deployed `evidence`: what lies below `lyrikstore/`; `data`: all other files of the folder; `siblings`: what was given apart from it. */
/** @typedef {Delivered | Deployed} Given */

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

/** Whether a file makes the folder it lies in a deployed one: `FOLDER/lyrikstore/manifest.json`, or what folders have that nobody signed. @param {Item} item */
function makesDeployed({ path }) {
  const [, inner, name, ...more] = path.split("/");
  return inner === FOLDER && [MANIFEST, UNSIGNED, EARLIER].includes(name) && more.length === 0;
}

/** What makes folders deployed ones, one for each of them. @param {Item[]} items @returns {Item[]} */
function deployments(items) {
  /** @type {Map<string, Item>} */
  const found = new Map();
  for (const item of items.filter(makesDeployed)) {
    if (!found.has(top(item.path)) || item.path.endsWith(MANIFEST)) found.set(top(item.path), item);
  }
  return [...found.values()];
}

/** What to call a thing that can be judged. @param {Item} item */
export const titleOf = (item) => (makesDeployed(item) ? pageText("verification.deployed-folder", { name: top(item.path).slice(0, -1) }) : item.path);

/**
 * What of all that is given can be judged: deployed folders; `credential.json` at the top of a folder or
 * loose, and every loose `.json` file; else the credential inside this page. The first is the most likely.
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
  // ATTACK: a credential laid into a deployed folder, so that the folder is not looked at.
  return [...deployments(items), ...named, ...(named.length ? [] : carried), ...loose];
}

/**
 * Sort out what is what: a deployed folder; or the credential, its siblings, the data.
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
  if (makesDeployed(credential)) return sortDeployed(items, top(credential.path));
  const carried = inside.includes(credential);
  const loose = items.filter(({ path }) => isLoose(path));
  const folders = new Set(possible.filter(makesDeployed).map(({ path }) => top(path)));
  // What is loose may rest on a delivery that was given too: a grant on its terms.
  const [likely = credential] = possible.filter((item) => !makesDeployed(item));
  const home = carried ? "" : top(credential.path) || top(likely.path);
  const beside = carried ? inside : items.filter(({ path }) => home && top(path) === home);
  const near = beside.map(({ path, file }) => ({ path: path.slice(home.length), file }));
  // Loose files are named apart: none may take the place of one that came with the delivery.
  const later = loose.map(({ path, file }) => ({ path: GIVEN + path, file }));
  const siblings = [...later, ...near.filter(({ path }) => isLoose(path))]
    .filter(({ file }) => file !== credential.file && file.size <= MAX_SIBLING_BYTES);
  const others = items.filter(({ path }) => !isLoose(path) && top(path) !== home && !folders.has(top(path)));
  const { data, folder } = findData(others, near);
  siblings.sort((left, right) => compare(left.path, right.path));
  return { credential: credential.file, siblings, data, folder };
}

/** @param {Item[]} items @param {string} home @returns {Deployed} */
function sortDeployed(items, home) {
  const below = (/** @type {string} */ prefix) => items.filter(({ path }) => path.startsWith(prefix))
    .map(({ path, file }) => ({ path: path.slice(prefix.length), file }));
  const inner = `${FOLDER}/`;
  return {
    evidence: below(home + inner),
    siblings: items.filter(({ path }) => isLoose(path)),
    data: below(home).filter(({ path }) => !path.startsWith(inner)),
    folder: home.slice(0, -1),
  };
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
