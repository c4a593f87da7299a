/** The evidence in an audit file: the log, and signed statements of it (spec §22.1). Only its form is checked here. */
import { text as decode, unbase64, utf8 } from "../canon/bytes.js";
import { blake3, parseId } from "../canon/digest.js";
import { attempt, Refusal, refuse } from "../canon/errors.js";
import { gunzip } from "../canon/gzip.js";
import { isObject, parseCanonical } from "../canon/json.js";
import {
  MAX_AUDIT_EVIDENCE_BYTES, MAX_AUDIT_FILE_BYTES, MAX_AUDIT_LEAVES, MAX_AUDIT_OBJECT_BYTES, MAX_NOTE_BYTES,
} from "../../generated/limits.js";

const VERSION = 1;
const MEMBERS = ["about", "audit", "checkpoint", "leaves", "objects", "store"];
const SEGMENT = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const LEAF = /^[mct][0-9a-f]{64}$/;
/** @type {{[letter: string]: LeafType}} */
const TYPES = { m: "manifest", c: "credential", t: "transaction" };

/** @typedef {"manifest" | "credential" | "transaction"} LeafType */
/** @typedef {{type: LeafType, id: string}} Leaf */
/** @typedef {{manifest: string} | {credential: string} | {namespace: string} | {store: string}} About */
/** @typedef {{about: About, store: string, checkpoint: Uint8Array, leaves: Leaf[], objects: Map<string, Uint8Array>, since: Uint8Array | null}} Evidence Ids are hexadecimal, but for those of `about`. */

/** Return the evidence that a page carries: gzip in base64. @param {string} packed @returns {Evidence} */
export function unpackEvidence(packed) {
  if (packed.length > MAX_AUDIT_FILE_BYTES) bad(`more than ${MAX_AUDIT_FILE_BYTES} bytes`);
  const bytes = attempt(() => gunzip(unbase64(packed, "bad-audit"), MAX_AUDIT_EVIDENCE_BYTES));
  if (bytes === null || bytes instanceof Refusal) {
    return bad(`the evidence is not one gzip member of at most ${MAX_AUDIT_EVIDENCE_BYTES} bytes in base64`);
  }
  return parseEvidence(bytes);
}

/** Read evidence; refused (`bad-audit`) unless it is evidence of this version. @param {Uint8Array} bytes @returns {Evidence} */
export function parseEvidence(bytes) {
  const document = attempt(() => parseCanonical(bytes, MAX_AUDIT_EVIDENCE_BYTES), ({ message }) => bad(`the evidence: ${message}`));
  if (!isObject(document) || Object.keys(document).filter((name) => name !== "since").sort().join() !== MEMBERS.join()) {
    return bad("the evidence has other members");
  }
  if (document.audit !== VERSION) bad("evidence of another version");
  const leaves = readLeaves(document.leaves);
  return {
    about: readAbout(document.about),
    store: digest(document.store),
    checkpoint: note(document.checkpoint),
    leaves,
    objects: readObjects(document.objects, new Set(leaves.map(({ id }) => id))),
    since: Object.hasOwn(document, "since") ? note(document.since) : null,
  };
}

/** @param {any} value @returns {About} */
function readAbout(value) {
  if (!isObject(value) || Object.keys(value).length !== 1) return bad("it is about one thing");
  const [[word, stated]] = Object.entries(value);
  if (word === "namespace") {
    if (typeof stated !== "string" || !SEGMENT.test(stated)) bad("the namespace that it is about is none");
  } else if (["manifest", "credential", "store"].includes(word)) {
    digest(stated);
  } else {
    bad("it is about an unknown thing");
  }
  return /** @type {About} */ (value);
}

/** @param {any} value @returns {Leaf[]} */
function readLeaves(value) {
  if (!Array.isArray(value) || value.length > MAX_AUDIT_LEAVES) return bad(`its leaves are not a list of at most ${MAX_AUDIT_LEAVES}`);
  return value.map((one) => (typeof one === "string" && LEAF.test(one) ? { type: TYPES[one[0]], id: one.slice(1) } : bad("a leaf that is none")));
}

/** @param {any} value @param {Set<string>} named */
function readObjects(value, named) {
  if (!Array.isArray(value)) return bad("its objects are not a list");
  /** @type {Map<string, Uint8Array>} */
  const found = new Map();
  let last = "";
  for (const one of value) {
    const bytes = typeof one === "string" ? utf8(one) : new Uint8Array();
    if (!bytes.length || bytes.length > MAX_AUDIT_OBJECT_BYTES) bad("an object that is no text, or too long");
    const id = blake3(bytes);
    if (id <= last) bad("objects out of order, or twice");
    // ATTACK: an object that nobody logged, among those that the log orders.
    if (!named.has(id)) bad(`object ${id.slice(0, 12)} is in no entry of the log`);
    found.set(id, bytes);
    last = id;
  }
  return found;
}

/** The text of an object, as it was signed. @param {Uint8Array} bytes */
export const textOf = (bytes) => decode(bytes, "bad-audit");

/** @param {any} value */
const digest = (value) => attempt(() => parseId(value), ({ message }) => bad(message));

/** @param {any} value */
function note(value) {
  const bytes = typeof value === "string" ? utf8(value) : new Uint8Array(MAX_NOTE_BYTES + 1);
  return bytes.length > MAX_NOTE_BYTES ? bad("a log checkpoint is a text of limited size") : bytes;
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-audit", `not an audit file: ${reason}`);
}
