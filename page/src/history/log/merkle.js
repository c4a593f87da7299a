/** RFC 9162 trees over SHA-256: roots, inclusion, consistency (spec §7.3, spec/09-records.md). */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, same } from "../../canon/bytes.js";
import { refuse } from "../../canon/errors.js";
import { MAX_LOG_PROOF_HASHES } from "../../../generated/limits.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** @param {Uint8Array} entry */
export const leafHash = (entry) => sha256(concat(LEAF, entry));

/** @param {Uint8Array} left @param {Uint8Array} right */
const nodeHash = (left, right) => sha256(concat(NODE, left, right));

/** The root over leaf hashes that come one after another: one hash for each level is kept. */
export class Roots {
  constructor() {
    /** @type {Uint8Array[]} */
    this.stack = [];
    this.count = 0;
  }

  /** @param {Uint8Array} leaf */
  add(leaf) {
    this.stack.push(leaf);
    this.count += 1;
    for (let merged = this.count; merged % 2 === 0; merged /= 2) {
      const right = /** @type {Uint8Array} */ (this.stack.pop());
      this.stack.push(nodeHash(/** @type {Uint8Array} */ (this.stack.pop()), right));
    }
  }

  root() {
    if (!this.stack.length) return sha256(new Uint8Array());
    return this.stack.reduceRight((right, left) => nodeHash(left, right));
  }
}

/** Return the root over leaf hashes. @param {Iterable<Uint8Array>} leaves */
export function root(leaves) {
  const tree = new Roots();
  for (const leaf of leaves) tree.add(leaf);
  return tree.root();
}

/** Every perfect subtree of a tree, hashed once, so that many roots cost little. */
export class Subtrees {
  /** @param {Uint8Array[]} leaves Leaf hashes. */
  constructor(leaves) {
    this.levels = [leaves];
    for (let below = leaves; below.length > 1;) {
      const above = [];
      for (let at = 0; at + 1 < below.length; at += 2) above.push(nodeHash(below[at], below[at + 1]));
      this.levels.push(above);
      below = above;
    }
  }

  /** The root over the first leaves. @param {number} size */
  root(size) {
    const subtrees = [];
    let start = 0;
    for (let level = this.levels.length - 1; level >= 0; level -= 1) {
      if (Math.floor(size / 2 ** level) % 2 === 0) continue;
      subtrees.push(this.levels[level][start / 2 ** level]);
      start += 2 ** level;
    }
    return subtrees.reduceRight((right, left) => nodeHash(left, right));
  }
}

/**
 * Return if the older tree is a prefix of the newer one; refuse otherwise. No size is 0.
 *
 * @param {number} oldSize @param {number} size @param {Uint8Array[]} proof @param {Uint8Array} oldRoot @param {Uint8Array} newRoot
 */
export function verifyConsistency(oldSize, size, proof, oldRoot, newRoot) {
  const bad = () => refuse("bad-consistency", `the tree of ${size} does not extend the one of ${oldSize}`);
  if (!(oldSize >= 1 && oldSize <= size) || proof.length > MAX_LOG_PROOF_HASHES) bad();
  if (oldSize === size) {
    if (proof.length || !same(oldRoot, newRoot)) bad();
    return;
  }
  let node = oldSize - 1;
  let last = size - 1;
  while (node % 2 === 1) [node, last] = [(node - 1) / 2, Math.floor(last / 2)];
  // An old tree that is perfect is its own first subtree.
  const [first, ...path] = node === 0 ? [oldRoot, ...proof] : proof;
  if (first === undefined || (node === 0 && !proof.length)) bad();
  let old = first;
  let whole = first;
  for (const sibling of path) {
    if (last === 0) bad();
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old);
      whole = nodeHash(sibling, whole);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      whole = nodeHash(whole, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  if (last !== 0 || !same(old, oldRoot) || !same(whole, newRoot)) bad();
}

/**
 * Return if a leaf stands at an index of the tree with this root; refuse otherwise.
 *
 * Indices are halved, never shifted: they may exceed 32 bits.
 *
 * @param {Uint8Array} leaf
 * @param {number} index
 * @param {number} size
 * @param {Uint8Array[]} proof
 * @param {Uint8Array} expected
 */
export function verifyInclusion(leaf, index, size, proof, expected) {
  if (!(index >= 0 && index < size)) refuse("bad-inclusion", `leaf ${index} is outside a tree of ${size}`);
  if (proof.length > MAX_LOG_PROOF_HASHES || proof.some((hash) => hash.length !== 32)) {
    refuse("bad-inclusion", `a proof is at most ${MAX_LOG_PROOF_HASHES} hashes of 32 bytes`);
  }
  let node = index;
  let last = size - 1;
  let result = leaf;
  for (const sibling of proof) {
    if (last === 0) refuse("bad-inclusion", "the inclusion proof is too long");
    if (node % 2 === 1 || node === last) {
      result = nodeHash(sibling, result);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      result = nodeHash(result, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  if (last !== 0) refuse("bad-inclusion", "the inclusion proof is too short");
  if (!same(result, expected)) refuse("bad-inclusion", `leaf ${index} is not in the log tree of ${size}`);
}
