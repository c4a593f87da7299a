/** Trees: which files, of which content (spec/05-trees.md). */
import { utf8, text as decode } from "./bytes.js";
import { blake3, parseHex } from "./digest.js";
import { refuse } from "./errors.js";
import { checkPaths } from "./paths.js";
import { canonical, hasExactly, isObject, parse } from "./strictjson.js";

const MAX_LINE = 1 << 20;
const MAX_ENTRIES = 10_000_000;

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
    if (lines.length > MAX_ENTRIES) refuse("bad-tree", `a tree has at most ${MAX_ENTRIES} entries`);
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
  if (bytes.length >= MAX_LINE) refuse("bad-tree", `line ${at + 1} is too long`);
  let value;
  try {
    value = parse(bytes);
  } catch {
    refuse("bad-tree", `line ${at + 1} is not JSON`);
  }
  const names = ["blake3", "bytes", "path"];
  if (!hasExactly(value, names) && !hasExactly(value, [...names, "meta"])) {
    refuse("bad-tree", `line ${at + 1} has other members`);
  }
  if (typeof value.path !== "string" || !Number.isSafeInteger(value.bytes) || value.bytes < 0) {
    refuse("bad-tree", `line ${at + 1}: a path is a string, a length an integer`);
  }
  parseHex(value.blake3);
  if (Object.hasOwn(value, "meta")) {
    const cells = isObject(value.meta) ? Object.entries(value.meta) : [];
    if (!cells.length || cells.some(([name, cell]) => !name || typeof cell !== "string" || !cell)) {
      refuse("bad-tree", `line ${at + 1}: metadata maps non-empty strings to non-empty strings`);
    }
  }
  if (line(value) !== `${source}\n`) refuse("bad-tree", `line ${at + 1} is not in canonical form`);
  return value;
}

/** @param {Entry} item */
const bare = ({ path, bytes, blake3: digest }) => ({ blake3: digest, bytes, path });

/** @param {any} value */
export const line = (value) => `${new TextDecoder().decode(canonical(value))}\n`;
