/** RFC 9162 trees over SHA-256: roots and inclusion (spec §7.2, spec/09-records.md). */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, same } from "./bytes.js";
import { refuse } from "./errors.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const MAX_PROOF = 64;

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
  if (proof.length > MAX_PROOF || proof.some((hash) => hash.length !== 32)) {
    refuse("bad-inclusion", "a proof is at most 64 hashes of 32 bytes");
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
