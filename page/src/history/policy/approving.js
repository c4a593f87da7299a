/** Whose approvals count, and whether they are enough (spec §14.4.9). */
import { APPROVAL, covers } from "./policy.js";

/** @typedef {import("./policy.js").Policy} Policy */

/**
 * Which approvals of one card count: `approving` are those by keys that may approve, `independent` of these the ones
 * by nobody who made what is approved; `count`: how many distinct keys these are, of the role that comes nearest to
 * its threshold, which is `needed`; 0 where no role may approve.
 *
 * @param {Policy} policy The one in force.
 * @param {string} name Of the approvals.
 * @param {any[]} approvals Those that nobody withdrew.
 * @param {Set<string>} authors Who made the card, its subject and its run, as `whose` gives them.
 */
export function countApprovals(policy, name, approvals, authors) {
  const roles = approvingRoles(policy, name);
  // ATTACK: whoever may sign everything else approves, and hides that others took theirs back.
  const approving = approvals.filter(({ author }) => roles.some(({ keys }) => keys.includes(whose(policy, author))));
  const independent = approving.filter(({ author }) => !authors.has(whose(policy, author)));
  // A key that was replaced keeps what it signed, and counts as the one that replaced it.
  const keys = new Set(independent.map(({ author }) => whose(policy, author)));
  let [count, needed] = [0, 0];
  for (const [at, role] of roles.entries()) {
    const found = role.keys.filter((key) => keys.has(key)).length;
    if (at === 0 || found - role.threshold > count - needed) [count, needed] = [found, role.threshold];
  }
  return { approving, independent, count, needed, isEnough: needed > 0 && count >= needed };
}

/** The roles whose keys approve: those that name the kind; where none does, any. @param {Policy} policy @param {string} name */
function approvingRoles(policy, name) {
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
