/** What every verification answers: checks with states, one verdict, and what was not proven (spec/11-verification.md). */

import { spelt } from "../canon/errors.js";
import { formatTimestamp } from "../canon/timestamps.js";

/** @typedef {"pass" | "fail" | "warn" | "stated" | "unchecked" | "n/a"} State */
/** @typedef {"trusted" | "valid" | "incomplete" | "invalid"} Verdict */
/** @typedef {{id: string, state: State, summary: string, spec: string, detail: {[name: string]: any}}} Check */
/** @typedef {{verdict: Verdict, checks: Check[], subject: string, issuer?: string, at: string, notProven: string[], profile: "lyrik" | "w3c", parts?: Report[]}} Report */


/** What Unicode calls control, format, surrogate, private, unassigned, ignorable, or a separator other than the space. */
export const UNSEEN = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

const CREDENTIAL = "spec/11-verification.md#1141-the-credential";
const CLAIMS = "spec/11-verification.md#1146-claims";
const GRANTS = "spec/20-attestations-and-grants.md";
const TRUST = "spec/11-verification.md#113-trust";
const DATA = "spec/11-verification.md#1143-the-data";
const LOG = "spec/11-verification.md#1145-the-log";
/** @type {Map<string, string>} */
const SPEC = new Map([
  ["format", "spec/10-credentials.md#102-bytes"],
  ["schema", "spec/10-credentials.md#103-members"],
  ["proof", "spec/10-credentials.md#105-proof"],
  ["issuer.binding", "spec/10-credentials.md#105-proof"],
  ["issuer.key", LOG],
  ["issuer.document", CREDENTIAL],
  ["trust.issuer", TRUST],
  ["trust.allowed", TRUST],
  ["period", CREDENTIAL],
  ["status", CREDENTIAL],
  ["terms", CREDENTIAL],
  ["regulatory", CLAIMS],
  ["attestation", `${GRANTS}#203-checking-attestations`],
  ["evidence", `${GRANTS}#203-checking-attestations`],
  ["attestations", `${GRANTS}#203-checking-attestations`],
  ["grant", `${GRANTS}#205-checking-grants`],
  ["grant.terms", `${GRANTS}#205-checking-grants`],
  ["grant.holder", `${GRANTS}#205-checking-grants`],
  ["manifest", "spec/11-verification.md#1142-the-manifest"],
  ["manifest.signature", "spec/11-verification.md#1142-the-manifest"],
  ["data.files", DATA],
  ["data.tree", DATA],
  ["terms.partitions", CLAIMS],
  ["records.root", "spec/11-verification.md#1144-the-records"],
  ["log.inclusion", LOG],
  ["log.anchor", LOG],
  ["log.witness", TRUST],
  ["log.memory", LOG],
  ["age", CLAIMS],
  ["quality", CLAIMS],
  ["quality.stated", CLAIMS],
]);
const W3C = "spec/17-w3c-profile.md";
/** Where profile `w3c` defines its checks, of which some are called as others are elsewhere. @type {Map<string, string>} */
const W3C_SPEC = new Map([
  ["format", "#172-bytes"], ["model", "#173-model"], ["proof", "#174-proofs"], ["issuer.binding", "#174-proofs"],
  ["trust.issuer", "#175-checks"], ["period", "#175-checks"], ["related", "#176-related-resources"],
  ["schema", "#177-schemas"], ["status", "#178-status"], ["holder.binding", "#179-presentations"],
  ["challenge", "#179-presentations"], ["presented", "#179-presentations"], ["envelope", "#1711-envelopes"],
]);
/** Every check that this page can make. */
export const CHECK_IDS = [...new Set([...SPEC.keys(), ...W3C_SPEC.keys()])];

const DOUBTFUL_CHECKS = new Set([
  "issuer.document", "trust.issuer", "holder.binding", "log.anchor", "store.genesis", "rights", "presented", "challenge", "quality",
]);

/** States with nothing to object to. */
export const SETTLED = ["pass", "stated", "n/a"];

/** @param {string} id @param {State} state @param {string} summary @param {object} detail @returns {Check} */
function check(id, state, summary, detail) {
  return { id, state, summary, spec: SPEC.get(id) ?? "", detail };
}

