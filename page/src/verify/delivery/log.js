/** Where in whose log a delivery's manifest stands (spec §11.4.5). */
import { hex } from "../../canon/bytes.js";
import { short } from "../../canon/digest.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { owns } from "../credential/issuer_key.js";
import { damagedConsistency } from "../../history/log/consistency.js";
import { leaf, verifyProof } from "../../history/log/log.js";
import { parseManifest } from "../../history/manifests/manifest.js";
import { parseGenesis } from "../../history/policy/policy.js";
import { quote } from "../../canon/quoting.js";
import { judgeFounder } from "./founder.js";
import { failed, notApplicable, passed, unchecked, warned } from "../report.js";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../credential/credential.js").Claims} Claims */
/** @typedef {(digest: string) => Uint8Array | undefined} Find */

/**
 * Whether the manifest stands in the store's own log where the credential says.
 *
 * @param {{id: string, issuer: string | null, signer: string | null, trusted: Check}} outcome Of the credential alone; `trusted`: its `trust.issuer`.
 * @param {Claims} claims
 * @param {Find} find
 * @param {import("../credential/key_statements.js").Statements} statements Policies and log proofs beside it.
 * @param {import("../../credentials/trust.js").Trust} trust
 * @param {number} at
 * @returns {{checks: Check[], history: import("../../history/policy/key_history.js").KeyHistory | null, proofs: import("../credential/key_statements.js").Proofs | null, loggedAt: number | null, signed: import("../../history/log/consistency.js").Head | null}} `signed`: the log checkpoint that the proof of the manifest is of.
 */
export function checkLog(outcome, claims, find, statements, trust, at) {
  const rest = [checkWitness(trust), notApplicable("log.memory", "no memory of earlier log checkpoints is kept")];
  const { failure, founder, genesis } = readGenesis(claims, find);
  if (failure) {
    const inclusion = unchecked("log.inclusion", "no-anchor", "the log's keys are not established");
    return { checks: [inclusion, failure, ...rest], history: null, proofs: null, loggedAt: null, signed: null };
  }
  const read = attempt(() => readLog(outcome.id, claims, statements.readStore(founder, genesis)));
  if (read instanceof Refusal) {
    const open = ["log.inclusion", "log.anchor"].map((id) => unchecked(id, read.kind, read.message));
    return { checks: [...open, ...rest], history: null, proofs: null, loggedAt: null, signed: null };
  }
  const { history, proofs, credential, check, signed } = read;
  const pinned = signed === null ? undefined : trust.pinned(signed.signers);
  const owner = owns(outcome.trusted, outcome.signer, history);
  const entry = trust.matches(founder.author, claims.name, claims.store, at);
  const anchor = judgeFounder("log.anchor", founder, entry, owner, pinned);
  return { checks: [check, anchor, ...rest], history, proofs, loggedAt: credential[0]?.index ?? null, signed };
}

/**
 * The log's checks, with a mark on `log.memory` if the consistency file is damaged. It counts as
 * absent then (spec §7.8), but who changed it is not to go unnoticed because another shows enough.
 *
 * @param {Check[]} checks @param {Map<string, Uint8Array>} siblings By name. @param {string} origin The log that the credential names.
 */
export function markDamaged(checks, siblings, origin) {
  const file = damagedConsistency(siblings, origin);
  if (file === null) return checks;
  return checks.map((check) => check.id === "log.memory" && ["pass", "n/a"].includes(check.state)
    ? warned(check.id, "damaged-consistency", `${file} is damaged, or of another log; ${check.summary}`, { file })
    : check);
}

/** @param {string} id Of the credential. @param {Claims} claims @param {{history: import("../../history/policy/key_history.js").KeyHistory, proofs: import("../credential/key_statements.js").Proofs}} store */
function readLog(id, claims, { history, proofs }) {
  const credential = proofs.of("credential", id, history);
  const { check, signed } = checkInclusion(claims, history, proofs);
  const heads = [...history.policies.flatMap(({ places }) => places), ...credential].map((place) => place.signed);
  if (signed !== null) heads.push(signed);
  if (!history.forked && !proofs.consistency.isTorn(heads)) return { history, proofs, credential, check, signed };
  // ATTACK A33: two histories, of which neither is known to be the true one.
  const torn = failed("log.inclusion", "fork", "the log checkpoints beside the credential are of two histories: a forked log");
  return { history: history.torn(), proofs, credential, check: torn, signed: null };
}

/** Whether the witnesses that the trust file demands countersigned. @param {import("../../credentials/trust.js").Trust} trust */
export function checkWitness(trust) {
  return trust.demandsWitness
    ? unchecked("log.witness", "no-witness",
      "your trust file demands a witness; this version cannot judge countersignatures")
    : notApplicable("log.witness", "your trust file demands no witness");
}

/** @param {Claims} claims @param {Find} find @returns {any} */
function readGenesis(claims, find) {
  const id = "log.anchor";
  const bytes = find(claims.store);
  if (bytes === undefined) {
    const summary = `the genesis manifest of store ${short(claims.store)} is not beside the credential`;
    return { failure: unchecked(id, "missing-file", summary) };
  }
  try {
    const founder = parseManifest(bytes);
    if (founder.kind !== "genesis") {
      return { failure: failed(id, "wrong-kind", "what the store's id names founds no store") };
    }
    const genesis = parseGenesis(founder.body);
    if (genesis.origin !== claims.logOrigin) {
      return { failure: failed(id, "other-log", "the credential names another log than the store's own") };
    }
    if (!genesis.policy.allows(founder.author, "genesis", founder.name)) {
      return { failure: failed(id, "unauthorised", "the genesis manifest is not signed by its own owner") };
    }
    return { founder, genesis };
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    return { failure: failed(id, kind, `the genesis manifest: ${quote(message, 200)}`) };
  }
}

/** The check `log.inclusion` of what is shown to be an entry of a log. @param {string} what @param {import("../../history/log/consistency.js").Place} place */
export const included = (what, { index, signed }) => passed("log.inclusion",
  `${what} is entry ${index} of ${signed.size} in ${quote(signed.origin)}`,
  { origin: signed.origin, index, size: signed.size, root: hex(signed.root) });

/** @param {Claims} claims @param {import("../../history/policy/key_history.js").KeyHistory} history @param {import("../credential/key_statements.js").Proofs} proofs */
function checkInclusion(claims, history, proofs) {
  const id = "log.inclusion";
  /** @type {Check | null} */
  let problem = null;
  // The one for the right index first: what is wrong with it says most. What is no proof says least.
  const rank = (/** @type {any} */ proof) => (proof instanceof Refusal ? 2 : Number(proof.index !== claims.logIndex));
  for (const proof of proofs.others.sort((left, right) => rank(left) - rank(right))) {
    if (proof instanceof Refusal) {
      problem ??= failed(id, proof.kind, `the log proof does not hold: ${quote(proof.message, 200)}`);
    } else if (proof.index !== claims.logIndex) {
      problem ??= failed(id, "other-index", `the proof is for entry ${proof.index}, the credential names ${claims.logIndex}`);
    } else {
      try {
        const signed = verifyProof(proof, leaf("manifest", claims.manifest), history.logs);
        history.checkHead(signed);
        return { check: included("the manifest", { index: proof.index, signed }), signed };
      } catch (error) {
        const { kind, message } = /** @type {Refusal} */ (error);
        problem ??= failed(id, kind, `the log proof does not hold: ${quote(message, 200)}`);
      }
    }
  }
  return { check: problem ?? unchecked(id, "missing-file", "no log proof of the manifest beside the credential"), signed: null };
}
