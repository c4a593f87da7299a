/**
 * Which keys spoke for a store, and until when (spec §8.3).
 *
 * A store's policies form one chain: each is signed by an owner of the one before and names it as its
 * parent. A signature is judged by where in the log it stands, never by a date.
 */
import { refuse, Refusal } from "./errors.js";
import { counted } from "./grammar.js";
import { isIn, Policy } from "./policy.js";

const MAX_POLICIES = 1000;
const NAME = "policies/store/main";

/** @typedef {{index: number, policy: Policy, author: string, id: string}} Ruled A policy, in force for the entries after its index. */
/** @typedef {(manifest: any, keys: import("./log.js").LogKey[]) => number | null} Logged Where a manifest is shown to be logged. */
/** @typedef {{standing: "current" | "succeeded" | "compromised" | "unknown", retired: import("./policy.js").Retired | null, since: number | null}} KeyState `since`: the log index of the policy that retired it. */

export class KeyHistory {
  /** @param {Ruled[]} policies In log order, the genesis first. @param {number[]} unproven Versions of policies at hand that would come after these, by an owner, if they were shown to be logged. */
  constructor(policies, unproven = []) {
    this.policies = policies;
    this.unproven = unproven;
    // ATTACK: a hundred policies that each retire a thousand keys, every one the next one's
    // predecessor. So each policy is looked through once, not once for every key.
    /** @type {Map<string, number>} */
    const since = new Map();
    for (const { index, policy } of policies) for (const { key } of policy.retired) if (!since.has(key)) since.set(key, index);
    this.retired = new Map(this.current.retired.map((one) => [one.key, { retired: one, since: since.get(one.key) ?? null }]));
    /** For each policy, the newest first: successor to the first key that names it. */
    this.replaced = policies.toReversed().map(({ policy }) => new Map(policy.retired.toReversed().map(({ key, successor }) => [successor, key])));
  }

  /** Follow the chain. @param {any} genesis @param {Policy} founded @param {any[]} candidates Verified manifests. @param {Logged} logged */
  static follow(genesis, founded, candidates, logged) {
    const policies = candidates.filter(({ kind, store, name }) => kind === "policy" && store === `blake3:${genesis.id}` && name === NAME);
    /** @type {Ruled[]} */
    const chain = [{ index: 0, policy: founded, author: genesis.author, id: genesis.id }];
    while (chain.length < MAX_POLICIES) {
      const last = /** @type {Ruled} */ (chain.at(-1));
      const [next] = policies.filter(({ parents }) => parents.includes(`blake3:${last.id}`))
        .map((item) => follows(last, item, logged)).filter((one) => one !== null)
        .sort((left, right) => left.index - right.index);
      if (next === undefined) break;
      chain.push(next);
    }
    // ATTACK: whoever hands over a delivery takes away the log proof of the policy which says that the
    // key was stolen, or the policy between.
    const last = /** @type {Ruled} */ (chain.at(-1));
    const known = new Set([genesis, ...policies].map(({ id }) => `blake3:${id}`));
    const open = policies.filter(({ parents }) => parents.some((/** @type {string} */ parent) =>
      parent === `blake3:${last.id}` || !known.has(parent)));
    return new KeyHistory(chain, wouldFollow(last, open));
  }

  /** The newest policy. */
  get current() {
    return /** @type {Ruled} */ (this.policies.at(-1)).policy;
  }

  /** Return if a key signed the log checkpoint that no policy it covers retired. @param {import("./log.js").Checkpoint} signed */
  checkHead({ size, signers }) {
    const covered = this.policies.filter(({ index }) => index < size);
    const by = covered.find(({ policy }) => signers.every((key) => isIn(key, policy.retiredLogs)));
    if (by) refuse("retired-log-key", `a log checkpoint of ${counted(size, "entry")}, by a log key that was retired at entry ${by.index}`);
  }

  /** The policy that decides at an index, without the keys that were suspect by then. @param {number} index */
  inForce(index) {
    const { policy } = this.policies.findLast((one) => one.index < index) ?? this.policies[0];
    const gone = new Set(policy.keys.filter((key) => this.current.suspectFrom(key) <= index));
    return gone.size ? policy.without(gone) : policy;
  }

  /** What the policies say of a key. @param {string} did @returns {KeyState} */
  stateOf(did) {
    const found = this.retired.get(did);
    if (found) return { standing: found.retired.suspectFrom === null ? "succeeded" : "compromised", ...found };
    const retired = null;
    if (this.current.keys.includes(did)) return { standing: "current", retired, since: null };
    // Left out without a word, as a policy may: as if it had been replaced there.
    const held = this.policies.findLastIndex(({ policy }) => policy.keys.includes(did));
    return held < 0
      ? { standing: "unknown", retired, since: null }
      : { standing: "succeeded", retired, since: this.policies[held + 1].index };
  }

  /**
   * The keys that a key took the place of, newest first, and who said so. What a key said that was
   * suspect by then does not count: a thief may have named another.
   *
   * @param {string} did
   */
  namedBy(did) {
    /** @type {{older: string, author: string}[]} */
    const chain = [];
    let key = did;
    for (const [at, { index, author }] of this.policies.toReversed().entries()) {
      const before = this.replaced[at].get(key);
      if (before === undefined || this.retired.get(before)?.since !== index) continue;
      if ([before, author].some((who) => this.current.suspectFrom(who) <= index)) break;
      chain.push({ older: before, author });
      key = before;
    }
    return chain;
  }
}

/** Whether what the key signed counts, if it was logged at this index. @param {KeyState} state @param {number} index */
export const countsAt = (state, index) => !isSuspectAt(state, index) && (state.since === null || index < state.since);

/** Whether the key may have been in other hands when this index was logged. @param {KeyState} state @param {number} index */
export const isSuspectAt = ({ retired }, index) => retired !== null && retired.suspectFrom !== null && retired.suspectFrom <= index;

/** @param {Ruled} last @param {any[]} items */
function wouldFollow(last, items) {
  const versions = items.flatMap((item) => {
    const policy = policyByOwner(last, item);
    if (policy === null || policy.version <= last.policy.version) return [];
    return !item.parents.includes(`blake3:${last.id}`) || policy.mayFollow(last.policy) ? [policy.version] : [];
  });
  return [...new Set(versions)].sort((left, right) => left - right);
}

/** What policies there are, each read once. ATTACK: many, each with a thousand keys. @type {WeakMap<any, Policy | null>} */
const parsed = new WeakMap();

/** @param {Ruled} last @param {any} item */
function policyByOwner(last, item) {
  if (!last.policy.allows(item.author, "policy", item.name)) return null;
  if (!parsed.has(item)) parsed.set(item, policyIn(item));
  return parsed.get(item) ?? null;
}

/** @param {any} item */
function policyIn(item) {
  try {
    return new Policy(item.body.policy);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** @param {Ruled} last @param {any} item @param {Logged} logged @returns {Ruled | null} */
function follows(last, item, logged) {
  const policy = policyByOwner(last, item);
  if (!policy?.mayFollow(last.policy)) return null;
  const index = logged(item, policy.logKeys);
  return index === null || index <= last.index ? null : { index, policy, author: item.author, id: item.id };
}
