/**
 * Which log checkpoints are of one log: consistency files (spec §7.8). It is arithmetic: whoever wrote
 * a file, and whether anybody signed what it names, does not matter.
 */
import { hex, includes, same, unbase64, utf8 } from "../../canon/bytes.js";
import { blake3Once } from "../../canon/digest.js";
import { attempt, refuse } from "../../canon/errors.js";
import { isName } from "./log.js";
import { Subtrees, verifyConsistency } from "./merkle.js";
import { hasExactly, isObject, parseCanonical } from "../../canon/json.js";
import {
  MAX_COMPARED_HEADS, MAX_CONSISTENCY_FILES, MAX_CONSISTENCY_HEADS, MAX_CONSISTENCY_LEAVES, MAX_LOG_PROOF_HASHES,
} from "../../../generated/limits.js";

const TYPE = "log-consistency";
const [CONSISTENCY, LEAVES] = ["log.consistency.json", "log.leaves"];
const START = utf8('{"from":[');

/** @typedef {{origin: string, size: number, root: Uint8Array}} Head */
/** @typedef {{index: number, signed: import("./log.js").Checkpoint}} Place Where an entry is shown to be logged. */
/** @typedef {"same" | "fork" | "unknown"} Relation */

/** @param {Head} left @param {Head} right */
const equal = (left, right) => left.size === right.size && same(left.root, right.root);

/** Each log checkpoint once. @param {Head[]} heads */
export const distinct = (heads) => [...new Map(heads.map((head) => [`${head.size} ${hex(head.root)}`, head])).values()];

/** Whether a file says that it is a consistency file. @param {Uint8Array} bytes */
const isConsistencyFile = (bytes) => same(bytes.subarray(0, START.length), START) && includes(bytes.subarray(-64), `"type":"${TYPE}"`);

/** Read a consistency file and check its proofs. @param {Uint8Array} bytes */
export function parseConsistency(bytes) {
  const document = parseCanonical(bytes);
  const members = ["from", "origin", "to", "type", "v"];
  if (isObject(document) && Object.hasOwn(document, "leaves")) members.push("leaves");
  need(hasExactly(document, members) && document.type === TYPE && document.v === 1);
  need(typeof document.origin === "string" && isName(document.origin));
  need(Array.isArray(document.from) && document.from.length <= MAX_CONSISTENCY_HEADS);
  const largest = head(document.to, ["root", "size"]);
  const steps = document.from.map((/** @type {any} */ item) => {
    const { size, root } = head(item, ["proof", "root", "size"]);
    need(Array.isArray(item.proof) && item.proof.length <= MAX_LOG_PROOF_HASHES);
    return { size, root, proof: item.proof.map(hash) };
  });
  const sizes = [largest.size, ...steps.map((/** @type {any} */ { size }) => size)];
  need(sizes.every((size, at) => at === 0 || size < sizes[at - 1]));
  let leaves = null;
  if (members.includes("leaves")) {
    const stated = document.leaves;
    need(hasExactly(stated, ["blake3", "size"]) && sizes.includes(stated.size) && stated.size <= MAX_CONSISTENCY_LEAVES);
    need(typeof stated.blake3 === "string" && /^[0-9a-f]{64}$/.test(stated.blake3));
    leaves = { blake3: stated.blake3, size: stated.size };
  }
  for (const { size, root, proof } of steps) verifyConsistency(size, largest.size, proof, root, largest.root);
  return { origin: document.origin, heads: [largest, ...steps], leaves };
}

/** Whether bytes are the leaf hashes that a consistency file names, and give the root stated. @param {ReturnType<typeof parseConsistency>} file @param {Uint8Array} bytes */
export function hasLeaves({ heads, leaves }, bytes) {
  if (leaves === null || bytes.length !== leaves.size * 32 || blake3Once(bytes) !== leaves.blake3) return false;
  const known = new Leaves(bytes).rootAt(leaves.size);
  return known !== undefined && heads.some(({ size, root }) => size === leaves.size && same(root, known));
}

/** The leaf hashes of the first entries of a log; perhaps none. */
class Leaves {
  /** @param {Uint8Array} bytes One after another. */
  constructor(bytes) {
    this.hashes = Array.from({ length: bytes.length / 32 }, (_, at) => bytes.subarray(at * 32, at * 32 + 32));
    /** @type {Subtrees | null} */
    this.tree = null;
  }

  /** The root of the first entries, of no more than there are. @param {number} size @returns {Uint8Array | undefined} */
  rootAt(size) {
    if (size < 1 || size > this.hashes.length) return undefined;
    this.tree ??= new Subtrees(this.hashes);
    return this.tree.root(size);
  }
}

