/** Who approved the card of a deployed folder, by the approvals beside it (spec §14.7.7). */
import { counted } from "../../canon/text.js";
import { inputsIn } from "../../history/manifests/manifest.js";
import { countApprovals, lastDecisions, whose } from "../../history/policy/approving.js";
import { APPROVAL } from "../../history/policy/policy.js";
import { decisionFacts, decisionWords } from "../decisions.js";
import { judgeAuthor } from "../delivery/alone.js";
import { notApplicable, passed, unchecked, warned } from "../report.js";

const CHECK = "deployment.approval";
const SAID = {
  "withdrawn": "approval was withdrawn",
  "self-approved": "was approved by whoever made it alone",
  "not-approved": "was not approved by as many keys as it takes",
};

/**
 * The check `deployment.approval`: whether those who may have approved the card.
 *
 * @param {any} card The card among the inputs; undefined: there is none.
 * @param {any[]} made The card, the checkpoint and its run, as far as they are sound.
 * @param {any[]} approvals The approvals among the inputs that are sound, and what was decided later as far as the verifier has it.
 * @param {import("../delivery/alone.js").SignedAlone} signed What the checks of the deployment's own manifest gave.
 * @param {{trust: import("../../credentials/trust.js").Trust, at: number}} judge
 */
export function checkApproval(card, made, approvals, signed, { trust, at }) {
  if (!card) return notApplicable(CHECK, "no signed card is its README");
  const detail = { card: `blake3:${card.id}` };
  const { history } = signed;
  if (history === null || history.forked) {
    return unchecked(CHECK, "no-policy", "who may approve in that store is not established", detail);
  }
  const policy = history.current;
  const name = `approvals/${card.name.split("/").slice(1).join("/")}`;
  const sound = soundOnes(card, name, approvals, signed);
  const decisions = lastDecisions(policy, sound.map(({ one }) => one));
  const authors = new Set(made.map(({ author }) => whose(policy, author)));
  const found = countApprovals(policy, name, decisions.approving, authors);
  const facts = decisionFacts(decisions, found, new Map(sound.map(({ one, index }) => [one.id, index])), trust, at);
  const decided = decisionWords(facts);
  const { word, who } = judged(found, decisions);
  const all = { ...detail, approvers: who.map(({ author }) => author), ...facts };
  if (word === "approved") {
    return passed(CHECK, `its card ${card.name} was approved by ${counted(found.count, "key")} of those who may: ${decided}`, all);
  }
  return warned(CHECK, word, `its card ${card.name}: ${SAID[word]}${decided ? `: ${decided}` : ""}`, all);
}

/** @param {any} found @param {{revocations: any[]}} decisions @returns {{word: "approved" | "withdrawn" | "self-approved" | "not-approved", who: any[]}} */
function judged({ isEnough, independent, approving }, { revocations }) {
  if (isEnough) return { word: "approved", who: independent };
  if (revocations.length && !approving.length) return { word: "withdrawn", who: [] };
  return { word: independent.length < approving.length ? "self-approved" : "not-approved", who: approving };
}

/** Those about a card that the log has, by keys that the policy lets sign them, in its order. @param {any} card @param {string} name @param {any[]} approvals @param {import("../delivery/alone.js").SignedAlone} signed */
function soundOnes(card, name, approvals, signed) {
  /** @type {Map<number, any>} */
  const sound = new Map();
  for (const one of approvals) {
    // ATTACK A149: an approval of another card, or of one in another store.
    if (one.kind !== APPROVAL || one.store !== card.store || one.name !== name) continue;
    if (inputsIn(one, "card")[0].id !== `blake3:${card.id}`) continue;
    const { logged, check } = judgeAuthor(one, signed);
    if (check.state === "pass" && logged !== null) sound.set(logged.index, one);
  }
  return [...sound].sort(([a], [b]) => a - b).map(([index, one]) => ({ index, one }));
}
