/** How data departs from the list of files that was signed (spec §11.4.3). */
import { counted } from "../../canon/text.js";
import { compare as inOrder } from "../../history/trees/paths.js";
import { nameSome } from "../../canon/quoting.js";
import { endsBefore } from "./line_ends.js";
import { failed, passed, unchecked, warned } from "../report.js";
import { MAX_NAMED } from "../../../generated/limits.js";

const LINE_ENDS = "line-ends";
const LITTER = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

/** @typedef {{kind: "file" | "other" | "unreadable", bytes: number, blake3: string | null}} Found */

/** @param {string} path */
export function isLitter(path) {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return LITTER.has(name) || name.startsWith("._");
}

/**
 * Return how what was found departs from a tree.
 *
 * @param {import("../../history/trees/tree.js").Tree} tree
 * @param {Map<string, Found>} found Path to what is there; every path found.
 */
export function compare(tree, found) {
  let matching = 0;
  /** @type {string[]} */
  const missing = [];
  /** @type {string[]} */
  const unreadable = [];
  /** @type {Map<string, string>} path to reason */
  const wrong = new Map();
  for (const entry of tree.entries) {
    const here = found.get(entry.path);
    if (here === undefined) missing.push(entry.path);
    else if (here.kind === "unreadable") unreadable.push(entry.path);
    else if (here.kind === "other") wrong.set(entry.path, "not-a-file");
    else if (here.blake3 === entry.blake3 && here.bytes === entry.bytes) matching += 1;
    else wrong.set(entry.path, here.bytes === entry.bytes ? "content" : "size");
  }
  const surplus = [...found.keys()].filter((path) => !tree.byPath.has(path)).sort(inOrder);
  const reformed = findReformed(tree, missing, surplus, found);
  const gone = new Set(reformed.map(([from]) => from));
  const taken = new Set(reformed.map(([, to]) => to));
  const renamed = findRenamed(tree, missing.filter((path) => !gone.has(path)), surplus.filter((path) => !taken.has(path)), found);
  for (const [from, to] of renamed) {
    gone.add(from);
    taken.add(to);
  }
  const { swapped, differs } = findSwapped(tree, wrong, found);
  const rest = surplus.filter((path) => !taken.has(path));
  const junk = (/** @type {string} */ path) => found.get(path)?.kind === "file" && isLitter(path);
  return {
    matching,
    differs,
    swapped,
    renamed,
    reformed,
    missing: missing.filter((path) => !gone.has(path)),
    extra: rest.filter((path) => !junk(path)),
    litter: rest.filter(junk),
    unreadable,
  };
}

/** @typedef {ReturnType<typeof compare>} Comparison */

/** Whether every listed file is there as listed. @param {Comparison} comparison */
export const isComplete = (comparison) =>
  !["differs", "swapped", "renamed", "reformed", "missing", "unreadable"]
    .some((name) => /** @type {any} */ (comparison)[name].length);

/**
 * Say of files that differ where they do so by their line ends alone: each is read once more, if it
 * can be so by its length.
 *
 * @param {import("../../history/trees/tree.js").Tree} tree
 * @param {Comparison} comparison
 * @param {Map<string, {size: number, digestWith: (ends: import("./line_ends.js").LineEnds) => Promise<string>}>} files
 */
export async function markRewritten(tree, { differs }, files) {
  await Promise.all(differs.map(async (item) => {
    const file = files.get(item.path);
    const entry = tree.byPath.get(item.path);
    if (file === undefined || entry === undefined || item.holds !== undefined || item.reason === "not-a-file") return;
    const ends = endsBefore(file.size, entry.bytes);
    if (ends !== null && await file.digestWith(ends).catch(() => "") === entry.blake3) item.reason = LINE_ENDS;
  }));
}

/**
 * Return the check `data.files`, or the one of another id.
 *
 * @param {Comparison} c
 * @param {string} [id]
 * @param {boolean} [whole] Whether an absent file is a failure, too: who loads the folder does not wait for it.
 */
export function checkFiles(c, id = "data.files", whole = false) {
  const rewritten = c.differs.filter(({ reason }) => reason === LINE_ENDS);
  const differing = c.differs.filter(({ reason }) => reason !== LINE_ENDS);
  /** @type {[string, string[], string][]} */
  const findings = [
    ["swapped", c.swapped.map(([a, b]) => `${a} <-> ${b}`), "holding each other's content"],
    ["differs", differing.map((item) => item.path), "differing"],
    ["line-ends", rewritten.map((item) => item.path), "changed in transit, by line ends alone"],
    ["renamed", c.renamed.map(([from, to]) => `${from} -> ${to}`), "renamed"],
    ["unicode-form", c.reformed.map(([from]) => from), "in another Unicode form"],
    ["extra", c.extra, "not listed"],
    ["missing", c.missing, "missing"],
    ["unreadable", c.unreadable, "unreadable"],
    ["litter", c.litter, "desktop litter"],
  ];
  const parts = findings
    .filter(([, names]) => names.length)
    .map(([, names, words]) => `${names.length} ${words}: ${nameSome(names)}`);
  const summary = parts.join("; ") || `the ${counted(c.matching, "file is", "files are")} as listed`;
  const detail = detailOf(c);
  const fatal = findings.slice(0, whole ? -2 : -3).find(([, names]) => names.length);
  if (fatal) return failed(id, fatal[0], summary, detail);
  if (c.missing.length || c.unreadable.length) {
    return unchecked(id, c.missing.length ? "missing" : "unreadable", summary, detail);
  }
  if (c.litter.length) return warned(id, "litter", summary, detail);
  return passed(id, summary, detail);
}

