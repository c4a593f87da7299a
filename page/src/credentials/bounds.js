/** How far terms may go that rest on somebody else's (spec §19.9). */
import { attempt } from "../canon/errors.js";
import { assign, exceedsLimits } from "./terms.js";

/** @typedef {import("./terms.js").Partition} Partition */
/** @typedef {import("./terms.js").Terms} Terms */
/** @typedef {[string, string][] | null} Shared Names of partitions that have files in common, one's own first; null: any two may have. */
/** @typedef {{partitions: Partition[], until: string | null, requires: string[], limits: any}} Bound `partitions`: each with what a grant permits besides; `requires`, `limits`: of that grant. */

/** The word without which nobody may hand data on. */
export const REDISTRIBUTE = "redistribute";

/** What a partition says to one act, limits aside. @param {Partition} part @param {string} act */
const answer = ({ permits, prohibits }, act) => prohibits.includes(act) ? "prohibited" : permits.includes(act) ? "permitted" : "not permitted";

/** Whether one of the partitions does not permit a word. @param {Bound} bound @param {string} word */
export const lacks = ({ partitions }, word) => !partitions.length || partitions.some((part) => answer(part, word) !== "permitted");

/**
 * What terms let others do that a bound does not, or null.
 *
 * @param {Bound} bound @param {Terms} terms Of whoever hands the data on. @param {string | null} until When they end. @param {Shared} shared
 */
export function exceededBy(bound, terms, until, shared) {
  for (const part of terms.partitions) {
    for (const one of bound.partitions) {
      if (shared !== null && !shared.some(([mine, theirs]) => mine === part.name && theirs === one.name)) continue;
      const said = wider(part, one, [...one.requires, ...bound.requires]);
      const limit = said ?? exceedsLimits(part.limits, one.limits) ?? exceedsLimits(part.limits, bound.limits);
      if (limit !== null) return said ?? `its use is not limited as there: ${limit}`;
    }
  }
  // Both are of one form, so the order of the texts is that of the moments.
  return bound.until !== null && (until === null || until > bound.until)
    ? `it goes on after ${bound.until}, when what it rests on ends` : null;
}

/** @param {Partition} part @param {Partition} bound @param {string[]} duties */
function wider(part, bound, duties) {
  const word = [...part.permits, ...part.grantable].find((one) => answer(bound, one) !== "permitted");
  if (word !== undefined) return `${word} is ${answer(bound, word)}`;
  const duty = duties.find((one) => !part.requires.includes(one));
  return duty === undefined ? null : `the duty ${duty} is left out`;
}

/** Which partitions of two terms about the same files have files in common; null where it is unknown. @param {import("../history/trees/tree.js").Tree} tree @param {Terms} own @param {Terms} other @returns {Shared} */
export const partitionsShared = (tree, own, other) => attempt(() => {
  const [mine, theirs] = [own, other].map(({ partitions }) => assign(tree, partitions).map((number) => partitions[number].name));
  const pairs = new Map(mine.map((name, at) => [JSON.stringify([name, theirs[at]]), /** @type {[string, string]} */ ([name, theirs[at]])]));
  return [...pairs.values()];
}, () => null);
