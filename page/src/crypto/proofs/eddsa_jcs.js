/**
 * `eddsa-jcs-2022`, the one way a document is secured (spec §3.3).
 *
 * Whoever verifies goes on with the document returned, never with the input.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { base58, concat, same, unbase58 } from "../../canon/bytes.js";
import { parseVerificationMethod, verify } from "../ed25519.js";
import { attempt, Refusal, refuse } from "../../canon/errors.js";
import { canonical, isObject } from "../../canon/json.js";
import { parseTimestamp } from "../../canon/timestamps.js";

export const CRYPTOSUITE = "eddsa-jcs-2022";
const REQUIRED = ["type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"];
const KNOWN = new Set([...REQUIRED, "created", "@context"]);

/**
 * Return what the one proof of a document establishes, in the closed profile `lyrik`.
 *
 * @param {any} document Parsed by strictjson.
 * @param {(method: string) => Uint8Array} resolve Verification method to key; by default that of a did:key.
 * @returns {{document: {[name: string]: any}, key: Uint8Array}}
 */
export function verifyProof(document, resolve = parseVerificationMethod) {
  const { proof, ...unsecured } = document;
  if (!isObject(proof)) bad("not exactly one proof object");
  const { proofValue, ...options } = proof;
  for (const name of REQUIRED) {
    if (typeof proof[name] !== "string") bad(`${name} is missing or not a string`);
  }
  if (proof.type !== "DataIntegrityProof" || proof.cryptosuite !== CRYPTOSUITE) {
    bad(`not DataIntegrityProof ${CRYPTOSUITE}`);
  }
  if (proof.proofPurpose !== "assertionMethod") bad("proofPurpose is not assertionMethod");
  for (const name of Object.keys(proof)) {
    if (!KNOWN.has(name)) bad(`unknown member ${JSON.stringify(name.slice(0, 80))}`);
  }
  if (Object.hasOwn(proof, "created")) created(proof.created);
  if (Object.hasOwn(proof, "@context")) {
    const ours = Object.hasOwn(document, "@context") ? document["@context"] : undefined;
    if (ours === undefined || !same(canonical(ours), canonical(proof["@context"]))) {
      bad("its @context is not the document's");
    }
  }
  const key = resolve(proof.verificationMethod);
  if (!verify(key, parseSignature(proofValue), signedBytes(options, unsecured))) {
    refuse("bad-signature", `the signature does not fit the document and '${proof.verificationMethod.slice(0, 200)}'`);
  }
  return { document: bare(unsecured), key };
}

/**
 * Someone who signs.
 *
 * @typedef {object} Signer
 * @property {Uint8Array} public
 * @property {string} did
 * @property {(message: Uint8Array) => Promise<Uint8Array>} sign
 */

/**
 * Return a document with its proof.
 *
 * @param {{[name: string]: any}} document Without a proof.
 * @param {Signer} signer
 * @param {string} [moment] `created` of the proof: the claimed time of signing. Without it the proof has no optional member.
 */
export async function addProof(document, signer, moment) {
  const options = {
    type: "DataIntegrityProof",
    cryptosuite: CRYPTOSUITE,
    verificationMethod: `${signer.did}#${signer.did.slice("did:key:".length)}`,
    proofPurpose: "assertionMethod",
    ...(moment === undefined ? {} : { created: moment }),
    ...(Object.hasOwn(document, "@context") ? { "@context": document["@context"] } : {}),
  };
  const message = signedBytes(options, document);
  const signature = await signer.sign(message);
  if (!verify(signer.public, signature, message)) refuse("bad-signature", "this browser made a signature that does not verify");
  return { ...document, proof: { ...options, proofValue: `z${base58(signature)}` } };
}

/** @param {{[name: string]: any}} options @param {{[name: string]: any}} unsecured */
const signedBytes = (options, unsecured) => concat(sha256(canonical(bare(options))), sha256(canonical(bare(unsecured))));

/** @param {{[name: string]: any}} value The spread of an object has a prototype again. */
const bare = (value) => Object.assign(Object.create(null), value);

/** @param {any} value */
function created(value) {
  try {
    parseTimestamp(value);
  } catch (error) {
    bad(/** @type {Refusal} */ (error).message);
  }
}

/** Read a `proofValue`. @param {string} value */
export function parseSignature(value) {
  if (!value.startsWith("z")) bad("proofValue does not start with z");
  const bytes = attempt(() => unbase58(value.slice(1)), ({ message }) => bad(`proofValue: ${message}`));
  return bytes.length === 64 ? bytes : bad(`proofValue has ${bytes.length} bytes, not 64`);
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-proof", `bad proof: ${reason}`);
}
