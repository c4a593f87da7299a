/** Status lists, and whether the issuer still stands by a credential (spec §10.6). */
import { counted } from "../../canon/text.js";
import { unbase64url } from "../../canon/bytes.js";
import { gunzip } from "../../canon/gzip.js";
import { documentsAmong } from "../../credentials/did.js";
import { attempt, Refusal, refuse } from "../../canon/errors.js";
import { quote } from "../../canon/quoting.js";
import { failed, notApplicable, passed, unchecked, warned } from "../report.js";
import { Statements } from "./key_statements.js";
import { hasExactly, isObject } from "../../canon/json.js";
import { idOf } from "../../canon/values.js";
import { LIST_TYPE } from "../../credentials/opened.js";
import { CLOCK_SKEW, formatTimestamp, parseTimestamp } from "../../canon/timestamps.js";
import { MAX_STATUS_CANDIDATES, MAX_STATUS_LIST_BYTES, STATUS_LIST_ENTRIES } from "../../../generated/limits.js";

/** What the URLs of the lists begin with that are nowhere but in their issuer's log (rule 8). */
const LOG_LISTS = "https://w3id.org/lyrikstore/log-status/";
/** Reasons for which such a list says nothing, as where there is none. */
const SAYS_NOTHING = new Set(["foreign-list", "expired-list", "stale-list"]);
export const SAID = new Map([["revocation", "revoked"], ["suspension", "suspended"]]);
const VC_CONTEXT = "https://www.w3.org/ns/credentials/v2";
const URL_FORM = /^https:\/\/[!-~]{1,1990}$/;
const INDEX = /^(?:0|[1-9][0-9]{0,9})$/;

/** @typedef {{purpose: string, index: number, url: string}} Entry */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {Map<string, OpenedCredential[]>} Lists URL to the lists at hand that claim to be that one. */
/** @typedef {{lists: Lists, successors: Map<string, OpenedCredential[]>, documents: import("../../credentials/did.js").Known[], statements: Statements}} Notices What is at hand of what issuers said later, unverified. `successors`: by the credential that each claims to replace. */

/** Return the notices among files, in their order. @param {OpenedCredential[]} all Each once. @returns {Notices} */
export function statusUpdatesAmong(all) {
  const files = all.map(({ bytes }) => bytes);
  /** @type {Notices} */
  const notices = { lists: new Map(), successors: new Map(), documents: documentsAmong(files), statements: new Statements(files) };
  /** @template T @param {Map<string, T[]>} map @param {string} key @param {T} value */
  const put = (map, key, value) => map.set(key, [...(map.get(key) ?? []), value]);
  for (const one of all) {
    if (one.listUrl !== null) put(notices.lists, one.listUrl, one);
    else if (one.supersedes !== null) put(notices.successors, one.supersedes, one);
  }
  return notices;
}

/**
 * Return the lists to read, and when the newest was made that is left unread.
 *
 * ATTACK: many old lists of the issuer's must not keep the one that takes a credential back from
 * being read, wherever it lies. A list cannot claim another date than it was signed with, so those
 * that claim to be newest are read; of the future, they come last.
 *
 * @param {OpenedCredential[]} lists
 * @param {string} issuer
 * @param {number} at
 * @returns {{chosen: OpenedCredential[], unread: number | null}}
 */
export function newestFirst(lists, issuer, at) {
  const order = lists.filter((one) => one.issuer === null || one.issuer === issuer)
    .map((opened) => ({ opened, made: opened.made - at > CLOCK_SKEW ? -Infinity : opened.made }))
    .sort((one, other) => (one.made === other.made ? 0 : other.made - one.made));
  return { chosen: order.slice(0, MAX_STATUS_CANDIDATES).map(({ opened }) => opened), unread: order[MAX_STATUS_CANDIDATES]?.made ?? null };
}

/**
 * Return the entries that a credential does not name, of lists at hand (spec §10.6, rule 8).
 *
 * @param {OpenedCredential} opened
 * @param {Lists} lists
 * @returns {Entry[]}
 */
export function logLists(opened, lists) {
  if (opened.id === null || opened.kind === null || Object.hasOwn(opened.document ?? {}, "credentialStatus")) return [];
  const below = `${LOG_LISTS}${opened.id}/`;
  return [...SAID.keys()].map((purpose) => ({ purpose, index: 0, url: below + purpose })).filter(({ url }) => lists.has(url));
}

/** The URLs of the lists in which a credential's status is: those that it names, or else those in its issuer's log. @param {OpenedCredential} opened @returns {string[]} */
export const listsOf = (opened) => attempt(() => entriesOf(opened).map(({ url }) => url), () => []);

