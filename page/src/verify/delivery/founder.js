/** Who founded a store, and whether the verifier believes them (spec §11.6). */
import { short } from "../../canon/digest.js";
import { quote } from "../../canon/quoting.js";
import { OWNER } from "../../history/policy/policy.js";
import { inherited } from "../credential/key_succession.js";
import { passed, warned } from "../report.js";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../history/policy/key_history.js").KeyHistory} KeyHistory */
/** @typedef {import("../../credentials/trust.js").Trust} Trust */

/**
 * The check `store.genesis`.
 *
 * @param {any} genesis The verified genesis manifest; its id is the store's id.
 * @param {KeyHistory} history The store's policies.
 * @param {(key: string) => boolean} namesIt Whether a key is shown to have signed something that names the store.
 * @param {Trust} trust
 * @param {number} at
 * @returns {Check}
 */
export function checkFounder(genesis, history, namesIt, trust, at) {
  const entry = trust.vouchesFor(genesis.author, genesis.id, at);
  return judgeFounder("store.genesis", genesis, entry, entry ? null : ownerOf(history, namesIt, trust, at));
}

/**
 * A check of why the verifier believes a store.
 *
 * @param {string} id
 * @param {any} genesis
 * @param {{nickname: string} | undefined} entry That of the trust file which believes its founder.
 * @param {string | null} owner The nickname of a believed key that owns it now.
 * @param {{origin: string}} [pinned] Its log, as the trust file names it.
 */
export function judgeFounder(id, genesis, entry, owner, pinned) {
  const store = `store ${short(genesis.id)}`;
  const detail = { store: `blake3:${genesis.id}`, founder: genesis.author };
  if (entry) return passed(id, `${store} was founded by ${quote(entry.nickname)}, whom you trust`, detail);
  if (owner !== null) return passed(id, `${quote(owner)}, whom you trust, owns ${store} now`, detail);
  if (pinned) return passed(id, `your trust file names the log ${quote(pinned.origin)}`, detail);
  return warned(id, "unknown-founder", `${store} was founded by ${genesis.author}, whom you do not trust`, detail);
}

/**
 * The nickname of a believed key that owns the store now.
 *
 * ATTACK: whoever founds a store can name anybody's key an owner of it. The key has to have named the store
 * itself, by signing something that does.
 *
 * @param {KeyHistory} history @param {(key: string) => boolean} namesIt @param {Trust} trust @param {number} at
 * @returns {string | null}
 */
function ownerOf(history, namesIt, trust, at) {
  const believes = (/** @type {string} */ key) => trust.vouchesFor(key, history.policies[0].id, at);
  const knows = (/** @type {string} */ key) => trust.knows(key);
  for (const key of history.current.roles.get(OWNER)?.keys ?? []) {
    const entry = believes(key) ?? (knows(key) ? null : inherited(key, history, believes, knows));
    if (entry && namesIt(key)) return entry.nickname;
  }
  return null;
}
