/**
 * The file in which a key that was made in a page is kept (spec §14.8.2).
 *
 * The form fixes how slow a guess is, so that no file can make it fast, or a page wait for ever.
 */
import { base64url, unbase64url, utf8 } from "../canon/bytes.js";
import { attempt, refuse } from "../canon/errors.js";
import { canonical, hasExactly, parse } from "../canon/json.js";
import { SEED_BYTES, signerOf } from "./key.js";

export const FORMAT = "lyrikstore-page-key/1";
export const MAX_KEY_FILE = 1 << 16; // bytes
export const ROUNDS = 600_000;
export const MIN_PASSPHRASE = 12; // characters
const MAX_PASSPHRASE = 1000;
const [SALT_BYTES, IV_BYTES, TAG_BYTES] = [16, 12, 16];

/** @typedef {import("./key.js").Signer} Signer */

/**
 * Return a key file.
 *
 * @param {Uint8Array} seed
 * @param {string} passphrase
 * @param {{salt?: Uint8Array, iv?: Uint8Array}} [given] For test vectors; both are random.
 */
export async function sealKey(seed, passphrase, given = {}) {
  const salt = given.salt ?? crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const iv = given.iv ?? crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const { did } = await signerOf(seed);
  const key = await stretched(checkPassphrase(passphrase), salt);
  const sealed = await crypto.subtle.encrypt(cipher(iv, did), key, new Uint8Array(seed));
  return canonical({ format: FORMAT, did, salt: base64url(salt), iv: base64url(iv), sealed: base64url(new Uint8Array(sealed)) });
}

/**
 * Return who signs with the key in a key file.
 *
 * @param {Uint8Array} bytes
 * @param {string} passphrase
 * @returns {Promise<Signer>}
 */
export async function openKey(bytes, passphrase) {
  const { did, salt, iv, sealed } = read(bytes);
  const key = await stretched(passphrase, salt);
  /** @type {ArrayBuffer} */
  let seed;
  try {
    seed = await crypto.subtle.decrypt(cipher(iv, did), key, sealed);
  } catch {
    return refuse("wrong-passphrase", "The passphrase is not the one of this key file, or the file was changed.");
  }
  const signer = await signerOf(new Uint8Array(seed));
  return signer.did === did ? signer : refuse("bad-key-file", "The key in this file is not the one that it names.");
}

/** Refuse a passphrase that is soon guessed. @param {string} passphrase */
export function checkPassphrase(passphrase) {
  const length = Array.from(passphrase).length;
  if (length < MIN_PASSPHRASE) refuse("short-passphrase", `A passphrase has at least ${MIN_PASSPHRASE} characters: take a sentence.`);
  if (length > MAX_PASSPHRASE) refuse("long-passphrase", `A passphrase has at most ${MAX_PASSPHRASE} characters.`);
  return passphrase;
}

/** @param {Uint8Array} bytes */
function read(bytes) {
  if (bytes.length > MAX_KEY_FILE) bad(`it has more than ${MAX_KEY_FILE} bytes`);
  const file = attempt(() => parse(bytes, { maxBytes: MAX_KEY_FILE }), ({ message }) => bad(message));
  if (!hasExactly(file, ["format", "did", "salt", "iv", "sealed"])) bad("it has other members");
  if (file.format !== FORMAT) bad(`its format is not ${FORMAT}`);
  return {
    did: typeof file.did === "string" ? file.did : bad("its DID is no text"),
    salt: member(file.salt, SALT_BYTES),
    iv: member(file.iv, IV_BYTES),
    sealed: member(file.sealed, SEED_BYTES + TAG_BYTES),
  };
}

/** @param {any} text @param {number} length */
function member(text, length) {
  if (typeof text !== "string") bad("a member is no text");
  const bytes = attempt(() => unbase64url(text, "bad-key-file"), ({ message }) => bad(message));
  return bytes.length === length ? bytes : bad("a member has another length");
}

/** @param {string} passphrase @param {Uint8Array} salt */
async function stretched(passphrase, salt) {
  const bytes = new Uint8Array(utf8(passphrase.normalize("NFC"))); // one keyboard composes, another does not
  const base = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: new Uint8Array(salt), iterations: ROUNDS };
  return crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** @param {Uint8Array} iv @param {string} did Bound to what is sealed. */
const cipher = (iv, did) => ({ name: "AES-GCM", iv: new Uint8Array(iv), additionalData: new Uint8Array(utf8(did)) });

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-key-file", `This is not a key file of such a page: ${reason}.`);
}