/**
 * Return the check `status` of a genuine credential.
 *
 * @param {OpenedCredential} opened
 * @param {string} issuer
 * @param {Lists} lists
 * @param {number} at
 * @param {number} maxAge
 * @param {import("../../credentials/did.js").Resolver} keys Finds the keys of the lists.
 */
export async function checkStatus(opened, issuer, lists, at, maxAge, keys) {
  const { document } = opened;
  if (!Object.hasOwn(document, "credentialStatus")) {
    const found = [];
    for (const entry of logLists(opened, lists)) found.push(await judge(entry, issuer, lists, at, maxAge, keys));
    const worst = found.find(({ state }) => state === "fail") ?? found.find(({ state }) => state === "unchecked");
    // Only what takes it back counts, and what might: nobody makes lists that do not.
    if (worst && !SAYS_NOTHING.has(worst.detail.reason)) return worst;
    return notApplicable("status", "names no status list: only its issuer's log would show a revocation");
  }
  const entries = attempt(() => readEntries(document.credentialStatus));
  if (entries instanceof Refusal) return unchecked("status", "bad-entry", quote(entries.message, 300));
  const judged = [];
  for (const entry of entries) judged.push(await judge(entry, issuer, lists, at, maxAge, keys));
  for (const state of ["fail", "unchecked"]) {
    const found = judged.find((check) => check.state === state);
    if (found) return found;
  }
  const oldest = judged.map((check) => check.detail.asOf).sort()[0];
  const words = entries.map((entry) => `not ${SAID.get(entry.purpose)}`).join(" and ");
  const said = `${words}, by status lists made at ${oldest}`;
  const warning = judged.find((check) => check.state === "warn");
  if (warning) return { ...warning, summary: `${said}; ${warning.summary}`, detail: { ...warning.detail, asOf: oldest } };
  return passed("status", said, { asOf: oldest });
}

/** The places of the bits of a credential: in the lists that it names, or in its issuer's log. @param {OpenedCredential} opened @returns {Entry[]} */
export function entriesOf({ document, id, kind }) {
  if (document === null) return [];
  if (Object.hasOwn(document, "credentialStatus")) return readEntries(document.credentialStatus);
  return kind === undefined ? [] : [...SAID.keys()].map((purpose) => ({ purpose, index: 0, url: `${LOG_LISTS}${id}/${purpose}` }));
}

/** @param {any} stated @returns {Entry[]} */
function readEntries(stated) {
  const entries = (Array.isArray(stated) ? stated : [stated]).map(readEntry);
  if (new Set(entries.map((entry) => entry.purpose)).size !== entries.length) bad("two entries of one purpose");
  return entries;
}

/** @param {any} item @returns {Entry} */
function readEntry(item) {
  const needed = ["type", "statusPurpose", "statusListIndex", "statusListCredential"];
  if (!isObject(item) || item.type !== "BitstringStatusListEntry") bad("an entry of an unknown type");
  const names = Object.keys(item);
  if (!needed.every((name) => names.includes(name)) ||
      !names.every((name) => [...needed, "id", "statusSize"].includes(name))) {
    bad("an entry with other members");
  }
  const { statusPurpose: purpose, statusListIndex: index, statusListCredential: url } = item;
  if (!SAID.has(purpose)) bad("an unknown purpose");
  if (typeof index !== "string" || !INDEX.test(index)) bad("statusListIndex is not a string of digits");
  if (typeof url !== "string" || !URL_FORM.test(url)) bad("statusListCredential is not an https URL");
  if (item.id === url || (item.statusSize ?? 1) !== 1) bad("an entry that names the list itself");
  return { purpose, index: Number(index), url };
}

/**
 * @param {Entry} entry
 * @param {string} issuer
 * @param {Lists} lists
 * @param {number} at
 * @param {number} maxAge
 * @param {import("../../credentials/did.js").Resolver} keys
 */
