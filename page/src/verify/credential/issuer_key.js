/**
 * Whether the issuer's key still was the issuer's when it signed (spec §11.4.5). The
 * delivery brings the store's policies with their log proofs; a date in a document decides nothing.
 */
import { distinct } from "../../history/log/consistency.js";
import { didKey } from "../../crypto/ed25519.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { countsAt, isSuspectAt } from "../../history/policy/key_history.js";
import { leaf } from "../../history/log/log.js";
import { leafHash } from "../../history/log/merkle.js";
import { OWNER } from "../../history/policy/policy.js";
import { failed, notApplicable, passed, unchecked, warned } from "../report.js";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../history/policy/key_history.js").KeyHistory} KeyHistory */

/**
 * The check `issuer.key`.
 *
 * @param {string | null} signer As did:key.
 * @param {KeyHistory | null} history
 * @param {string | null} credential What it signed, as the log has it.
 * @param {import("./key_statements.js").Proofs | null} proofs What shows where that is logged.
 * @param {boolean} sought Whether it is asked where it is logged as long as the key is current.
 * @returns {Check}
 */
export function checkKey(signer, history, credential, proofs, sought = true) {
  const id = "issuer.key";
  if (signer === null) return unchecked(id, "no-proof", "no sound signature by any key");
  if (history === null) return unchecked(id, "no-policy", "which keys the store had, and until when, is not established");
  if (history.forked) return failed(id, "fork", "what is at hand shows two histories of the store: neither says whose the key is");
  const over = ["succeeded", "compromised"].includes(history.stateOf(signer).standing);
  const { index, shown } = credential !== null && proofs !== null && (sought || over)
    ? whereLogged("credential", credential, signer, history, proofs)
    : { index: null, shown: "same" };
  return unlessUnproven(checkState(signer, history, index, shown, sought), history);
}

/** What was found of a key, or that a policy at hand may say otherwise. @param {Check} check What the policies that are shown to be logged give. @param {KeyHistory} history They. @returns {Check} */
export function unlessUnproven(check, { unproven }) {
  if (check.state === "fail" || !unproven.length) return check;
  const summary = `a policy of version ${unproven[0]}, signed by an owner, is at hand without what shows that it is logged: ` +
    "it may say that the key was stolen";
  return unchecked(check.id, "unproven-policy", summary, { ...check.detail, unproven });
}

/** What deliveries call the log proof of the credential. By its name it is known that there was one, no more. */
export const CREDENTIAL_PROOF = "credential.tlog-proof";

/**
 * What was found of a key, or that the log proof of the credential was lost.
 *
 * @param {Check} check What the policies give.
 * @param {string | null} credential What it signed, as the log has it.
 * @param {{proofs: import("./key_statements.js").Proofs | null, signed: import("../../history/log/consistency.js").Head | null}} log `signed`: the log checkpoint that the proof of the manifest is of.
 * @param {Map<string, Uint8Array>} siblings The files beside the credential, by name.
 * @returns {Check}
 */
export function unlessLost(check, credential, { proofs, signed }, siblings) {
  if (check.state !== "warn" || credential === null || proofs === null) return check;
  const had = signed !== null && proofs.consistency.mayHave(leafHash(leaf("credential", credential)), signed);
  if (!had && !siblings.has(CREDENTIAL_PROOF)) return check;
  const summary = `${check.summary.split(";")[0]}; the log proof of the credential, ${CREDENTIAL_PROOF}, ` +
    "is damaged, of something else, or gone: what shows where it is logged is missing";
  return unchecked(check.id, "unlogged", summary, check.detail);
}

/**
 * Where a statement is logged, and whether in the log that says what became of its key. Of a key that
 * was only replaced, any sound proof counts.
 *
 * @param {string} type @param {string} digest @param {string} signer @param {KeyHistory} history @param {import("./key_statements.js").Proofs} proofs
 * @returns {{index: number | null, shown: import("../../history/log/consistency.js").Relation}}
 */
export function whereLogged(type, digest, signer, history, proofs) {
  const places = proofs.of(type, digest, history);
  const hash = leafHash(leaf(type, digest));
  const heads = (/** @type {import("../../history/policy/key_history.js").Ruled[]} */ ruled) => distinct(ruled.flatMap((one) => one.places.map(({ signed }) => signed)));
  const said = history.declared(signer);
  // ATTACK A27: a thief with an old copy of the log, and its key, goes on from there, and logs before
  // the entry that the owner names whatever the stolen key signs today.
  if (said.length) return proofs.consistency.place(hash, places, heads(said));
  const listed = heads([history.ended(signer) ?? []].flat()).map((head) => proofs.consistency.find(hash, head)).filter((index) => index !== null);
  return { index: places[0]?.index ?? listed[0] ?? null, shown: "same" };
}

