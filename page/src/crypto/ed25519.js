/**
 * Strict Ed25519: the subset of RFC 8032 on which verifiers agree (spec §3.1).
 *
 * WebCrypto accepts keys of small order, under which one signature fits every message, so it is
 * not used here. Keys of small or mixed order are never keys; nor is such an R a signature's.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, same, unbase58, base58 } from "../canon/bytes.js";
import { attempt, refuse } from "../canon/errors.js";

const CODEC = Uint8Array.of(0xed, 0x01);
const DID_KEY = "did:key:";
const MAX_JUDGED = 1 << 14; // more than a trust file of the largest size names
const FEW = 16; // that by themselves cost less
const TRIALS = 64;
const GROUP = 6; // 2 ** GROUP sums of each are at hand

/**
 * Return whether these bytes are a public key that is safe to believe.
 *
 * @param {Uint8Array} raw
 */
export function isSoundKey(raw) {
  if (raw.length !== 32) return false;
  try {
    const point = ed25519.Point.fromBytes(raw, false); // canonical y only
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}

/**
 * Return whether a signature holds.
 *
 * @param {Uint8Array} key A sound key.
 * @param {Uint8Array} signature
 * @param {Uint8Array} message
 */
export function verify(key, signature, message) {
  if (signature.length !== 64) return false;
  try {
    // noble multiplies the equation by the cofactor, libsodium does not: an R with a part of small
    // order would hold here and fail there.
    const r = ed25519.Point.fromBytes(signature.slice(0, 32), false);
    if (r.isSmallOrder() || !r.isTorsionFree()) return false;
    return ed25519.verify(signature, message, key, { zip215: false });
  } catch {
    return false;
  }
}

/** @type {Map<string, boolean>} */
const judged = new Map();

/** What `isSoundKey` says, remembered: every policy of a chain repeats the keys that it retired. @param {string} text @param {Uint8Array} raw */
function isKnownSound(text, raw) {
  const known = judged.get(text);
  if (known !== undefined) return known;
  const sound = isSoundKey(raw);
  remember(text, sound);
  return sound;
}

/** @param {string} text @param {boolean} sound */
function remember(text, sound) {
  if (judged.size === MAX_JUDGED) judged.clear();
  judged.set(text, sound);
}

/**
 * Judge many keys together, before each is read: a policy may retire a thousand of them, and each by
 * itself takes a millisecond. What is no key is left for whoever reads it to refuse.
 *
 * @param {unknown[]} dids As `did:key:z6Mk…`.
 */
export function judgeTogether(dids) {
  /** @type {Map<string, any>} */
  const points = new Map();
  for (const did of dids) {
    if (typeof did !== "string" || !did.startsWith(DID_KEY) || judged.has(did.slice(DID_KEY.length))) continue;
    const text = did.slice(DID_KEY.length);
    try {
      const point = ed25519.Point.fromBytes(multikeyBytes(text), false);
      if (!point.isSmallOrder()) points.set(text, point);
    } catch {
      continue;
    }
  }
  for (const text of inSubgroup([...points])) remember(text, true);
}

/**
 * The names of those points that have no part of small order, or of most of them.
 *
 * The sum of some of the points, drawn at random, shows a part of small order that one of them has
 * in every other draw: if none of 64 shows any, none has one but with a chance of 2 ** -64. Whoever
 * chose the points cannot try the draws beforehand.
 *
 * @param {[string, any][]} named
 * @returns {string[]}
 */
function inSubgroup(named) {
  if (named.length <= FEW) return []; // left to be judged one by one
  const { ZERO } = ed25519.Point;
  const groups = [];
  for (let at = 0; at < named.length; at += GROUP) {
    const sums = [ZERO];
    for (const [, point] of named.slice(at, at + GROUP)) sums.push(...sums.map((sum) => sum.add(point)));
    groups.push(sums);
  }
  for (let trial = 0; trial < TRIALS; trial += 1) {
    const drawn = crypto.getRandomValues(new Uint8Array(groups.length));
    const sum = groups.reduce((whole, sums, at) => whole.add(sums[drawn[at] % sums.length]), ZERO);
    if (sum.isTorsionFree()) continue;
    const half = named.length >> 1;
    return [...inSubgroup(named.slice(0, half)), ...inSubgroup(named.slice(half))];
  }
  return named.map(([text]) => text);
}

/**
 * Read `z6Mk…`.
 *
 * @param {any} text
 * @returns {Uint8Array}
 */
export function parseMultikey(text) {
  const raw = multikeyBytes(text);
  return isKnownSound(text, raw) ? raw : refuse("weak-key", "not a sound Ed25519 public key");
}

/** @param {any} text @returns {Uint8Array} */
function multikeyBytes(text) {
  if (typeof text !== "string" || !text.startsWith("z")) refuse("bad-key", "a Multikey starts with z");
  const data = attempt(() => unbase58(text.slice(1), 64), ({ message }) => refuse("bad-key", message));
  if (data.length !== 34 || !same(data.slice(0, 2), CODEC)) refuse("bad-key", "not an Ed25519 Multikey");
  return data.slice(2);
}

/** @param {Uint8Array} raw */
export const didKey = (raw) => `${DID_KEY}z${base58(concat(CODEC, raw))}`;

/**
 * Read `did:key:z6Mk…`: the DID alone.
 *
 * @param {any} text
 */
export function parseDidKey(text) {
  if (typeof text !== "string" || !text.startsWith(DID_KEY)) refuse("bad-key", "not a did:key");
  return parseMultikey(text.slice(DID_KEY.length));
}

/**
 * Read `did:key:X#X`. The fragment must repeat the key: software that looks up the fragment alone
 * would verify `did:key:ALICE#MALLORY` with Mallory's key and report Alice.
 *
 * @param {any} text
 */
export function parseVerificationMethod(text) {
  const [did, fragment, ...more] = typeof text === "string" ? text.split("#") : [];
  if (fragment === undefined || more.length || did !== DID_KEY + fragment) {
    refuse("bad-key", "not a did:key URL whose fragment repeats the key");
  }
  return parseDidKey(did);
}