async function judge(entry, issuer, lists, at, maxAge, keys) {
  const open = (/** @type {string} */ reason, /** @type {string} */ problem, /** @type {object} */ more = {}) =>
    unchecked("status", reason, `the ${entry.purpose} list ${quote(entry.url)}: ${problem}`,
      { list: entry.url, ...more });
  let best = null;
  const beside = lists.get(entry.url) ?? [];
  // Somebody else's list must not outdo the right one; nor be unpacked.
  let trouble = beside.length ? open("foreign-list", "it is signed by another issuer") : open("no-list", "it is not at hand");
  const { chosen, unread } = newestFirst(beside, issuer, at);
  /** @type {{made: number, problem: string} | null} */
  let later = null;
  for (const one of chosen) {
    const found = attempt(() => {
      const list = readList(one, (method) => keys.find(method, "assertionMethod", at).key);
      return entry.index < list.bits.length * 8 ? list : bad(`entry ${entry.index} is outside it`);
    });
    if (found instanceof Refusal) {
      const problem = quote(found.message, 200);
      trouble = open("unsound-list", problem);
      if (one.issuer === issuer && one.made - at <= CLOCK_SKEW) later ??= { made: one.made, problem };
      continue;
    }
    if (found.url !== entry.url || found.purpose !== entry.purpose) {
      trouble = open("wrong-list", "it is of another URL or purpose");
    } else if (found.issuer !== issuer) {
      trouble = open("foreign-list", "it is signed by another issuer");
    } else if (found.made - at > CLOCK_SKEW) {
      trouble = open("future-list", "it is from the future");
    } else if (best === null || found.made > best.made ||
        (found.made === best.made && holds(found.bits, entry.index))) {
      best = found; // of two of one second the one that takes it back
    }
  }
  if (best === null) return trouble;
  const made = formatTimestamp(best.made);
  if (holds(best.bits, entry.index)) {
    const word = /** @type {string} */ (SAID.get(entry.purpose));
    return failed("status", word, `${word} by its issuer, by a list made at ${made}`, { asOf: made });
  }
  if (unread !== null && unread >= best.made) {
    return open("too-many-lists", "there are more of its age than are read", { asOf: made });
  }
  if (at > best.until) {
    const until = formatTimestamp(best.until);
    return open("expired-list", `it was made at ${made} and good until ${until}`, { asOf: made });
  }
  if (at - best.made > maxAge) {
    return open("stale-list", `it was made at ${made}, too long ago for you`, { asOf: made });
  }
  if (later !== null && best.made < later.made) {
    // Anybody can make one, so it decides nothing. But it may be by a key that the issuer's newer
    // document lists, and take the credential back.
    const summary = `one of ${quote(entry.url)} that says it was made later, at ${formatTimestamp(later.made)}, ` +
      `cannot be read: ${later.problem}`;
    return warned("status", "unread-list", summary, { list: entry.url, asOf: made });
  }
  return passed("status", "", { asOf: made });
}

/** @param {Uint8Array} bits @param {number} index */
export const holds = (bits, index) => ((bits[index >> 3] >> (7 - (index & 7))) & 1) === 1;

/** Read a list and verify who signed it. @param {OpenedCredential} opened @param {(method: string) => Uint8Array} resolve */
export function readList(opened, resolve) {
  const members = ["@context", "id", "type", "issuer", "validFrom", "validUntil", "credentialSubject", "proof"];
  if (!hasExactly(opened.parsed(), members)) bad("other members than a status list has");
  const { document, method } = opened.verify(resolve);
  const context = document["@context"];
  const { type, credentialSubject: subject, id: url } = document;
  if (!Array.isArray(context) || context.length !== 1 || context[0] !== VC_CONTEXT) bad("another context");
  if (!Array.isArray(type) || type.length !== 2 || type[0] !== "VerifiableCredential" || type[1] !== LIST_TYPE) bad("another type");
  const issuer = idOf(document.issuer);
  if (issuer !== method.split("#")[0]) bad("it is signed by somebody else than the issuer it names");
  if (!hasExactly(subject, ["id", "type", "statusPurpose", "encodedList"])) bad("another subject");
  if (typeof url !== "string" || !URL_FORM.test(url)) bad("its id is not an https URL");
  if (subject.type !== "BitstringStatusList" || subject.id !== `${url}#list`) bad("another subject");
  if (!SAID.has(subject.statusPurpose)) bad("an unknown purpose");
  const made = parseTimestamp(document.validFrom);
  const until = parseTimestamp(document.validUntil);
  if (until < made) bad("validUntil is before validFrom");
  const bits = unpack(subject.encodedList);
  return { url, issuer, purpose: subject.statusPurpose, bits, made, until };
}

/** Return the bits of an `encodedList`. @param {any} encoded */
function unpack(encoded) {
  const bits = inflate(encoded);
  if (bits.length * 8 < STATUS_LIST_ENTRIES) bad(`a list of ${counted(bits.length * 8, "entry")}; fewer than ${STATUS_LIST_ENTRIES} tell whose they are`);
  return bits;
}

/** Return the bits of an `encodedList`, however few. @param {any} encoded */
export function inflate(encoded) {
  if (typeof encoded !== "string" || !/^u[A-Za-z0-9_-]+$/.test(encoded)) bad("encodedList is not multibase base64url");
  let packed = new Uint8Array();
  try {
    packed = unbase64url(encoded.slice(1), "bad-status");
  } catch {
    badPacking();
  }
  return gunzip(packed, MAX_STATUS_LIST_BYTES) ?? badPacking();
}

/** In the same words whatever is wrong: one unpacker sees the end missing before another does. @returns {never} */
const badPacking = () => bad(`encodedList is not one gzip member of at most ${MAX_STATUS_LIST_BYTES} bytes in base64url`);

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-status", `not a sound status list or entry: ${reason}`);
}
