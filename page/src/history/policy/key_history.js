/**
 * Which keys spoke for a store, and until when (spec §8.3).
 *
 * A store's policies form one chain: each is signed by an owner of the one before and names it as its
 * parent. A signature is judged by where in the log it stands, never by a date.
 */
import { attempt, refuse } from "../../canon/errors.js";
import { counted } from "../../canon/text.js";
import { isIn } from "./policy.js";

/** @typedef {import("./policy.js").Policy} Policy */
/** @typedef {{index: number, policy: Policy, author: string, id: string, places: import("../log/consistency.js").Place[]}} Ruled A policy, in force for the entries after its index, and where proofs show it. */
/** @typedef {{standing: "current" | "succeeded" | "compromised" | "unknown", retired: import("./policy.js").Retired | null, since: number | null}} KeyState `since`: the log index of the policy that retired it. */

export class KeyHistory {
  /**
   * @param {Ruled[]} policies In log order, the genesis first.
   * @param {number[]} unproven Versions of policies at hand that would come after these, by an owner, if they were shown to be logged.
   * @param {import("../log/log.js").LogKey[]} logs The log keys that owners named, also where nothing shows it to be logged.
   * @param {boolean} forked Whether what is at hand shows two histories of this store.
   */
  constructor(policies, unproven, logs, forked) {
    this.policies = policies;
    this.unproven = unproven;
    this.logs = logs;
    this.forked = forked;
    // ATTACK: a hundred policies that each retire a thousand keys, every one the next one's
    // predecessor. So each policy is looked through once, not once for every key.
    /** @type {Map<string, number>} */
    const since = new Map();
    for (const { index, policy } of policies) for (const { key } of policy.retired) if (!since.has(key)) since.set(key, index);
    this.retired = new Map(this.current.retired.map((one) => [one.key, { retired: one, since: since.get(one.key) ?? null }]));
    /** For each policy, the newest first: successor to the first key that names it. */
    this.replaced = policies.toReversed().map(({ policy }) => new Map(policy.retired.toReversed().map(({ key, successor }) => [successor, key])));
  }

  /** The same, where more shows that there are two histories. */
  torn() {
    return new KeyHistory(this.policies, this.unproven, this.logs, true);
  }

  /** The newest policy. */
  get current() {
    return /** @type {Ruled} */ (this.policies.at(-1)).policy;
  }

  /** Return if a key signed the log checkpoint that no policy it covers retired. @param {import("../log/log.js").Checkpoint} signed */
  checkHead({ size, signers }) {
    const covered = this.policies.filter(({ index }) => index < size);
    const by = covered.find(({ policy }) => signers.every((key) => isIn(key, policy.retiredLogs)));
    if (by) refuse("retired-log-key", `a log checkpoint of ${counted(size, "entry")}, by a log key that was retired at entry ${by.index}`);
  }

  /** Whether the log checkpoint of a place, whose signature holds, is by a key that may sign one of its size. @param {import("../log/consistency.js").Place} place */
  letsSign({ signed }) {
    return attempt(() => {
      this.checkHead(signed);
      return true;
    }, () => false);
  }

  /** The policy by which a key has no role any more. @param {string} did @returns {Ruled | undefined} */
  ended(did) {
    const { since } = this.stateOf(did);
    return this.policies.find(({ index }) => index === since);
  }

  /**
   * The policies that say since when a key is suspect, as it is said now. All of them are of the log that
   * says so: the first may be shown by the proof of another one alone, for whoever holds a policy can log
   * it anew.
   *
   * @param {string} did @returns {Ruled[]}
   */
  declared(did) {
    const now = this.current.suspectFrom(did);
    if (now === Infinity) return [];
    return this.policies.slice(this.policies.findLastIndex(({ policy }) => policy.suspectFrom(did) !== now) + 1);
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
