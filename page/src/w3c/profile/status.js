/** Whether the issuer of a foreign credential still stands by it (spec §17.8). */
import { attempt, Refusal, refuse } from "../../canon/errors.js";
import { quote } from "../../canon/quoting.js";
import { failed, notApplicable, passed, unchecked, warned } from "../../verify/report.js";
import { LIST_TYPE } from "../../credentials/opened.js";
import { inflate, newestFirst, SAID } from "../../verify/credential/status.js";
import { isObject } from "../../canon/json.js";
import { checkCredentialModel } from "./model.js";
import { statusProblem } from "../problems.js";
import { checkBinding, checkProofs } from "./proofs.js";
import { idOf, isUrl, itemsOf, parseStamp, statedIn, typesOf } from "../../canon/values.js";
import { CLOCK_SKEW, formatTimestamp } from "../../canon/timestamps.js";
import { MAX_INDEX_DIGITS, MAX_STATUS_ENTRIES, MAX_STATUS_SIZE, STATUS_LIST_ENTRIES } from "../../../generated/limits.js";

const TELLING = ["message", "refresh"]; // say something about the credential without taking it back
const KNOWN = ["wrong-list", "foreign-list", "future-list", "undated-list", "short-list", "range"];

/** @typedef {import("../../verify/report.js").Check} Check */
/** @typedef {{purpose: string, index: bigint, url: string, size: number, messages: Map<number, string>}} Entry */
/** @typedef {{bits: Uint8Array, made: number, until: number}} List */
/** @typedef {{issuer: string, lists: import("../../verify/credential/status.js").Lists, at: number, maxAge: number, resolver: import("../../credentials/did.js").Resolver}} By */

/**
 * Return the check `status` of a credential whose signature holds.
 *
 * @param {any} document
 * @param {By} by
 * @returns {Promise<Check>}
 */
export async function checkStatus(document, by) {
  const stated = statedIn(document, "credentialStatus");
  if (!stated.length) return notApplicable("status", "names no status list: this credential cannot be revoked");
  if (stated.length > MAX_STATUS_ENTRIES) return unchecked("status", "too-many", `more than ${MAX_STATUS_ENTRIES} status entries`);
  const judged = [];
  for (const item of stated) judged.push(await judge(item, by));
  for (const state of ["fail", "unchecked", "warn"]) {
    const found = judged.find((check) => check.state === state);
    if (found) return found;
  }
  const oldest = judged.map((check) => check.detail.asOf).sort()[0];
  const said = judged.map((check) => check.summary).join("; ");
  return passed("status", `${said}, by status lists made at ${oldest}`, { asOf: oldest });
}

/** @param {any} item @param {By} by @returns {Promise<Check>} */
async function judge(item, by) {
  if (typesOf(item).join() !== "BitstringStatusListEntry") {
    return unchecked("status", "unknown-type", `an entry of a type not known here: ${quote(JSON.stringify(item.type))}`);
  }
  const entry = attempt(() => readEntry(item));
  if (entry instanceof Refusal) { // it may say "revoked"
    return failed("status", "bad-entry", quote(entry.message, 300), statusProblem("MALFORMED_VALUE_ERROR"));
  }
  /** @type {List | null} */
  let best = null;
  const beside = by.lists.get(entry.url) ?? [];
  let trouble = beside.length
    ? open("foreign-list", entry, "it is of another issuer")
    : open("no-list", entry, "it is not at hand", "STATUS_RETRIEVAL_ERROR");
  const { chosen, unread } = newestFirst(beside, by.issuer, by.at);
  for (const one of chosen) {
    try {
      const found = await readList(one, entry, by);
      const value = valueOf(found, entry);
      if (best === null || found.made > best.made || (found.made === best.made && value > valueOf(best, entry))) best = found;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      trouble = open(KNOWN.includes(error.kind) ? error.kind : "unsound-list", entry, error.message, problemOf(error.kind));
    }
  }
  if (best === null) return trouble;
  const check = said(best, entry, by);
  return check.state === "fail" || unread === null || unread < best.made
    ? check
    : open("too-many-lists", entry, "there are more of its age than are read", undefined, { asOf: formatTimestamp(best.made) });
}

/** @param {any} item @returns {Entry} */
function readEntry(item) {
  const { statusPurpose: purpose, statusListIndex: index, statusListCredential: url } = item;
  const size = Object.hasOwn(item, "statusSize") ? item.statusSize : 1;
  if (typeof purpose !== "string" || !purpose) bad("statusPurpose is not a string");
  // 94567, 9e4, " 94567" and 94_567 are one number to some readers and none, or another one, to others.
  if (typeof index !== "string" || index.length > MAX_INDEX_DIGITS || !/^(?:0|[1-9][0-9]*)$/.test(index)) {
    bad("statusListIndex is not a string of digits");
  }
  if (!isUrl(url)) return bad("statusListCredential is not a URL");
  if (item.id === url) bad("its id is the URL of the list");
  if (!Number.isSafeInteger(size) || size < 1 || size > MAX_STATUS_SIZE) bad(`statusSize is not an integer from 1 to ${MAX_STATUS_SIZE}`);
  return { purpose, index: BigInt(index), url, size, messages: messagesOf(item, size) };
}

