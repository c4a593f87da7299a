/** Trees: which files, of which content (spec/05-trees.md). */
import { utf8, text as decode } from "../../canon/bytes.js";
import { blake3, parseHex } from "../../canon/digest.js";
import { refuse } from "../../canon/errors.js";
import { checkPaths, offence } from "./paths.js";
import { canonical, hasExactly, isObject, parse } from "../../canon/json.js";
import { MAX_TREE_ENTRIES, MAX_TREE_LINE_BYTES } from "../../../generated/limits.js";

const NAMES = ["blake3", "bytes", "path"];

/** @typedef {{path: string, bytes: number, blake3: string, meta?: {[name: string]: string}}} Entry */

/** All files of one version, in the order of their paths. */
export class Tree {
  /** @param {Entry[]} entries */
  constructor(entries) {
    checkPaths(entries.map((entry) => entry.path));
    this.entries = entries;
    this.byPath = new Map(entries.map((entry) => [entry.path, entry]));
    this.totalBytes = entries.reduce((sum, entry) => sum + BigInt(entry.bytes), 0n);
  }

  /** Read the one canonical form. @param {Uint8Array} bytes */
  static parse(bytes) {
    const source = decode(bytes, "bad-tree");
    if (source === "") return new Tree([]);
    if (!source.endsWith("\n")) refuse("bad-tree", "the last line has no newline at its end");
    const lines = source.slice(0, -1).split("\n");
    if (lines.length > MAX_TREE_ENTRIES) refuse("bad-tree", `a tree has at most ${MAX_TREE_ENTRIES} entries`);
    return new Tree(lines.map(entry));
  }

  /** The digest of the same tree without metadata. */
  get filesId() {
    return blake3(utf8(this.entries.map((item) => line(bare(item))).join("")));
  }
}

/** @param {string} source @param {number} at @returns {Entry} */
function entry(source, at) {
  const bytes = utf8(source);
  if (bytes.length >= MAX_TREE_LINE_BYTES) refuse("bad-tree", `line ${at + 1} is too long`);
  let value;
  try {
    value = parse(bytes, { foreign: true }); // what else it may hold, no canonical line does
  } catch {
    refuse("bad-tree", `line ${at + 1} is not JSON`);
  }
  if (!isObject(value) || !NAMES.every((name) => Object.hasOwn(value, name)) || typeof value.path !== "string") {
    refuse("bad-tree", `line ${at + 1} lacks blake3, bytes or path`);
  }
  if (Object.hasOwn(value, "meta") && !isObject(value.meta)) refuse("bad-tree", `line ${at + 1}: meta is not an object`);
  parseHex(value.blake3);
  const problem = problemOf(value, source);
  if (problem) {
    // Of two faults of one line both verifiers name the same.
    const found = offence(value.path);
    refuse(found ? "bad-path" : "bad-tree", `line ${at + 1}: ${found || problem}`);
  }
  return /** @type {any} */ (value);
}

/** What else is wrong with a line, or "". @param {any} value @param {string} source */
function problemOf(value, source) {
  if (!hasExactly(value, NAMES) && !hasExactly(value, [...NAMES, "meta"])) return "other members";
  if (!Number.isSafeInteger(value.bytes) || value.bytes < 0) return "a length is an integer";
  const cells = Object.entries(value.meta ?? { name: "cell" });
  if (!cells.length || cells.some(([name, cell]) => !name || typeof cell !== "string" || !cell)) {
    return "metadata maps non-empty strings to non-empty strings";
  }
  return line(value) === `${source}\n` ? "" : "not in canonical form";
}

/** @param {Entry} item */
const bare = ({ path, bytes, blake3: digest }) => ({ blake3: digest, bytes, path });

/** @param {any} value */
export const line = (value) => `${new TextDecoder().decode(canonical(value))}\n`;
