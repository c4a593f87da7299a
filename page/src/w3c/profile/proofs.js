/** The checks `proof`, `issuer.binding` and `holder.binding` of a foreign document (spec §17.4). */
import { Refusal } from "../../canon/errors.js";
import { counted } from "../../canon/text.js";
import { quote } from "../../canon/quoting.js";
import { failed, passed, unchecked } from "../../verify/report.js";
import { proofProblem } from "../problems.js";
import { verifyProofs } from "../proofs/proof_set.js";

const NOT_AT_HAND = ["no-document", "unknown-context", "missing-extra"];

/** @typedef {import("../../verify/report.js").Check} Check */
/** @typedef {{check: Check, verified: import("../proofs/proof_set.js").VerifiedProofs | null}} Signed */

/**
 * The check `proof`: every proof of the document must hold.
 *
 * @param {any} document
 * @param {string} purpose
 * @param {import("../../credentials/did.js").Resolver} resolver
 * @param {number} at
 * @returns {Promise<Signed>}
 */
export async function checkProofs(document, purpose, resolver, at) {
  try {
    const resolve = (/** @type {string} */ method, /** @type {string} */ wanted) => resolver.find(method, wanted, at).key;
    const verified = await verifyProofs(document, { at, purpose, resolve });
    const { length } = verified.proofs;
    const suites = [...new Set(verified.proofs.map(({ suite }) => suite))].sort().join(", ");
    const summary = `${suites}: ${length === 1 ? "the signature holds" : `all ${length} hold`}`;
    return { check: passed("proof", summary, { methods: verified.proofs.map(({ method }) => method) }), verified };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { kind, message } = error;
    let check = failed("proof", kind, quote(message, 300), proofProblem(kind));
    if (NOT_AT_HAND.includes(kind)) check = unchecked("proof", kind, quote(message, 300));
    if (kind === "bad-signature") {
      check = failed("proof", "edited",
        "the signature does not fit: claims edited after signing, or another key", proofProblem(kind));
    }
    return { check, verified: null };
  }
}

/** The DIDs whose keys signed, in the order of the proofs. @param {Signed} signed @returns {string[]} */
export const signersOf = ({ verified }) => (verified?.proofs ?? []).map(({ method }) => method.split("#")[0]);

/** Whom the document names is among those who signed it. @param {string} id @param {string | null} named @param {Signed} signed */
export function checkBinding(id, named, signed) {
  const role = id.split(".")[0];
  if (signed.verified === null) return unchecked(id, "no-proof", `no sound signature to bind the ${role} to`);
  const signers = signersOf(signed);
  if (named === null || !signers.includes(named)) {
    return failed(id, "foreign-key", `it names ${quote(named)} as ${role} but is signed by ${quote(signers[0], 120)}`,
      { [role]: named ?? "", signers });
  }
  const others = new Set(signers).size - 1;
  return passed(id, `signed by the ${role}'s key${others ? `, with ${counted(others, "other")}` : ""}`);
}

/** The key by which a DID signed, and what says that it is its own. @param {Signed} signed @param {string} did @param {import("../../credentials/did.js").Resolver} resolver @param {number} at */
export function keyOf({ verified }, did, resolver, at) {
  const proof = verified?.proofs.find(({ method }) => method.split("#")[0] === did);
  return proof ? resolver.find(proof.method, proof.options.proofPurpose, at) : null;
}
