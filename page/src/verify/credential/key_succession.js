/**
 * Trust that a key inherits from the believed key whose place it took (spec §11.4.5, spec §20.3.2).
 *
 * A store's policies name successors, and whoever owns a store can write one. So a succession counts
 * only as far as those are believed who speak in it: the key that was replaced, and the key that
 * signed the policy; each by the trust file itself, or by a succession before.
 */
import { attempt } from "../../canon/errors.js";
import { quote } from "../../canon/quoting.js";
import { passed } from "../report.js";

/** @typedef {import("../../history/policy/key_history.js").KeyHistory} KeyHistory */
/** @typedef {import("./key_statements.js").Statements} Statements */
/** @typedef {(did: string) => {nickname: string} | undefined} Believes The entry of the trust file that covers the question. */
/** @typedef {(did: string) => unknown} Knows An entry of the trust file that names a DID, whatever it is believed for. */
/** @typedef {{nickname: string, predecessor: string, keys: Set<string>}} Inherited `keys`: every key that this rests on, the heir left out. */
/** @typedef {Inherited & {history: KeyHistory, proofs: import("./key_statements.js").Proofs}} Heir And the store that says so. */

/** @typedef {{believes: Believes, knows: Knows, found: Map<string, Inherited | null>}} Asked */

/** From whom a key inherits trust by the policies of one store. @param {string} key As did:key. @param {KeyHistory} history @param {Believes} believes @param {Knows} knows @returns {Inherited | null} */
export const inherited = (key, history, believes, knows) => inheritedAs(key, history, { believes, knows, found: new Map() });

/** @param {string} key @param {KeyHistory} history @param {Asked} asked @returns {Inherited | null} */
function inheritedAs(key, history, asked) {
  if (!asked.found.has(key)) {
    asked.found.set(key, null); // keys that vouch for each other in a circle have nobody's word
    asked.found.set(key, bySuccession(key, history, asked));
  }
  return asked.found.get(key) ?? null;
}

/** @param {string} key @param {KeyHistory} history @param {Asked} asked @returns {Inherited | null} */
function bySuccession(key, history, asked) {
  const [named] = history.namedBy(key);
  if (named === undefined) return null;
  const { older, author } = named;
  const first = believed(older, history, asked);
  // ATTACK: another owner of the store, whom nobody believes, replaces the heir by a key of their own.
  const second = author === older ? first : believed(author, history, asked);
  if (first === null || second === null) return null;
  return { nickname: first.nickname, predecessor: older, keys: new Set([...first.keys, ...second.keys, older, author]) };
}

/** @param {string} key @param {KeyHistory} history @param {Asked} asked @returns {Inherited | null} */
function believed(key, history, asked) {
  const entry = asked.believes(key);
  if (entry) return { nickname: entry.nickname, predecessor: key, keys: new Set([key]) };
  // ATTACK: a key whose belief has ended names the next, who would be believed again.
  return asked.knows(key) ? null : inheritedAs(key, history, asked);
}

/** The check `trust.issuer` of an heir. @param {string} issuer @param {Inherited} found */
export const inheritedCheck = (issuer, { nickname, predecessor }) => passed(
  "trust.issuer", `you trust ${quote(nickname)}, whose key named this one its successor`, { nickname, issuer, predecessor });

/** What stores say; null if there are more of them, or of their policies, than are read. @param {() => ReturnType<Statements["about"]>} read */
const heard = (read) => attempt(read, () => null);

/** A believed publisher's heir. Only the dataset's own store can say so: a key that was replaced there may go on elsewhere. @param {string} key @param {Statements} statements @param {string | null} store @param {Believes} believes @param {Knows} knows @returns {Heir | null} */
export function heirOfPublisher(key, statements, store, believes, knows) {
  for (const { history, proofs } of (store === null ? null : heard(() => statements.of(store))) ?? []) {
    const found = inherited(key, history, believes, knows);
    if (found !== null) return { ...found, history, proofs };
  }
  return null;
}

/**
 * A believed attester's heir. Attesters have a store of their own, which attestations do not name. Any store
 * at hand may say it, for the word is that of a believed key; but not against another that says this
 * key was stolen.
 *
 * @param {string} key
 * @param {Statements} statements
 * @param {string | null} store The one named in what the key signed.
 * @param {Believes} believes
 * @param {Knows} knows
 * @returns {Heir | null}
 */
export function heirOfAttester(key, statements, store, believes, knows) {
  for (const { history, proofs } of statements.naming(key)) {
    const found = inherited(key, history, believes, knows);
    // ATTACK: a thief founds a store with the stolen key, and has it name another. Nothing shows which
    // of two logs came first, so what another store says of the theft counts from its start. Nor may
    // the thief crowd that store out, or take away the log proof of what it says.
    const says = (/** @type {KeyHistory} */ other, /** @type {string} */ one) =>
      other.policies[0].id !== history.policies[0].id && (other.unproven.length > 0 || other.stateOf(one).standing === "compromised");
    const stolen = found !== null && [...found.keys].some((one) => heard(() => statements.about(one, store))?.some((at) => says(at.history, one)) ?? true);
    if (found !== null && !stolen) return { ...found, history, proofs };
  }
  return null;
}
