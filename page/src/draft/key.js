/** A key that signs in the page. Its seed is in memory, and in the file that its owner keeps. */
import { sha256 } from "@noble/hashes/sha2.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { entropyToMnemonic } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { base64, concat, unbase64url, unhex, utf8 } from "../canon/bytes.js";
import { didKey } from "../crypto/ed25519.js";

export const SEED_BYTES = 32;
const PKCS8 = unhex("302e020100300506032b657004220420"); // of an Ed25519 key, before its seed

/** @typedef {import("../crypto/proofs/eddsa_jcs.js").Signer} Signer */

/** The bytes of a new key. */
export const newSeed = () => crypto.getRandomValues(new Uint8Array(SEED_BYTES));

/**
 * Return who signs with a seed: the browser's own Ed25519 where it has one.
 *
 * @param {Uint8Array} seed
 * @param {{native?: boolean}} [options]
 * @returns {Promise<Signer>}
 */
export async function signerOf(seed, { native = true } = {}) {
  const found = native ? await inBrowser(seed) : null;
  if (found !== null) return found;
  const raw = ed25519.getPublicKey(seed);
  return { public: raw, did: didKey(raw), sign: async (message) => ed25519.sign(message, seed) };
}

/** @param {Uint8Array} seed @returns {Promise<Signer | null>} */
async function inBrowser(seed) {
  /** @type {CryptoKey} */
  let key;
  try {
    key = await crypto.subtle.importKey("pkcs8", concat(PKCS8, seed), "Ed25519", true, ["sign"]);
  } catch {
    return null; // a browser that does not have it
  }
  const { x } = await crypto.subtle.exportKey("jwk", key);
  const raw = unbase64url(/** @type {string} */ (x), "bad-key");
  return {
    public: raw,
    did: didKey(raw),
    sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, new Uint8Array(message))),
  };
}

/** Return the 24 words that spell a key for people (spec §3.2): its bytes and eight bits of their hash. @param {Uint8Array} raw */
export const keyWords = (raw) => entropyToMnemonic(raw, wordlist).split(" ");

/** Return `SHA256:…` of a key, as OpenSSH prints it. @param {Uint8Array} raw */
export function fingerprint(raw) {
  const length = (/** @type {Uint8Array} */ part) => Uint8Array.of(0, 0, 0, part.length);
  const blob = concat(...[utf8("ssh-ed25519"), raw].flatMap((part) => [length(part), part]));
  return `SHA256:${base64(sha256(blob)).replace(/=+$/, "")}`;
}
