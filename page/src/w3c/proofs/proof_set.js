/**
 * Proofs of foreign documents: sets and chains, dialects A and B (spec §3.6).
 *
 * Other verifiers take one good proof of a set for all of them, and ignore a `previousProof` that
 * names nothing. Here every proof must verify, over exactly the earlier proofs that it names.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, same } from "../../canon/bytes.js";
import { verify } from "../../crypto/ed25519.js";
import { refuse, Refusal } from "../../canon/errors.js";
import { parseSignature } from "../../crypto/proofs/eddsa_jcs.js";
import { canonical, isObject } from "../../canon/json.js";
import { canonicalRdf, RDFC } from "./eddsa_rdfc.js";
import { itemsOf, parseStamp, statedIn } from "../../canon/values.js";
import { MAX_PROOFS } from "../../../generated/limits.js";
import { CLOCK_SKEW } from "../../canon/timestamps.js";

const JCS = "eddsa-jcs-2022";
const REQUIRED = ["type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"];

/** @typedef {{key: Uint8Array, method: string, suite: string, options: any}} Made */
/** @typedef {{document: any, proofs: Made[]}} VerifiedProofs `document`: what every proof signed, without the proofs. */

/**
 * Return what the proofs of a document establish; every one must verify.
 *
 * @param {any} document
 * @param {{at: number, purpose: string, resolve: (method: string, purpose: string) => Uint8Array, domain?: string, challenge?: string}} demanded
 * @returns {Promise<VerifiedProofs>}
 */
export async function verifyProofs(document, { at, purpose, resolve, domain, challenge }) {
  const proofs = Object.hasOwn(document, "proof") ? itemsOf(document.proof) : [null];
  if (!proofs.length || proofs.length > MAX_PROOFS) badProof(`a document has 1 to ${MAX_PROOFS} proofs, this one ${proofs.length}`);
  if (!proofs.every(isObject)) badProof("a proof is missing or not an object");
  const unsecured = without(document, "proof");
  // Everything that costs nothing, of all proofs, before anything is hashed.
  for (const proof of proofs) checkOptions(proof, document, { at, purpose, domain, challenge });
  const links = checkLinks(proofs);
  /** @type {Made[]} */
  const made = [];
  for (const [number, proof] of proofs.entries()) {
    const options = without(proof, "proofValue");
    const key = resolve(proof.verificationMethod, purpose);
    const message = await signedBytes(unsecured, links[number], options);
    if (!verify(key, parseSignature(proof.proofValue), message)) {
      refuse("bad-signature", `the signature does not fit the document and '${proof.verificationMethod.slice(0, 200)}'`);
    }
    made.push({ key, method: proof.verificationMethod, suite: proof.cryptosuite, options });
  }
  return { document: unsecured, proofs: made };
}

/** @param {any} proof @param {any} document @param {{at: number, purpose: string, domain?: string, challenge?: string}} demanded */
function checkOptions(proof, document, { at, purpose, domain, challenge }) {
  for (const name of REQUIRED) if (typeof proof[name] !== "string") badProof(`${name} is missing or not a string`);
  if (proof.type !== "DataIntegrityProof") badProof("type is not DataIntegrityProof");
  const { cryptosuite: suite } = proof;
  if (suite !== JCS && suite !== RDFC) refuse("unknown-suite", `the cryptosuite ${suite.slice(0, 80)} is not verified here`);
  if (proof.proofPurpose !== purpose) badProof(`proofPurpose is not ${purpose}`);
  for (const name of ["id", "challenge", "nonce"]) {
    if (Object.hasOwn(proof, name) && (typeof proof[name] !== "string" || !proof[name])) badProof(`${name} is not a string`);
  }
  const domains = strings(proof, "domain");
  if (domain !== undefined && !domains.includes(domain)) refuse("bad-domain", "the proof was not made for this domain");
  if (challenge !== undefined && proof.challenge !== challenge) refuse("bad-challenge", "the proof does not answer the challenge");
  const [created, expires] = [moment(proof, "created"), moment(proof, "expires")];
  if (created !== undefined && created > at + CLOCK_SKEW) refuse("proof-not-yet", `the proof was made later: ${proof.created}`);
  if (expires !== undefined && expires <= at) refuse("proof-expired", `the proof expired on ${proof.expires}`);
  if (!Object.hasOwn(proof, "@context")) return;
  if (suite !== JCS) badProof(`a proof of ${suite} has no @context of its own`);
  // Appended contexts are unsigned terms to whoever shows the document as it came.
  if (!Object.hasOwn(document, "@context") || !same(canonical(document["@context"]), canonical(proof["@context"]))) {
    badProof("its @context is not the document's");
  }
}

/** For each proof the earlier ones that it names, in the order of the document. @param {any[]} proofs @returns {any[][]} */
function checkLinks(proofs) {
  /** @type {Map<string, number>} */
  const position = new Map();
  for (const [number, proof] of proofs.entries()) {
    if (!Object.hasOwn(proof, "id")) continue;
    if (position.has(proof.id)) badChain(`two proofs have the id ${proof.id.slice(0, 200)}`);
    position.set(proof.id, number);
  }
  const named = proofs.map((proof) => {
    const ids = strings(proof, "previousProof");
    if (Object.hasOwn(proof, "previousProof") && !ids.length) badChain("previousProof names nothing");
    const numbers = ids.map((id) => position.get(id) ?? badChain(`there is no proof ${id.slice(0, 200)}`));
    return [...new Set(numbers)].sort((left, right) => left - right);
  });
  /** @type {Set<number>} */
  const resolved = new Set();
  for (let before = -1; before !== resolved.size;) {
    before = resolved.size;
    named.forEach((earlier, number) => {
      if (earlier.every((one) => resolved.has(one))) resolved.add(number);
    });
  }
  if (resolved.size !== proofs.length) badChain("the previous proofs go round in a circle");
  return named.map((earlier) => earlier.map((number) => proofs[number]));
}

/** @param {any} unsecured @param {any[]} earlier @param {any} options */
async function signedBytes(unsecured, earlier, options) {
  const signed = earlier.length ? { ...unsecured, proof: earlier } : unsecured;
  if (options.cryptosuite === JCS) return concat(sha256(canonical(options)), sha256(canonical(signed)));
  // What the options mean is for the document's contexts to say.
  const meant = { ...options, "@context": unsecured["@context"] };
  return concat(sha256(await canonicalRdf(meant)), sha256(await canonicalRdf(signed)));
}

/** @param {any} proof @param {string} name @returns {string[]} */
function strings(proof, name) {
  const values = statedIn(proof, name);
  if (!values.every((value) => typeof value === "string" && value)) badProof(`${name} is neither a string nor a list of strings`);
  return values;
}

/** @param {any} proof @param {string} name */
function moment(proof, name) {
  if (!Object.hasOwn(proof, name)) return undefined;
  try {
    return parseStamp(proof[name]);
  } catch (error) {
    return badProof(`${name}: ${/** @type {Refusal} */ (error).message}`);
  }
}

/** @param {any} value @param {string} name */
function without(value, name) {
  const rest = Object.assign(Object.create(null), value);
  delete rest[name];
  return rest;
}

/** @param {string} reason @returns {never} */
function badProof(reason) {
  return refuse("bad-proof", `bad proof: ${reason}`);
}

/** @param {string} reason @returns {never} */
function badChain(reason) {
  return refuse("bad-chain", `bad proof chain: ${reason}`);
}