/** @param {any} item @param {number} size */
function messagesOf(item, size) {
  /** @type {Map<number, string>} */
  const messages = new Map();
  const stated = item.statusMessage ?? null;
  if (stated === null) return size > 1 ? bad("statusSize without statusMessage") : messages;
  if (!Array.isArray(stated) || stated.length !== 1 << size) bad(`statusMessage has not ${1 << size} entries`);
  for (const one of stated) {
    const { status, message } = isObject(one) ? one : {};
    if (typeof status !== "string" || !/^0x[0-9a-fA-F]{1,4}$/.test(status)) bad("a status message without its status in hexadecimal");
    const value = Number(status);
    if (typeof message !== "string" || messages.has(value) || value >> size) {
      bad("a status message that is no text, occurs twice, or is beyond the size");
    }
    messages.set(value, message);
  }
  return messages;
}

/** @param {import("../../credentials/opened.js").OpenedCredential} opened @param {Entry} entry @param {By} by @returns {Promise<List>} */
async function readList({ stated: given }, entry, { issuer, resolver, at }) {
  checkCredentialModel(given);
  const signed = await checkProofs(given, "assertionMethod", resolver, at);
  if (signed.verified === null) return refuse("unsound-list", signed.check.summary);
  const { document } = signed.verified;
  const named = idOf(document.issuer);
  if (checkBinding("issuer.binding", named, signed).state !== "pass") {
    refuse("unsound-list", "it is signed by somebody else than its issuer");
  }
  if (named !== issuer) refuse("foreign-list", "it is of another issuer");
  const subject = document.credentialSubject;
  if (!typesOf(document).includes(LIST_TYPE) || !isObject(subject)) bad(`its type is not ${LIST_TYPE}`);
  if (!typesOf(subject).includes("BitstringStatusList")) bad("its subject is not a BitstringStatusList");
  // ATTACK: a list of another URL, sound in itself, in which the bit happens to be clear.
  if (document.id !== entry.url) refuse("wrong-list", "it is of another URL");
  if (!itemsOf(subject.statusPurpose).includes(entry.purpose)) refuse("wrong-list", "it is of another purpose");
  if (!Object.hasOwn(document, "validFrom")) refuse("undated-list", "the status list has no date of creation");
  const made = parseStamp(document.validFrom);
  if (made - at > CLOCK_SKEW) refuse("future-list", "it is from the future");
  let until = Object.hasOwn(document, "validUntil") ? parseStamp(document.validUntil) : Infinity;
  const ttl = subject.ttl ?? null;
  if (ttl !== null) {
    if (!Number.isSafeInteger(ttl) || ttl <= 0 || ttl >= 1e14) bad("ttl is not a number of milliseconds");
    until = Math.min(until, made + ttl);
  }
  return { bits: inflate(subject.encodedList), made, until };
}

/** @param {List} list @param {Entry} entry */
function valueOf({ bits }, { index, size }) {
  if (Math.floor((bits.length * 8) / size) < STATUS_LIST_ENTRIES) {
    refuse("short-list", `fewer than ${STATUS_LIST_ENTRIES} entries tell whose they are`);
  }
  const begin = index * BigInt(size);
  if (begin + BigInt(size) > BigInt(bits.length * 8)) refuse("range", `entry ${index} is outside it`);
  let value = 0;
  for (let bit = Number(begin); bit < Number(begin) + size; bit += 1) value = (value << 1) | ((bits[bit >> 3] >> (7 - (bit & 7))) & 1);
  return value;
}

/** @param {List} list @param {Entry} entry @param {By} by @returns {Check} */
function said(list, entry, { at, maxAge }) {
  const [value, asOf] = [valueOf(list, entry), formatTimestamp(list.made)];
  const word = SAID.get(entry.purpose);
  const telling = TELLING.includes(entry.purpose);
  if (value && !telling) {
    // However old the list: what was revoked stays so until a newer one says otherwise.
    const what = word ?? `${quote(entry.purpose)} is set`;
    return failed("status", word ?? "set", `${what} by its issuer, by a list made at ${asOf}`,
      { asOf, value, ...statusProblem("STATUS_VERIFICATION_ERROR") });
  }
  if (at > list.until) {
    return open("expired-list", entry, `it was made at ${asOf} and good until ${formatTimestamp(list.until)}`, undefined, { asOf });
  }
  if (at - list.made > maxAge) return open("stale-list", entry, `it was made at ${asOf}, too long ago for you`, undefined, { asOf });
  if (!telling) return passed("status", `not ${word ?? quote(entry.purpose)}`, { asOf, value });
  const message = entry.messages.get(value) ?? "";
  const summary = `${entry.purpose} 0x${value.toString(16)}${message ? `: ${quote(message)}` : ""}`;
  return value
    ? warned("status", entry.purpose, summary, { asOf, value, message })
    : passed("status", summary, { asOf, value });
}

/** @param {string} kind */
function problemOf(kind) {
  const names = new Map([["range", "RANGE_ERROR"], ["short-list", "STATUS_LIST_LENGTH_ERROR"], ["bad-status", "MALFORMED_VALUE_ERROR"]]);
  return names.get(kind) ?? "STATUS_VERIFICATION_ERROR";
}

/** @param {string} reason @param {Entry} entry @param {string} trouble @param {string} [problem] @param {object} [detail] */
const open = (reason, entry, trouble, problem = "STATUS_VERIFICATION_ERROR", detail = {}) =>
  unchecked("status", reason, `the ${quote(entry.purpose)} list ${quote(entry.url)}: ${quote(trouble, 200)}`,
    { list: entry.url, ...detail, ...statusProblem(problem) });

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-status", `not a sound status list or entry: ${reason}`);
}
