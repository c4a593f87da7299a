/**
 * Refs: the current manifest of each name, derived from the log (spec §8.4). A manifest that breaks a rule stays
 * logged, is flagged with the reason, and moves no ref.
 */
import { KINDS } from "../../generated/kinds.js";
import { attempt } from "../canon/errors.js";
import { checkGenesis, Policy } from "../history/policy/policy.js";

const GENESIS_NAME = "policies/store/main";

/** Reasons why a logged manifest moves no ref. @type {{[code: string]: string}} */
export const REASONS = {
  "invalid": "the logged bytes are no valid manifest",
  "already-logged": "the same manifest stands earlier in the log",
  "other-store": "it was made for another store",
  "second-genesis": "a store has one genesis manifest, the first entry",
  "kind-mismatch": "names of this prefix do not take this kind",
  "unauthorised": "the policy in force does not let this author say this",
  "not-a-successor": "its parents do not contain the current manifest of that name",
  "bad-policy": "the policy in it is no valid successor of the one in force",
  "suspect": "its author's key was compromised when it was logged",
};

/** @typedef {{index: number, id: string, reason: string}} Flagged */
/** @typedef {{name: string, id: string, index: number, before: RefState | null}} RefState */
/** @typedef {import("../history/policy/key_history.js").Ruled} Ruled */

/** The refs of a log, built by applying every logged manifest in log order. */
export class RefTable {
  /** @param {Map<string, number>} [suspects] Key to the log index from which on it was in other hands, as is known from the start. */
  constructor(suspects = new Map()) {
    /** @type {Map<string, RefState>} */
    this.refs = new Map();
    /** Manifests without effect, in log order. @type {Flagged[]} */
    this.flagged = [];
    /** Every policy that took effect. @type {Ruled[]} */
    this.policies = [];
    /** The genesis manifest. @type {any} */
    this.genesis = null;
    /** @type {Set<string>} */
    this.seen = new Set();
    this.suspects = suspects;
    /** @type {({index: number, manifest: any} | Flagged)[]} */
    this.applied = [];
  }

  /** The policy in force after the last manifest that was applied; null before the genesis. @returns {Policy | null} */
  get policy() {
    return this.policies.at(-1)?.policy ?? null;
  }

  /** Apply one logged manifest: move its ref, or flag it. Refused (`bad-genesis`) if it is the first and founds no store. @param {number} index @param {any} manifest */
  apply(index, manifest) {
    this.#step(index, manifest);
    const suspects = suspectsOf(/** @type {Policy} */ (this.policy));
    if (!isSame(suspects, this.suspects)) this.#replay(suspects);
  }

  /** Record that the manifest at an index has no effect. @param {number} index @param {string} id @param {string} reason */
  flag(index, id, reason) {
    this.applied.push({ index, id, reason });
    this.#flag(index, id, reason);
  }

  /** @param {number} index @param {any} manifest */
  #step(index, manifest) {
    if (this.genesis === null) {
      const { policy } = checkGenesis(manifest);
      this.applied.push({ index, manifest });
      this.policies.push({ index, policy, author: manifest.author, id: manifest.id, places: [] });
      this.genesis = manifest;
      this.#move(index, manifest);
      return;
    }
    this.applied.push({ index, manifest });
    const reason = this.#reason(index, manifest);
    if (reason !== null) {
      this.#flag(index, manifest.id, reason);
      return;
    }
    if (manifest.kind === "policy") {
      this.policies.push({ index, policy: new Policy(manifest.body.policy), author: manifest.author, id: manifest.id, places: [] });
    }
    this.#move(index, manifest);
  }

  /** @param {number} index @param {string} id @param {string} reason */
  #flag(index, id, reason) {
    this.seen.add(id);
    this.flagged.push({ index, id, reason });
  }

  /** @param {number} index @param {any} manifest */
  #move(index, { name, id }) {
    this.refs.set(name, { name, id, index, before: this.refs.get(name) ?? null });
    this.seen.add(id);
  }

  /**
   * What a compromised key signed from some index on never counted, and so neither did what rests on it: every name
   * is derived again. Policies stay: which one was in force when decides who may say so, and the one that says so
   * replaces whatever a thief put in.
   *
   * @param {Map<string, number>} suspects
   */
  #replay(suspects) {
    const anew = new RefTable(suspects);
    for (const item of this.applied) {
      if ("manifest" in item) anew.#step(item.index, item.manifest);
      else anew.flag(item.index, item.id, item.reason);
    }
    Object.assign(this, anew);
  }

  /** @param {number} index @param {any} manifest @returns {string | null} */
  #reason(index, manifest) {
    const { author, kind, name } = manifest;
    const policy = /** @type {Policy} */ (this.policy);
    const current = this.refs.get(name);
    if (this.seen.has(manifest.id)) return "already-logged";
    if (kind === "genesis") return "second-genesis";
    if (manifest.store !== `blake3:${this.genesis.id}`) return "other-store";
    if (KINDS.get(kind)?.prefix !== name.split("/")[0]) return "kind-mismatch";
    if (!policy.allows(author, kind, name)) return "unauthorised";
    if (index >= (this.suspects.get(author) ?? Infinity) && kind !== "policy") return "suspect";
    if (current !== undefined && !manifest.parents.includes(`blake3:${current.id}`)) return "not-a-successor";
    return kind === "policy" && !succeeds(policy, manifest) ? "bad-policy" : null;
  }
}

/** @param {Policy} policy @param {any} manifest */
const succeeds = (policy, { name, body }) => attempt(() => name === GENESIS_NAME && new Policy(body.policy).mayFollow(policy), () => false);

/** @param {Policy} policy @returns {Map<string, number>} */
const suspectsOf = ({ retired }) => new Map(retired.flatMap(({ key, suspectFrom }) => (suspectFrom === null ? [] : [[key, suspectFrom]])));

/** @param {Map<string, number>} one @param {Map<string, number>} other */
const isSame = (one, other) => one.size === other.size && [...one].every(([key, from]) => other.get(key) === from);