/** @param {string} signer @param {KeyHistory} history @param {number | null} loggedAt @param {string} shown @param {boolean} sought @returns {Check} */
function checkState(signer, history, loggedAt, shown, sought) {
  const id = "issuer.key";
  const state = history.stateOf(signer);
  const { standing, since, retired } = state;
  const { version: policy } = history.current;
  if (standing === "unknown") return notApplicable(id, "the store's policies do not speak of this key");
  const suspectFrom = retired?.suspectFrom ?? null;
  const stated = { standing, policy, since, suspectFrom, successor: retired?.successor ?? null, loggedAt };
  const detail = Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== null));
  if (standing === "current") {
    const summary = `current: by its policy of version ${policy} the key may sign`;
    return sought && loggedAt === null
      ? warned(id, "unlogged", `${summary}; no sound log proof of the credential is here, to keep it good after that`, detail)
      : passed(id, summary, detail);
  }
  const compromised = standing === "compromised";
  if (loggedAt !== null && countsAt(state, loggedAt)) {
    const said = compromised ? `compromised since entry ${suspectFrom}` : `succeeded at entry ${since}`;
    const when = `the credential was logged before that, as entry ${loggedAt}`;
    if (shown === "same") return passed(id, `the key is ${said}; ${when}`, detail);
    if (shown === "fork") {
      return failed(id, "fork", `the key is ${said}; that ${when} is shown by another history of the log alone`, detail);
    }
    return unchecked(id, "no-consistency", `the key is ${said}; nothing here shows that the log in which the credential is ` +
      `entry ${loggedAt} is the one that says so: when it was signed is not proven`, detail);
  }
  if (compromised && (loggedAt === null || isSuspectAt(state, loggedAt))) {
    // Unlogged is as bad: whoever has the key can give any date to what it signs.
    const place = loggedAt === null ? "at no shown entry" : `as entry ${loggedAt}`;
    return failed(id, "compromised", `the key is compromised since entry ${suspectFrom}; logged ${place}`, detail);
  }
  return loggedAt === null
    ? unchecked(id, "unlogged", `the key was replaced at entry ${since}; nothing here shows what came first`, detail)
    : failed(id, "retired", `the key was replaced at entry ${since}; logged after that, as ${loggedAt}`, detail);
}

/**
 * The check `issuer.key` by all that is at hand: the worst that a store there says.
 *
 * @param {import("./envelope.js").Envelope} envelope
 * @param {import("./key_statements.js").Statements} statements What lies beside it.
 * @param {string | null} store The store that it names, if any.
 * @param {import("./key_succession.js").Heir | null} heir By which store's word the key is believed, if by any: that one is heard as well.
 */
export function checkKeyAtHand({ signer, id }, statements, store, heir) {
  if (signer === null) return checkKey(null, null, null, null);
  const key = didKey(signer.key);
  const stores = attempt(() => statements.about(key, store));
  if (stores instanceof Refusal) return unchecked("issuer.key", stores.kind, stores.message);
  const made = [...stores, ...(heir === null ? [] : [heir])].map(({ history, proofs }) => checkKey(key, history, id, proofs, false));
  return ["fail", "unchecked", "pass"].flatMap((state) => made.filter((check) => check.state === state))[0] ??
    notApplicable("issuer.key", "no store whose policies are at hand speaks of this key");
}

/** The nickname of a believed issuer whose key is an owner of the store now. @param {Check} check `trust.issuer`. @param {string | null} signer @param {KeyHistory} history @returns {string | null} */
export function owns(check, signer, history) {
  const owner = signer !== null && history.current.roles.get(OWNER)?.keys.includes(signer);
  return owner && check.state === "pass" ? check.detail.nickname : null;
}

/**
 * The policy that a records manifest is judged by: logged between the dataset manifest and the
 * credential, so the first policy of that time that names its author decides.
 *
 * @param {KeyHistory} history
 * @param {number} from
 * @param {number | null} until
 * @param {string} author
 */
export function policyFor(history, from, until, author) {
  const starts = history.policies.map(({ index }) => index + 1).filter((at) => from < at && (until === null || at <= until));
  const policies = [from, ...starts].map((at) => history.inForce(at));
  return policies.find(({ keys }) => keys.includes(author)) ?? /** @type {import("../../history/policy/policy.js").Policy} */ (policies.at(-1));
}