const NO_LEAVES = new Leaves(new Uint8Array());

/**
 * The consistency files at hand, of whatever logs, with the leaf hashes that they name. One that is
 * damaged counts as absent.
 *
 * ATTACK: hundreds of stores with the log of one name, each of which would read all of them again.
 */
export class ConsistencyFiles {
  /** @param {Uint8Array[]} files */
  constructor(files) {
    const said = new Map(files.filter(isConsistencyFile).map((bytes) => [hex(bytes), bytes]));
    this.files = [...said.values()].map(sound).filter((one) => one !== null);
    const lengths = new Set(this.files.map(({ leaves }) => (leaves?.size ?? 0) * 32));
    lengths.delete(0);
    this.leaves = new Map(files.filter(({ length }) => lengths.has(length)).map((bytes) => [blake3Once(bytes), bytes]));
    /** @type {Map<string, Leaves>} */
    this.read = new Map();
  }

  /** Those of one log. Refused if there are more than are read: a crowd, before the one that shows the fork. @param {string} origin */
  of(origin) {
    const found = this.files.filter((one) => one.origin === origin);
    if (found.length > MAX_CONSISTENCY_FILES) refuse("too-many-consistency-files", `more than the ${MAX_CONSISTENCY_FILES} consistency files of a log that are read`);
    return found.map(({ heads, leaves }) => {
      const roots = new Map(heads.map((/** @type {Head} */ { size, root }) => [size, root]));
      return new Line(roots, this.#leavesOf(leaves, roots));
    });
  }

  /** @param {{blake3: string, size: number} | null} stated @param {Map<number, Uint8Array>} roots @returns {Leaves} */
  #leavesOf(stated, roots) {
    const bytes = stated === null ? undefined : this.leaves.get(stated.blake3);
    if (stated === null || bytes?.length !== stated.size * 32) return NO_LEAVES;
    const leaves = this.read.get(stated.blake3) ?? new Leaves(bytes);
    this.read.set(stated.blake3, leaves);
    const [known, wanted] = [leaves.rootAt(stated.size), roots.get(stated.size)];
    return known && wanted && same(known, wanted) ? leaves : NO_LEAVES;
  }
}

/**
 * What of the consistency file of a delivery, and of the leaf hashes beside it, is damaged or of another log; null: nothing.
 *
 * @param {Map<string, Uint8Array>} files By name. @param {string} origin The log that the credential names.
 */
export function damagedConsistency(files, origin) {
  const [stated, leaves] = [CONSISTENCY, LEAVES].map((name) => files.get(name));
  if (stated === undefined) return null;
  const file = sound(stated);
  if (file === null || file.origin !== origin) return CONSISTENCY;
  return leaves === undefined || new ConsistencyFiles([stated, leaves]).of(origin)[0].leaves !== NO_LEAVES ? null : LEAVES;
}

/** Logs that lead to one: size to root, and the leaf hashes of the first entries, if they are known. */
class Line {
  /** @param {Map<number, Uint8Array>} roots @param {Leaves} [leaves] */
  constructor(roots, leaves = NO_LEAVES) {
    this.roots = roots;
    this.leaves = leaves;
  }

  /** The root of the first entries, where it is known. @param {number} size @returns {Uint8Array | undefined} */
  rootAt(size) {
    return this.roots.get(size) ?? this.leaves.rootAt(size);
  }

  /** @param {Head} one */
  has({ size, root }) {
    const known = this.rootAt(size);
    return known !== undefined && same(known, root);
  }
}

/** What the consistency files at hand show of one log. */
export class Consistency {
  /** Refused as {@link ConsistencyFiles.of} says. @param {string} origin @param {ConsistencyFiles} files */
  constructor(origin, files) {
    this.lines = files.of(origin);
    this.#join();
  }

  /** How two log checkpoints of the log relate, as far as it is shown. @param {Head} left @param {Head} right @returns {Relation} */
  relation(left, right) {
    if (left.size === right.size) return equal(left, right) ? "same" : "fork";
    if (this.lines.some((line) => line.has(left) && line.has(right))) return "same";
    const least = Math.min(left.size, right.size);
    for (const one of this.#around(left)) {
      for (const other of this.#around(right)) {
        // Beyond the smaller of the two, what it leads to is nobody's word.
        for (const size of [least, ...one.roots.keys(), ...other.roots.keys()]) {
          const [first, second] = size > least ? [] : [one.rootAt(size), other.rootAt(size)];
          if (first && second && !same(first, second)) return "fork";
        }
      }
    }
    return "unknown";
  }

