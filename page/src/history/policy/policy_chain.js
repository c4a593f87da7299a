/**
 * Which of the policies at hand are a store's, in their order (spec §11.4.5).
 *
 * First who signed whom, which needs no log; then under which log keys the proofs count; then where
 * each stands. Where proofs show two ways through the policies, two histories were signed, and neither
 * is believed.
 */
import { hex } from "../../canon/bytes.js";
import { distinct } from "../log/consistency.js";
import { attempt } from "../../canon/errors.js";
import { KeyHistory } from "./key_history.js";
import { isIn, Policy } from "./policy.js";
import { MAX_POLICY_CHAIN } from "../../../generated/limits.js";

const NAME = "policies/store/main";

/** @typedef {import("./key_history.js").Ruled} Ruled */
/** @typedef {import("../log/consistency.js").Place} Place */
/** @typedef {{manifest: any, policy: Policy}} Node */
/** @typedef {(manifest: any, keys: import("../log/log.js").LogKey[]) => Place[]} Shown Where a manifest is shown to be logged, under log checkpoints that one of the keys signed. */

/** @param {any} genesis @param {Policy} founded @param {any[]} candidates Verified manifests. @param {Shown} shown @param {import("../log/consistency.js").Consistency} consistency */
export function followPolicies(genesis, founded, candidates, shown, consistency) {
  const ours = [...new Map(candidates.map((item) => [item.id, item])).values()]
    .filter(({ kind, store, name }) => kind === "policy" && store === `blake3:${genesis.id}` && name === NAME);
  /** @type {Ruled[]} */
  let best = [];
  /** @type {Node[]} */
  let chosen = [{ manifest: genesis, policy: founded }];
  let forked = false;
  for (const way of ways(chosen[0], ours)) {
    const chain = proven(way, shown);
    forked ||= isFork(best, chain, consistency);
    if (!best.length || comesFirst(chain, best)) [best, chosen] = [chain, way];
  }
  forked ||= best.some(isMoved) || consistency.isTorn(best.flatMap(({ places }) => places.map(({ signed }) => signed)));
  const unproven = wouldFollow(/** @type {Ruled} */ (best.at(-1)), genesis, ours);
  return new KeyHistory(best, unproven, /** @type {Node} */ (chosen.at(-1)).policy.logs, forked);
}

/**
 * Every way through the policies, each as far as it goes. Only the first parent counts: so they form a
 * tree, and there are no more ways than policies.
 *
 * @param {Node} first @param {any[]} items
 */
function ways(first, items) {
  const sorted = items.toSorted((left, right) => (left.id < right.id ? -1 : 1));
  /** @type {Node[][]} */
  const found = [];
  const pending = [[first]];
  while (pending.length) {
    const way = /** @type {Node[]} */ (pending.pop());
    const last = /** @type {Node} */ (way.at(-1));
    const following = sorted.flatMap((manifest) => {
      if (manifest.parents[0] !== `blake3:${last.manifest.id}`) return [];
      const policy = policyByOwner(last.policy, manifest);
      return policy?.mayFollow(last.policy) ? [{ manifest, policy }] : [];
    });
    if (!following.length || way.length >= MAX_POLICY_CHAIN) found.push(way);
    pending.push(...following.toReversed().map((node) => [...way, node]));
  }
  return found;
}

