/** What of the files beside a credential is read, and when there are too many (spec §11.4). */
import { refuse } from "../../canon/errors.js";
import { isProof } from "../../history/log/log.js";
import { isRule } from "../credential/key_statements.js";
import {
  MAX_JSON_BYTES, MAX_RULES_BYTES, MAX_RULE_PROOFS, MAX_SIBLINGS, MAX_SIBLINGS_BYTES, MAX_STATEMENTS_BYTES,
} from "../../../generated/limits.js";

const BLANK = new Set([0x20, 0x09, 0x0d, 0x0a]);
const ascii = new TextDecoder("latin1");

/** Whether a file may say something by itself: a JSON object, or a log proof. @param {Uint8Array} bytes */
export const maySpeak = (bytes) => bytes.length <= MAX_JSON_BYTES &&
  (isProof(bytes) || bytes.find((byte) => !BLANK.has(byte)) === 0x7b);

/** Every digest that a text may name. @param {Uint8Array} bytes @returns {string[]} */
export const namedIn = (bytes) =>
  Array.from(ascii.decode(bytes).matchAll(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g), ([digest]) => digest);

/**
 * Refuse more files than are read: among those left out could be what the owner of a key says of its
 * theft, and whoever made the folder chose the names of all others.
 *
 * @param {number} count
 * @param {number} size In all.
 * @param {number} words Bytes of those that may speak.
 */
export function checkFew(count, size, words) {
  if (count > MAX_SIBLINGS || size > MAX_SIBLINGS_BYTES || words > MAX_STATEMENTS_BYTES) tooMany();
}

/** Refuse more of what stores say than is judged. @param {Iterable<Uint8Array>} files Those that may speak. */
export function checkFewStatements(files) {
  if (!areFew(files)) tooMany();
}

/**
 * Whether files hold no more of what stores say than is judged: sixty thousand keys in policies, each of which
 * takes its time to be checked; or log proofs of nothing, each of which is held against every policy.
 *
 * @param {Iterable<Uint8Array>} files
 */
export function areFew(files) {
  let [rules, size, proofs] = [0, 0, 0];
  for (const bytes of files) {
    if (isProof(bytes)) proofs += 1;
    else if (isRule(bytes)) [rules, size] = [rules + 1, size + bytes.length];
  }
  return size <= MAX_RULES_BYTES && rules * proofs <= MAX_RULE_PROOFS;
}

/** @returns {never} */
function tooMany() {
  return refuse("too-many-files", `More than the ${MAX_SIBLINGS} files, ${MAX_SIBLINGS_BYTES >> 20} MiB and, of JSON and log ` +
    `proofs, ${MAX_STATEMENTS_BYTES >> 20} MiB that are read lie beside the credential; or of policies, ` +
    `${MAX_RULES_BYTES >> 20} MiB, or too many with too many log proofs: give it with what belongs to it, and nothing else.`);
}