  /** Whether a log checkpoint is of a log that has that leaf hash there; null: not known. @param {Uint8Array} leaf @param {number} index @param {Head} at @returns {boolean | null} */
  holds(leaf, index, at) {
    const line = this.lines.find((one) => index < Math.min(one.leaves.hashes.length, at.size) && one.has(at));
    return line === undefined ? null : same(line.leaves.hashes[index], leaf);
  }

  /** Where the log of a log checkpoint has that leaf hash first; null: not known. @param {Uint8Array} leaf @param {Head} at @returns {number | null} */
  find(leaf, at) {
    for (const line of this.lines) {
      const index = line.leaves.hashes.slice(0, at.size).findIndex((one) => same(one, leaf));
      if (index >= 0 && line.has(at)) return index;
    }
    return null;
  }

  /** Whether a file is about a log checkpoint, and nothing shows that its log lacks that leaf. @param {Uint8Array} leaf @param {Head} at */
  mayHave(leaf, at) {
    const about = this.lines.filter((line) => line.has(at));
    const lacks = about.some(({ leaves: { hashes } }) =>
      hashes.length >= at.size && !hashes.slice(0, at.size).some((one) => same(one, leaf)));
    return !lacks && about.some(({ roots }) => Math.max(0, ...roots.keys()) === at.size);
  }

  /**
   * Where an entry is shown to be in the one log that all anchors are of; else the first index that a
   * proof shows, and whether it is shown to be of another history.
   *
   * @param {Uint8Array} leaf @param {Place[]} places @param {Head[]} anchors
   * @returns {{index: number | null, shown: Relation}}
   */
  place(leaf, places, anchors) {
    const listed = anchors.map((anchor) => this.find(leaf, anchor)).filter((index) => index !== null);
    const indices = [...new Set([...places.map(({ index }) => index), ...listed])].sort((left, right) => left - right);
    for (const index of indices) {
      const here = places.filter((one) => one.index === index);
      const inOne = (/** @type {Head} */ anchor) => this.holds(leaf, index, anchor) === true ||
        here.some(({ signed }) => this.relation(signed, anchor) === "same");
      if (anchors.every(inOne)) return { index, shown: "same" };
    }
    const apart = places.some(({ index, signed }) => anchors.some((anchor) =>
      this.relation(signed, anchor) === "fork" || this.holds(leaf, index, anchor) === false));
    return { index: places[0]?.index ?? null, shown: apart ? "fork" : "unknown" };
  }

  /** Whether two of these, all signed by keys of the log, are of two histories. @param {Head[]} heads */
  isTorn(heads) {
    const several = distinct(heads);
    if (several.length > MAX_COMPARED_HEADS) {
      // ATTACK: whoever has a log key signs hundreds, each to be held against each.
      refuse("too-many-log-checkpoints",
        `${several.length} log checkpoints of one log are at hand, more than the ${MAX_COMPARED_HEADS} that are compared`);
    }
    return several.some((one, at) => several.slice(at + 1).some((other) => this.relation(one, other) === "fork"));
  }

  /** @param {Head} one */
  #around(one) {
    return [new Line(new Map([[one.size, one.root]])), ...this.lines.filter((line) => line.has(one))];
  }

  #join() {
    // Only downwards: what two logs have in common leads to both of them, and says nothing of what
    // comes after it in either.
    for (let changed = true; changed;) {
      changed = false;
      for (const one of this.lines) {
        for (const other of this.lines) {
          if (one === other) continue;
          const common = [...one.roots].filter(([size, root]) => other.has({ origin: "", size, root })).map(([size]) => size);
          const highest = Math.max(-1, ...common);
          for (const [size, root] of one.roots) {
            if (size > highest || other.roots.has(size)) continue;
            other.roots.set(size, root);
            changed = true;
          }
        }
      }
    }
  }
}

/** A consistency file, or nothing where it is damaged. @param {Uint8Array} bytes */
const sound = (bytes) => attempt(() => parseConsistency(bytes), () => null);

/** @param {any} value @param {string[]} members */
function head(value, members) {
  need(hasExactly(value, members) && Number.isSafeInteger(value.size) && value.size >= 1);
  return { origin: "", size: value.size, root: hash(value.root) };
}

/** @param {any} value */
function hash(value) {
  need(typeof value === "string");
  const bytes = unbase64(value, "bad-consistency");
  need(bytes.length === 32);
  return bytes;
}

/** @param {unknown} condition */
function need(condition) {
  if (!condition) refuse("bad-consistency", "not a consistency file of a log");
}
