/** Log entries, signed notes, log checkpoints and proofs (spec/07-log.md). */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, hex, same, text as decode, unbase64, utf8 } from "../../canon/bytes.js";
import { isSoundKey, verify } from "../../crypto/ed25519.js";
import { attempt, refuse } from "../../canon/errors.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import {
  MAX_KEY_NAME_BYTES, MAX_LOG_PROOF_BYTES, MAX_LOG_PROOF_HASHES, MAX_LOG_PROOF_SIGNERS, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES,
} from "../../../generated/limits.js";

const NUMBER = /^(?:0|[1-9][0-9]{0,15})$/;
const START = "\u2014 ";
const HEADER = "c2sp.org/tlog-proof@v1";
const ALGORITHM = Uint8Array.of(1);

/** @typedef {{name: string, id: Uint8Array, raw: Uint8Array}} LogKey */
/** @typedef {{origin: string, size: number, root: Uint8Array, signers: LogKey[]}} Checkpoint */

/** The bytes of a log entry. @param {string} type @param {string} digest */
export const leaf = (type, digest) => utf8(`{"id":"blake3:${digest}","type":"${type}","v":1}`);

/** @param {string} name */
export function isName(name) {
  const length = utf8(name).length;
  return length > 0 && length <= MAX_KEY_NAME_BYTES && name.isWellFormed() && !/[\p{C}\p{Z}\s+]/u.test(name);
}

/** Read `NAME+KEYID+BASE64`. @param {any} text @returns {LogKey} */
export function parseLogKey(text) {
  const found = typeof text === "string" && text.length < 1024
    ? /^([^+]*)\+([0-9a-f]{8})\+([^]*)$/.exec(text)
    : null;
  if (found === null) return refuse("bad-vkey", "not a verifier key");
  const [, name, id, encoded] = found;
  const raw = unbase64(encoded, "bad-vkey");
  if (raw.length !== 33 || raw[0] !== 1) refuse("bad-vkey", "only Ed25519 verifier keys are supported");
  if (!isName(name)) refuse("bad-vkey", "not a key name");
  const key = raw.slice(1);
  if (!isSoundKey(key)) refuse("weak-key", "not a sound Ed25519 public key");
  const own = sha256(concat(utf8(`${name}\n`), ALGORITHM, key)).slice(0, 4);
  if (hex(own) !== id) refuse("bad-vkey", "the key id is not the one of this name and key");
  return { name, id: own, raw: key };
}

/** @param {LogKey} left @param {LogKey} right */
export const sameKey = (left, right) => left.name === right.name && same(left.raw, right.raw);

/**
 * Return the text of a note and who signed it, once a known key's signature holds.
 *
 * @param {Uint8Array} bytes
 * @param {LogKey[]} keys
 * @param {number} [most] How many lines by them it may bear: each costs a signature.
 */
export function openNote(bytes, keys, most = MAX_NOTE_SIGNATURES) {
  const { text, lines } = splitNote(bytes);
  const message = utf8(text);
  const judged = lines.flatMap(({ name, signature }) => keys
    .filter((key) => key.name === name && same(key.id, signature.slice(0, 4)))
    .map((key) => ({ key, signature })));
  if (judged.length > most) refuse("bad-note", `more than ${most} signatures by keys of its log`);
  for (const { key, signature } of judged) {
    if (!verify(key.raw, signature.slice(4), message)) {
      refuse("bad-log-signature", `the signature of ${key.name} on this note does not hold`);
    }
  }
  const signers = [...new Set(judged.map(({ key }) => key))];
  if (!signers.length) refuse("unknown-log-key", "no known key signed this note");
  return { text, signers };
}

/** Return text and signature lines of a note, unverified. @param {Uint8Array} bytes */
function splitNote(bytes) {
  if (bytes.length > MAX_NOTE_BYTES) refuse("bad-note", `${bytes.length} bytes is more than ${MAX_NOTE_BYTES}`);
  const note = decode(bytes, "bad-note");
  const at = note.lastIndexOf("\n\n");
  const tail = note.slice(at + 2);
  if (at < 0 || !tail.endsWith("\n")) refuse("bad-note", "no signature lines after an empty line");
  const text = note.slice(0, at + 1);
  // eslint-disable-next-line no-control-regex -- controls are what is looked for
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) refuse("bad-note", "a control character in the text");
  const lines = tail.slice(0, -1).split("\n");
  if (lines.length > MAX_NOTE_SIGNATURES) refuse("bad-note", `more than ${MAX_NOTE_SIGNATURES} signatures`);
  return { text, lines: lines.map(signatureLine) };
}

