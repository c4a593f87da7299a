/** BLAKE3 and the spellings of a digest (spec/01-digest.md). */
import { sha256, sha384 } from "@noble/hashes/sha2.js";
import { Hasher, ready } from "./blake3.js";
import { base64, base64url, concat, unhex } from "./bytes.js";
import { refuse } from "./errors.js";

const HEX = /^[0-9a-f]{64}$/;
const MULTIHASH = Uint8Array.of(0x1e, 0x20);
const SHA256 = Uint8Array.of(0x12, 0x20);

/** @typedef {string} Hex 64 lower-case hexadecimal digits. */

/** Of files that were looked at. @type {WeakMap<Uint8Array, Hex>} */
const digests = new WeakMap();

await ready;

/** Return the BLAKE3 of bytes at hand. @param {Uint8Array} bytes @returns {Hex} */
export function blake3(bytes) {
  return new Hasher().update(bytes).digest();
}

/** The same of a file that is asked for often, and does not change. @param {Uint8Array} bytes @returns {Hex} */
export function blake3Once(bytes) {
  const digest = digests.get(bytes) ?? blake3(bytes);
  digests.set(bytes, digest);
  return digest;
}

/** The files, each once: under two names it says what it says once. @param {Iterable<Uint8Array>} files @returns {Uint8Array[]} */
export function distinct(files) {
  const found = new Map();
  for (const bytes of files) {
    const digest = blake3Once(bytes);
    if (!found.has(digest)) found.set(digest, bytes);
  }
  return [...found.values()];
}

/** Read `blake3:…`. @param {any} text @returns {Hex} */
export const parseId = (text) => parse(text, "blake3:");

/** Read `urn:blake3:…`. @param {any} text @returns {Hex} */
export const parseUrn = (text) => parse(text, "urn:blake3:");

/** Read bare hexadecimal. @param {any} text @returns {Hex} */
export const parseHex = (text) => parse(text, "");

/** Return the base64url multibase of the multihash. @param {Hex} digest */
export const multibase = (digest) => `u${base64url(concat(MULTIHASH, unhex(digest)))}`;

/** Whether a file has each SHA-2 digest by which an item of `relatedResource` or `evidence` pins it. @param {any} item @param {Uint8Array} bytes */
export const isPinned = ({ digestMultibase, digestSRI }, bytes) =>
  (digestMultibase === undefined || digestMultibase === `u${base64url(concat(SHA256, sha256(bytes)))}`) &&
  (digestSRI === undefined || digestSRI === `sha384-${base64(sha384(bytes))}`);

/** The first digits, for people. @param {Hex} digest */
export const short = (digest) => digest.slice(0, 12);

/** @param {any} text @param {string} prefix */
function parse(text, prefix) {
  const digits = typeof text === "string" && text.startsWith(prefix) ? text.slice(prefix.length) : "";
  return HEX.test(digits) ? digits : refuse("bad-digest", `not a digest: ${JSON.stringify(text)?.slice(0, 80)}`);
}
