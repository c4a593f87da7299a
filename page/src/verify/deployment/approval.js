/** Who approved the card of a deployed folder, by the approvals beside it (spec §14.7.7). */
import { counted } from "../../canon/text.js";
import { countApprovals, whose } from "../../history/policy/approving.js";
import { notApplicable, passed, unchecked, warned } from "../report.js";

const CHECK = "deployment.approval";

/**
 * The check `deployment.approval`: whether those who may have approved the card.
 *
 * @param {any} card The card among the inputs; undefined: there is none.
 * @param {any[]} made The card, the checkpoint and its run, as far as they are sound.
 * @param {any[]} approvals The approvals among the inputs that are sound.
 * @param {import("../../history/policy/key_history.js").KeyHistory | null} history The policies of the store; null where they are not established.
 */
export function checkApproval(card, made, approvals, history) {
  if (!card) return notApplicable(CHECK, "no signed card is its README");
  const detail = { card: `blake3:${card.id}` };
  if (history === null || history.forked) {
    return unchecked(CHECK, "no-policy", "who may approve in that store is not established", detail);
  }
  const policy = history.current;
  const authors = new Set(made.map(({ author }) => whose(policy, author)));
  const found = countApprovals(policy, `approvals/${card.name.split("/").slice(1).join("/")}`, approvals, authors);
  const keysOf = (/** @type {any[]} */ ones) => ones.map(({ author }) => author);
  if (found.isEnough) {
    const approvers = keysOf(found.independent);
    const words = `its card ${card.name} was approved by ${counted(found.count, "key")} of those who may: ${approvers.join(", ")}`;
    return passed(CHECK, words, { ...detail, approvers });
  }
  const approvers = keysOf(found.approving);
  if (approvers.length > found.independent.length) {
    const words = `its card ${card.name} was approved by whoever made it alone: ${approvers.join(", ")}`;
    return warned(CHECK, "self-approved", words, { ...detail, approvers });
  }
  return warned(CHECK, "not-approved", `its card ${card.name} was approved by ${found.count} of ${found.needed} keys`, { ...detail, approvers });
}