/** @param {Comparison} c */
function detailOf(c) {
  /** @type {{[name: string]: any}} */
  const detail = { matching: c.matching };
  if (c.differs.length) detail.differs = c.differs.slice(0, MAX_NAMED);
  if (c.swapped.length) detail.swapped = c.swapped.slice(0, MAX_NAMED);
  if (c.renamed.length) detail.renamed = c.renamed.slice(0, MAX_NAMED).map(([from, to]) => ({ from, to }));
  if (c.reformed.length) detail.unicodeForm = c.reformed.slice(0, MAX_NAMED).map(([from, to]) => ({ from, to }));
  for (const name of /** @type {const} */ (["missing", "extra", "litter", "unreadable"])) {
    if (c[name].length) {
      detail[name] = c[name].slice(0, MAX_NAMED);
      detail[`${name}Count`] = c[name].length;
    }
  }
  return detail;
}

/**
 * Listed paths are in form C. As some file systems name them they are in another, of which there may be
 * several, where they tell them apart.
 *
 * @param {import("../../history/trees/tree.js").Tree} tree
 * @param {string[]} missing
 * @param {string[]} surplus
 * @param {Map<string, Found>} found
 */
function findReformed(tree, missing, surplus, found) {
  const foreign = (/** @type {string} */ path) => /[^\x00-\x7f]/.test(path);
  /** @type {Map<string, string[]>} */
  const forms = new Map();
  for (const path of missing.some(foreign) ? surplus.filter(foreign) : []) {
    const form = path.normalize("NFC");
    forms.has(form) ? forms.get(form)?.push(path) : forms.set(form, [path]);
  }
  return missing.flatMap((path) => {
    const entry = /** @type {import("../../history/trees/tree.js").Entry} */ (tree.byPath.get(path));
    const other = forms.get(path)?.find((one) => {
      const here = found.get(one);
      return here?.kind === "file" && here.bytes === entry.bytes && here.blake3 === entry.blake3;
    });
    return other === undefined ? [] : [/** @type {[string, string]} */ ([path, other])];
  });
}

/**
 * @param {import("../../history/trees/tree.js").Tree} tree
 * @param {string[]} missing
 * @param {string[]} surplus
 * @param {Map<string, Found>} found
 */
function findRenamed(tree, missing, surplus, found) {
  /** @type {Map<string, string[]>} */
  const elsewhere = new Map();
  for (const path of surplus) {
    const digest = found.get(path)?.blake3;
    // ATTACK: a hundred thousand files of one content; each costs one step, here and below.
    if (digest) elsewhere.has(digest) ? elsewhere.get(digest)?.push(path) : elsewhere.set(digest, [path]);
  }
  for (const paths of elsewhere.values()) paths.reverse();
  /** @type {[string, string][]} */
  const renamed = [];
  for (const path of missing) {
    const entry = /** @type {import("../../history/trees/tree.js").Entry} */ (tree.byPath.get(path));
    const candidates = elsewhere.get(entry.blake3);
    // An empty file has the content of every empty file: that says nothing of its origin.
    if (candidates?.length && entry.bytes) renamed.push([path, /** @type {string} */ (candidates.pop())]);
  }
  return renamed;
}

/**
 * @param {import("../../history/trees/tree.js").Tree} tree
 * @param {Map<string, string>} wrong
 * @param {Map<string, Found>} found
 */
function findSwapped(tree, wrong, found) {
  /** @type {Map<string, string>} */
  const home = new Map();
  for (const entry of tree.entries) if (!home.has(entry.blake3)) home.set(entry.blake3, entry.path);
  const listed = (/** @type {string} */ path) => tree.byPath.get(path)?.blake3 ?? "";
  const wanted = new Map([...wrong.keys()].reverse().map((path) => [listed(path), path]));
  /** @type {[string, string][]} */
  const swapped = [];
  /** @type {{path: string, reason: string, holds?: string}[]} */
  const differs = [];
  const named = new Set(); // each once
  for (const [path, reason] of wrong) {
    if (named.has(path)) continue;
    const content = found.get(path)?.blake3 ?? "";
    const other = wanted.get(content);
    // ATTACK: an entry of another length than its digest's file has would be swapped with itself.
    if (other !== undefined && other !== path && !named.has(other) && found.get(other)?.blake3 === listed(path)) {
      swapped.push([path, other]);
      named.add(path).add(other);
      continue;
    }
    const holds = home.get(content);
    differs.push({ path, reason, ...(holds === undefined ? {} : { holds }) });
    named.add(path);
  }
  return { swapped, differs };
}