/** The policies of a way up to the first that is not shown to be logged after its own. @param {Node[]} way @param {Shown} shown */
function proven(way, shown) {
  const keys = /** @type {Node} */ (way.at(-1)).policy.logs;
  /** By which of the way a log key was retired. @param {import("../log/log.js").LogKey} key */
  const retiredBy = (key) => way.findIndex(({ policy }) => isIn(key, policy.retiredLogs));
  /** @type {Map<number, Place[]>} */
  const places = new Map();
  /** The smallest index of each, as far as it is shown at all. @type {Map<number, number>} */
  const first = new Map();
  // Backwards: whether a retired key still counts depends on where its retirement stands.
  for (let number = way.length - 1; number > 0; number -= 1) {
    const found = shown(way[number].manifest, keys).filter(({ signed }) => signed.signers.some((key) => {
      const by = retiredBy(key);
      return by < 0 || (by > number && signed.size <= (first.get(by) ?? signed.size));
    }));
    places.set(number, found);
    if (found.length) first.set(number, Math.min(...found.map(({ index }) => index)));
  }
  const founder = way[0].manifest;
  /** @type {Ruled[]} */
  const chain = [{ index: 0, policy: way[0].policy, author: founder.author, id: founder.id, places: [] }];
  for (const [number, { manifest, policy }] of way.entries()) {
    if (number === 0) continue;
    const before = /** @type {Ruled} */ (chain.at(-1));
    const later = /** @type {Place[]} */ (places.get(number)).filter(({ index }) => index > before.index);
    if (!later.length) break;
    const index = Math.min(...later.map((one) => one.index));
    chain.push({ index, policy, author: manifest.author, id: manifest.id, places: later });
  }
  return chain;
}

/** How many policies two histories have in common. @param {Ruled[]} one @param {Ruled[]} other */
function common(one, other) {
  const least = Math.min(one.length, other.length);
  for (let at = 0; at < least; at += 1) if (one[at].id !== other[at].id) return at;
  return least;
}

/**
 * Whether two policies are shown to follow one, in what need not be one log.
 *
 * ATTACK: whoever has the old key of an owner signs a policy of their own, and a log for it.
 *
 * @param {Ruled[]} one @param {Ruled[]} other @param {import("../log/consistency.js").Consistency} consistency
 */
function isFork(one, other, consistency) {
  const at = common(one, other);
  return at < Math.min(one.length, other.length) && !one[at].places.every((left) =>
    other[at].places.every((right) => consistency.relation(left.signed, right.signed) === "same"));
}

/** Whether the first of two histories counts: in one log, what was logged first. @param {Ruled[]} one @param {Ruled[]} other */
function comesFirst(one, other) {
  const at = common(one, other);
  return at < Math.min(one.length, other.length) ? one[at].index < other[at].index : one.length > other.length;
}

/** Whether a policy stands at two places, in two logs. @param {Ruled} ruled */
function isMoved({ places }) {
  /** @type {Map<string, number>} */
  const first = new Map();
  for (const { index, signed } of places) {
    const head = `${signed.size} ${hex(signed.root)}`;
    first.set(head, Math.min(index, first.get(head) ?? index));
  }
  return distinct(places.map(({ signed }) => signed)).length > 1 && new Set(first.values()).size > 1;
}

/**
 * Versions of policies at hand that would come next if they were shown to be logged.
 *
 * ATTACK: whoever hands over a delivery takes away the log proof of the policy which says that the key
 * was stolen, or the policy between.
 *
 * @param {Ruled} last @param {any} genesis @param {any[]} items
 */
function wouldFollow(last, genesis, items) {
  const known = new Set([genesis, ...items].map(({ id }) => `blake3:${id}`));
  const versions = items.flatMap((item) => {
    const follows = item.parents.includes(`blake3:${last.id}`);
    if (!follows && item.parents.every((/** @type {string} */ parent) => known.has(parent))) return [];
    const policy = policyByOwner(last.policy, item);
    if (policy === null || policy.version <= last.policy.version) return [];
    return !follows || policy.mayFollow(last.policy) ? [policy.version] : [];
  });
  return [...new Set(versions)].sort((left, right) => left - right);
}

/** What policies there are, each read once. ATTACK: many, each with a thousand keys. @type {WeakMap<any, Policy | null>} */
const parsed = new WeakMap();

/** @param {Policy} before @param {any} item */
function policyByOwner(before, item) {
  if (!before.allows(item.author, "policy", item.name)) return null;
  if (!parsed.has(item)) parsed.set(item, policyIn(item));
  return parsed.get(item) ?? null;
}

/** @param {any} item */
const policyIn = (item) => attempt(() => new Policy(item.body.policy), () => null);
