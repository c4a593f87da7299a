/** What every verification answers: checks with states, one verdict, and what was not proven (spec/11-verification.md). */

import { formatTimestamp } from "../canon/timestamps.js";
import { CHECKS, NOT_PROVEN, PROCEDURES } from "../../generated/checks.js";

/** @typedef {"pass" | "fail" | "warn" | "stated" | "unchecked" | "n/a"} State */
/** @typedef {"trusted" | "trusted-without-data" | "valid" | "valid-without-data" | "incomplete" | "invalid"} Verdict */
/** @typedef {{id: string, state: State, summary: string, spec: string, detail: {[name: string]: any}}} Check */
/** @typedef {{verdict: Verdict, checks: Check[], subject: string, issuer?: string, at: string, notProven: string[], profile?: "lyrik" | "w3c", parts?: Report[], standing?: {asOf: string | null}, notChecked?: {id: string, reason: string, words: string}[]}} Report `profile`: as what a credential was judged; `standing`: as of when it is known that its issuer stands by it, null: nothing says so. */

/** States with nothing to object to. */
export const ACCEPTED = ["pass", "stated", "n/a"];

/** @param {string} id @param {State} state @param {string} summary @param {object} detail @returns {Check} */
function check(id, state, summary, detail) {
  return { id, state, summary, spec: CHECKS[id].spec, detail };
}

/** The check as profile `w3c` defines it. @param {Check} made */
const respelt = (made) => ({ ...made, spec: CHECKS[made.id].w3c ?? made.spec });

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

/** Whether a check could not be made only because content was left out by choice. @param {{state: State, detail?: {[name: string]: any}}} check */
export const isLeftOut = ({ state, detail }) => state === "unchecked" && detail?.reason === "not-fetched";

/**
 * Return the verdict over checks.
 *
 * @param {{id: string, state: State, detail?: {[name: string]: any}}[]} checks
 * @param {Iterable<string>} required
 * @param {boolean} [withoutData] Whether content was left out by choice, and only such content: then a check that lacks nothing else does not count.
 * @returns {Verdict}
 */
export function decide(checks, required, withoutData = false) {
  if (checks.some(({ state }) => state === "fail")) return "invalid";
  const isOut = (/** @type {{id: string, state: State, detail?: {[name: string]: any}}} */ one) => withoutData && isLeftOut(one);
  const made = new Set(checks.filter((one) => one.state !== "unchecked" || isOut(one)).map(({ id }) => id));
  if ([...required].some((id) => !made.has(id))) return "incomplete";
  const doubtful = checks.some((one) => isDoubtful(one) && (!isOut(one) || one.detail?.warnings !== undefined));
  const verdict = doubtful ? "valid" : "trusted";
  return checks.some(isOut) ? `${verdict}-without-data` : verdict;
}

/**
 * Return every check of a procedure, in its order: those made, and the others as not looked at.
 *
 * @param {keyof typeof PROCEDURES} procedure
 * @param {Check[]} made
 */
export function complete(procedure, made) {
  const { checks, unread } = PROCEDURES[procedure];
  const found = new Map(made.map((one) => [one.id, one]));
  return checks.map((id) => found.get(id) ?? unchecked(id, unread.reason, unread.text));
}

/** The sentence about what is not proven. @param {keyof typeof NOT_PROVEN} name @param {string[]} parts What stands in its gaps. */
export const notProven = (name, ...parts) =>
  NOT_PROVEN[name].split("{}").map((text, at) => text + (parts[at] ?? "")).join("");

/**
 * Return the report of a procedure, with the verdict that follows from its checks.
 *
 * @param {keyof typeof PROCEDURES} procedure
 * @param {Check[]} made
 * @param {{subject: string, issuer: string | null, at: number, open?: string[], profile?: "lyrik" | "w3c", parts?: Report[], withoutData?: boolean}} said
 *   `open`: what is not proven besides what the procedure never proves; `withoutData`: as for `decide`.
 * @returns {Report}
 */
export function reportOf(procedure, made, { subject, issuer, at, open = [], profile, parts = [], withoutData = false }) {
  const checks = complete(procedure, made);
  const steps = PROCEDURES[procedure];
  const verdict = decide(checks, steps.required, withoutData);
  const left = withoutData ? checks.filter(isLeftOut) : [];
  const never = /** @type {(keyof typeof NOT_PROVEN)[]} */ (steps.notProven);
  return {
    verdict,
    checks: profile === "w3c" ? checks.map(respelt) : checks,
    subject,
    ...(issuer === null ? {} : { issuer }),
    ...standingOf(verdict, checks),
    at: formatTimestamp(at),
    notProven: [...new Set([...never.map((name) => notProven(name)), ...open])],
    ...(profile === undefined ? {} : { profile }),
    ...(left.length ? { notChecked: left.map(({ id, summary }) => ({ id, reason: "not-fetched", words: summary })) } : {}),
    ...(parts.length ? { parts } : {}),
  };
}

/** As of when it is known that whoever issued it stands by it; of what is invalid nothing is said. @param {Verdict} verdict @param {Check[]} checks @returns {{standing?: {asOf: string | null}}} */
function standingOf(verdict, checks) {
  const status = checks.find(({ id }) => id === "status");
  return verdict === "invalid" || status === undefined ? {} : { standing: { asOf: status.detail.asOf ?? null } };
}

/** Whether a check leaves the verdict at `valid`: sound, but by nobody the trust file knows, or not measured again. @param {{id: string, state: State}} check */
export const isDoubtful = ({ id, state }) => CHECKS[id]?.limitReason !== undefined && (state === "warn" || state === "unchecked");
