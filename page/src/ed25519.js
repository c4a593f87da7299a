/**
 * Strict Ed25519: the subset of RFC 8032 on which verifiers agree (spec §3.1).
 *
 * WebCrypto accepts keys of small order, under which one signature fits every message, so it is
 * not used here. Keys of small or mixed order are never keys; nor is such an R a signature's.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, same, unbase58, base58 } from "./bytes.js";
import { refuse, Refusal } from "./errors.js";

const CODEC = Uint8Array.of(0xed, 0x01);
const DID_KEY = "did:key:";
const MAX_JUDGED = 4096;

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
  if (judged.size === MAX_JUDGED) judged.clear();
  const sound = isSoundKey(raw);
  judged.set(text, sound);
  return sound;
}

/**
 * Read `z6Mk…`.
 *
 * @param {any} text
 * @returns {Uint8Array}
 */
export function parseMultikey(text) {
  if (typeof text !== "string" || !text.startsWith("z")) refuse("bad-key", "a Multikey starts with z");
  let data = new Uint8Array();
  try {
    data = unbase58(text.slice(1), 64);
  } catch (error) {
    refuse("bad-key", /** @type {Refusal} */ (error).message);
  }
  if (data.length !== 34 || !same(data.slice(0, 2), CODEC)) refuse("bad-key", "not an Ed25519 Multikey");
  const raw = data.slice(2);
  return isKnownSound(text, raw) ? raw : refuse("weak-key", "not a sound Ed25519 public key");
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
