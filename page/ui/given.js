/** What the user gave: a credential, the small files beside it, the data; sorted out by place and name. */

const MAX_SIBLING = 256 << 20;
const MAX_SIBLINGS = 64;

/** @typedef {{path: string, file: File}} Item */

/** Files of a drop, folders walked. @param {DataTransfer} transfer @returns {Promise<Item[]>} */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  /** @type {Item[]} */
  const items = [];
  for (const entry of entries) await walk(entry, "", items);
  return items;
}

/** Files of an input element. @param {FileList} list @returns {Item[]} */
export const chosen = (list) => [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** @param {FileSystemEntry} entry @param {string} prefix @param {Item[]} items */
async function walk(entry, prefix, items) {
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
    for (const inner of found) await walk(inner, `${path}/`, items);
  }
}

/**
 * Sort out what is what: the credential, its siblings, the data.
 *
 * The credential is the `credential.json` nearest the top, else the only `.json` file; siblings lie
 * in its folder; data is what lies in a folder `data` beside it, or in any other folder given.
 *
 * @param {Item[]} items
 */
export function sortOut(items) {
  const depth = (/** @type {Item} */ item) => item.path.split("/").length;
  const named = items.filter((item) => item.path.split("/").at(-1) === "credential.json")
    .sort((left, right) => depth(left) - depth(right));
  const others = items.filter((item) => !item.path.includes("/") && item.path.endsWith(".json"));
  const credential = named[0] ?? (others.length === 1 ? others[0] : null);
  if (credential === null) return null;
  const home = credential.path.slice(0, credential.path.lastIndexOf("/") + 1);
  /** @type {Item[]} */
  const siblings = [];
  /** @type {Item[]} */
  const data = [];
  let hasData = false;
  for (const item of items) {
    if (item === credential) continue;
    const inside = item.path.startsWith(home) ? item.path.slice(home.length) : item.path;
    const slash = inside.indexOf("/");
    if (item.path.startsWith(home) && slash < 0) siblings.push({ path: inside, file: item.file });
    else {
      hasData = true;
      data.push({ path: inside.slice(slash + 1), file: item.file });
    }
  }
  const small = siblings.filter(({ file }) => file.size <= MAX_SIBLING).slice(0, MAX_SIBLINGS);
  return { credential: credential.file, siblings: small, data: hasData ? data : null };
}
