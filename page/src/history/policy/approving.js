/** Whose approvals count, and whether they are enough (spec §14.4.9). */
import { APPROVAL, covers } from "./policy.js";

/** @typedef {import("./policy.js").Policy} Policy */

/**
 * Which approvals of one card count: `approving` are those by keys that may approve, `independent` of these the ones
 * by nobody who made what is approved; `count`: how many distinct keys these are, of the role that comes nearest to
 * its threshold, which is `needed`; 0 where no role may approve; `role` is what it is called, `possible` how many keys
 * it has.
 *
 * @param {Policy} policy The one in force.
 * @param {string} called Name of the approvals.
 * @param {any[]} approvals Those that nobody withdrew.
 * @param {Set<string>} authors Who made the card, its subject and its run, as `whose` gives them.
 */
export function countApprovals(policy, called, approvals, authors) {
  const roles = approvingRoles(policy, called);
  // ATTACK: whoever may sign everything else approves, and hides that others took theirs back.
  const approving = approvals.filter(({ author }) => roles.some(({ keys }) => keys.includes(whose(policy, author))));
  const independent = approving.filter(({ author }) => !authors.has(whose(policy, author)));
  // A key that was replaced keeps what it signed, and counts as the one that replaced it.
  const keys = new Set(independent.map(({ author }) => whose(policy, author)));
  let [count, needed, possible, name] = [0, 0, 0, ""];
  for (const [at, one] of roles.entries()) {
    const found = one.keys.filter((key) => keys.has(key)).length;
    if (at && found - one.threshold <= count - needed) continue;
    [count, needed, possible] = [found, one.threshold, one.keys.length];
    name = [...policy.roles].find(([, role]) => role === one)?.[0] ?? "";
  }
  return { approving, independent, count, needed, possible, role: name, isEnough: needed > 0 && count >= needed };
}

/**
 * What each key decided last, in log order.
 *
 * @param {Policy} policy The one in force.
 * @param {any[]} approvals About one card, in log order.
 */
export function lastDecisions(policy, approvals) {
  /** @type {Map<string, any>} */
  const last = new Map();
  for (const one of approvals) {
    const key = whose(policy, one.author);
    last.delete(key);
    last.set(key, one);
  }
  const found = [...last.values()];
  return {
    approving: found.filter(({ body }) => body.decision === "approve"),
    revocations: found.filter(({ body }) => body.decision === "withdraw"),
  };
}

/** The roles whose keys approve: those that name the kind; where none does, any. @param {Policy} policy @param {string} name */
export function approvingRoles(policy, name) {
  const found = [...policy.roles.values()].filter((role) => covers(role, APPROVAL, name));
  // Every store has an owner who may sign all kinds: that must not undercut a threshold.
  const named = found.filter(({ kinds }) => kinds.includes(APPROVAL));
  return named.length ? named : found;
}

/**
 * The key that took the place of a key in the end: whose both are, by the policy.
 *
 * ATTACK: who trained the model approves it with the key that theirs was replaced by.
 *
 * @param {Policy} policy @param {string} key
 */
export const whose = (policy, key) => policy.successor(key) ?? key;