/** @param {string} line */
function signatureLine(line) {
  const [name, encoded, ...more] = line.startsWith(START) ? line.slice(START.length).split(" ") : [""];
  if (encoded === undefined || more.length || !isName(name)) refuse("bad-note", "a bad signature line");
  const signature = unbase64(encoded, "bad-note");
  if (signature.length < 5) refuse("bad-note", "a signature line without a signature");
  return { name, signature };
}

/** Return a published log checkpoint. @param {Uint8Array} bytes @param {LogKey[]} keys @returns {Checkpoint} */
export function openCheckpoint(bytes, keys) {
  const claimed = splitNote(bytes).text.split("\n")[0];
  // A key that signs one log says nothing about another.
  const { text, signers } = openNote(bytes, keys.filter((key) => key.name === claimed), MAX_LOG_PROOF_SIGNERS);
  return { ...parseHead(text), signers };
}

/** Return what the text of a log checkpoint says, whoever signed it. @param {string} text */
function parseHead(text) {
  const [origin, size, encoded, end, ...more] = text.split("\n");
  if (end !== "" || more.length || !isName(origin) || !NUMBER.test(size)) {
    refuse("bad-checkpoint", "not a log checkpoint");
  }
  const root = unbase64(encoded, "bad-checkpoint");
  const number = Number(size);
  if (root.length !== 32 || !Number.isSafeInteger(number)) {
    refuse("bad-checkpoint", "a log checkpoint with an impossible size or root");
  }
  return { origin, size: number, root };
}

/** Whether a file is meant as a log proof. @param {Uint8Array} bytes */
export const isProof = (bytes) => same(bytes.slice(0, HEADER.length + 1), utf8(`${HEADER}\n`));

/** Read a `.tlog-proof` file. @param {Uint8Array} bytes */
export function parseProof(bytes) {
  if (bytes.length > MAX_LOG_PROOF_BYTES) bad(`${bytes.length} bytes`);
  let end = -1;
  for (let at = 0; at + 1 < bytes.length && end < 0; at += 1) {
    if (bytes[at] === 10 && bytes[at + 1] === 10) end = at;
  }
  const head = end < 0 ? new Uint8Array() : bytes.slice(0, end);
  const checkpoint = bytes.slice(end + 2);
  if (end < 0 || head.some((byte) => byte > 126) || checkpoint.length > MAX_NOTE_BYTES) {
    bad("no header or no log checkpoint");
  }
  const lines = decode(head, "bad-tlog-proof").split("\n");
  if (lines.shift() !== HEADER) bad("no header");
  if (lines[0]?.startsWith("extra ")) unbase64(/** @type {string} */ (lines.shift()).slice(6), "bad-tlog-proof");
  const [word, number, ...more] = (lines.shift() ?? "").split(" ");
  if (word !== "index" || more.length || !NUMBER.test(number ?? "") || !Number.isSafeInteger(Number(number))) {
    bad("no index line");
  }
  if (lines.length > MAX_LOG_PROOF_HASHES) bad(`more than ${MAX_LOG_PROOF_HASHES} hashes`);
  const hashes = lines.map((line) => unbase64(line, "bad-tlog-proof"));
  if (hashes.some((hash) => hash.length !== 32)) bad("a hash that is not 32 bytes");
  splitNote(checkpoint);
  return { index: Number(number), hashes, checkpoint };
}

/** What the log checkpoint of a proof says, whoever signed it, and as one text; null: nothing readable. @param {ReturnType<typeof parseProof>} proof */
export const statedHead = ({ checkpoint }) => attempt(() => {
  const { text } = splitNote(checkpoint);
  return { ...parseHead(text), text };
}, () => null);

/**
 * Whether a proof leads from an entry to the root it states, whoever signed that: a few hashes, no
 * signature.
 *
 * @param {ReturnType<typeof parseProof>} proof
 * @param {Uint8Array} entry
 */
export const isOf = (proof, entry) => attempt(() => {
  const { size, root } = parseHead(splitNote(proof.checkpoint).text);
  verifyInclusion(leafHash(entry), proof.index, size, proof.hashes, root);
  return true;
}, () => false);

/**
 * Return the log checkpoint under which an entry stands where the proof says.
 *
 * @param {ReturnType<typeof parseProof>} proof
 * @param {Uint8Array} entry
 * @param {LogKey[]} keys
 */
export function verifyProof(proof, entry, keys) {
  const signed = openCheckpoint(proof.checkpoint, keys);
  verifyInclusion(leafHash(entry), proof.index, signed.size, proof.hashes, signed.root);
  return signed;
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-tlog-proof", `not a log proof: ${reason}`);
}

