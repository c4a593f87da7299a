/** What was decided about a card, as reports and people read it (spec §14.4.9). */
import { quote } from "../canon/quoting.js";
import { counted } from "../canon/text.js";

/** Decisions that a summary has; the detail has all. */
const SHOWN = 4;

/**
 * Who decided what about a card, when, in which words, and by which rule: members of the detail of a check.
 *
 * @param {{approving: any[], revocations: any[]}} decisions Of each key the last.
 * @param {{independent: any[], needed: number, possible: number, role: string}} found Which of them count.
 * @param {Map<string, number>} indices Id of a manifest to its place in the log.
 * @param {import("../credentials/trust.js").Trust} trust
 * @param {number} at
 */
export function decisionFacts({ approving, revocations }, { independent, needed, possible, role }, indices, trust, at) {
  const index = (/** @type {any} */ one) => /** @type {number} */ (indices.get(one.id));
  const made = [...approving, ...revocations].sort((a, b) => index(a) - index(b));
  const decisions = made.map((one) => ({ ...factsOf(one, index(one), trust, at), counts: independent.includes(one) }));
  return { decisions, ...(role ? { rule: { role, threshold: needed, keys: possible } } : {}) };
}

/** @param {any} one @param {number} index @param {import("../credentials/trust.js").Trust} trust @param {number} at */
function factsOf(one, index, trust, at) {
  const { author, created, body: { decision, self, statement } } = one;
  const nickname = trust.nicknameFor(author, one.store, at);
  return {
    approval: `blake3:${one.id}`, decision, author, created, index, self,
    ...(nickname === undefined ? {} : { nickname }), ...(statement === undefined ? {} : { statement }),
  };
}

/** The facts as a sentence; empty: nobody decided anything. @param {{decisions: any[], rule?: any}} facts */
export function decisionWords({ decisions, rule }) {
  if (!decisions.length) return "";
  const more = decisions.length - SHOWN;
  const listed = decisions.slice(0, SHOWN).map(decisionLine).join("; ") + (more > 0 ? `; and ${more} more` : "");
  const by = rule ? `the role ${rule.role}, ${rule.threshold} of ${counted(rule.keys, "key")}` : "no role may approve it";
  return `${listed} (rule: ${by})`;
}

/** @param {any} one */
function decisionLine(one) {
  const who = one.nickname === undefined ? `${one.author} (unknown to you)` : quote(one.nickname);
  const done = one.decision === "withdraw" ? "withdrew" : "approved";
  const said = one.statement === undefined ? "" : `: ${quote(one.statement, 300)}`;
  return `${who} ${done}${one.self ? ", of their own work" : ""}, log entry ${one.index}, dated ${one.created}${said}`;
}