/** The check as profile `w3c` defines it. @param {Check} made @returns {Check} */
const respelt = (made) => (W3C_SPEC.has(made.id) ? { ...made, spec: W3C + W3C_SPEC.get(made.id) } : made);

/** @param {string} id @param {string} summary @param {object} [detail] */
export const passed = (id, summary, detail = {}) => check(id, "pass", summary, detail);
/** @param {string} id @param {string} reason @param {string} summary @param {object} [detail] */
export const failed = (id, reason, summary, detail = {}) => check(id, "fail", summary, { ...detail, reason });
/** @param {string} id @param {string} reason @param {string} summary @param {object} [detail] */
export const warned = (id, reason, summary, detail = {}) => check(id, "warn", summary, { ...detail, reason });
/** The subject is only somebody's statement, which nothing here can check. @param {string} id @param {string} summary @param {object} [detail] */
export const stated = (id, summary, detail = {}) => check(id, "stated", summary, detail);
/** Never a success. @param {string} id @param {string} reason @param {string} summary @param {object} [detail] */
export const unchecked = (id, reason, summary, detail = {}) =>
  check(id, "unchecked", summary, { ...detail, reason });
/** @param {string} id @param {string} summary */
export const notApplicable = (id, summary) => check(id, "n/a", summary, {});

/**
 * Return the verdict over checks.
 *
 * @param {{id: string, state: State}[]} checks
 * @param {Iterable<string>} required
 * @returns {Verdict}
 */
export function decide(checks, required) {
  const states = new Map(checks.map(({ id, state }) => [id, state]));
  if (checks.some(({ state }) => state === "fail")) return "invalid";
  if ([...required].some((id) => (states.get(id) ?? "unchecked") === "unchecked")) return "incomplete";
  return checks.some(isDoubtful) ? "valid" : "trusted";
}

/**
 * Return the report on checks, with the verdict that follows from them.
 *
 * @param {Check[]} checks
 * @param {Iterable<string>} required
 * @param {{subject: string, issuer: string | null, at: number, notProven: string[], profile: "lyrik" | "w3c", parts?: Report[]}} said
 * @returns {Report}
 */
export function reportOf(checks, required, { subject, issuer, at, notProven, profile, parts = [] }) {
  return {
    verdict: decide(checks, required),
    checks: profile === "w3c" ? checks.map(respelt) : checks,
    subject,
    ...(issuer === null ? {} : { issuer }),
    at: formatTimestamp(at),
    notProven: [...new Set(notProven)],
    profile,
    ...(parts.length ? { parts } : {}),
  };
}

/** Text that a report can show as it is. @param {any} text @returns {string | null} */
export const printable = (text) => (typeof text === "string" && /^[ -~]{1,300}$/.test(text) ? text : null);
/** @param {any} text @returns {string | null} */
export const printableDid = (text) => (printable(text)?.startsWith("did:") ? text : null);

/** Whether a check leaves the verdict at `valid`: sound, but by nobody the trust file knows, or not measured again. @param {{id: string, state: State}} check */
export const isDoubtful = ({ id, state }) => DOUBTFUL_CHECKS.has(id) && (state === "warn" || state === "unchecked");

/**
 * Return foreign text safe for one line: a name inside a credential must not repaint the verdict.
 *
 * @param {unknown} value
 * @param {number} limit
 */
export function quote(value, limit = 80) {
  const whole = Array.from(spelt(value));
  return `'${visible(whole.slice(0, limit).join(""))}${whole.length > limit ? "…" : ""}'`;
}

/**
 * Return a text with everything spelt out that does not show, or turns around what stands beside it.
 *
 * @param {string} text
 */
export const visible = (text) => text.replace(UNSEEN, escaped);

/** @param {string} character */
function escaped(character) {
  const line = "\t\n\r".indexOf(character);
  if (line >= 0) return `\\${"tnr"[line]}`;
  const digits = /** @type {number} */ (character.codePointAt(0)).toString(16);
  if (digits.length <= 2) return `\\x${digits.padStart(2, "0")}`;
  return digits.length <= 4 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}

/** @param {string[]} names @param {number} limit */
export function nameSome(names, limit = 3) {
  const shown = names.slice(0, limit).map((name) => quote(name)).join(", ");
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}
