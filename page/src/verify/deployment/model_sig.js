/**
 * `model.sig`: a deployed folder's files for OpenSSF Model Signing (spec §14.7.8). A folder's files determine all of
 * it but the signature, so it is made again and compared: nothing that a reader of such bundles might look at is left
 * unchecked.
 */
import { p256 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, concat, hex, same, unbase64, unhex, utf8 } from "../../canon/bytes.js";
import { canonical, parseCanonical } from "../../canon/json.js";
import { compare } from "../../history/trees/paths.js";
import { MAX_MODEL_SIG_BYTES } from "../../../generated/limits.js";

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const PEM = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/]{64})\n([A-Za-z0-9+/]{58}==)\n-----END PUBLIC KEY-----\n$/;
/** What the SubjectPublicKeyInfo of every uncompressed P-256 key begins with. */
const SPKI = unhex("3059301306072a8648ce3d020106082a8648ce3d030107034200");

/** What `modelSigFault` finds, and in words. @type {Map<string, string>} */
export const FAULTS = new Map([
  ["bad-key", "the key that the manifest names for it is no P-256 key in PEM"],
  ["bad-model-sig", "it is no Sigstore bundle of spec 14.7.8, or names another key"],
  ["bad-signature", "its signature does not hold"],
  ["other-files", "it is about other files than the tree's"],
]);

/**
 * Which of `FAULTS` a `model.sig` has; null where it holds. Then whoever made the key signed these files; who that was says
 * the manifest that names the key.
 *
 * @param {Uint8Array} bytes Of the file.
 * @param {string} publicKey That the deployment's manifest names, in PEM.
 * @param {Map<string, Uint8Array>} files Path to SHA-256 of each file of the tree.
 * @returns {string | null}
 */
export function modelSigFault(bytes, publicKey, files) {
  const key = pointIn(publicKey);
  if (key === null) return "bad-key";
  const read = contentsOf(bytes);
  if (read === null || !same(modelSigOf(read.statement, read.signature, publicKey), bytes)) return "bad-model-sig";
  if (!isSigned(key, read.signature, signedBytes(read.statement))) return "bad-signature";
  return same(read.statement, statementOf(files)) ? null : "other-files";
}

/** What is signed of files: an in-toto statement, in canonical form. @param {Map<string, Uint8Array>} files Path to SHA-256. */
function statementOf(files) {
  const ordered = [...files].sort(([one], [other]) => compare(one, other));
  const whole = sha256.create();
  for (const [, digest] of ordered) whole.update(digest);
  return canonical({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "model", digest: { sha256: hex(whole.digest()) } }],
    predicateType: "https://model_signing/signature/v1.0",
    predicate: {
      serialization: { method: "files", hash_type: "sha256", allow_symlinks: false, ignore_paths: ["lyrikstore"] },
      resources: ordered.map(([name, digest]) => ({ name, algorithm: "sha256", digest: hex(digest) })),
    },
  });
}

/** The bytes that a signature of a statement is of (DSSE 1.0). @param {Uint8Array} statement */
const signedBytes = (statement) => concat(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${statement.length} `), statement);

/** The Sigstore bundle, in canonical form. @param {Uint8Array} statement @param {Uint8Array} signature @param {string} publicKey */
const modelSigOf = (statement, signature, publicKey) => canonical({
  mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
  verificationMaterial: { publicKey: { hint: hex(sha256(utf8(publicKey))) }, tlogEntries: [] },
  dsseEnvelope: {
    payload: base64(statement), payloadType: PAYLOAD_TYPE, signatures: [{ sig: base64(signature), keyid: "" }],
  },
});

/** @param {Uint8Array} bytes @returns {{statement: Uint8Array, signature: Uint8Array} | null} */
function contentsOf(bytes) {
  try {
    const { payload, signatures } = parseCanonical(bytes, MAX_MODEL_SIG_BYTES).dsseEnvelope;
    return { statement: unbase64(payload, "bad-model-sig"), signature: unbase64(signatures[0].sig, "bad-model-sig") };
  } catch {
    return null; // no canonical JSON, or of another form
  }
}

/**
 * A P-256 key, as a point.
 *
 * ATTACK: another spelling of the key has another hint, and curves differ in cost.
 *
 * @param {string} publicKey In PEM.
 * @returns {Uint8Array | null}
 */
function pointIn(publicKey) {
  const [, first, second] = PEM.exec(publicKey) ?? [];
  try {
    const info = unbase64(`${first}${second}`, "bad-key");
    const point = info.slice(SPKI.length);
    if (info.length !== SPKI.length + 65 || point[0] !== 4 || !same(info.slice(0, SPKI.length), SPKI)) return null;
    p256.Point.fromBytes(point).assertValidity();
    return point;
  } catch {
    return null;
  }
}

/** @param {Uint8Array} key @param {Uint8Array} signature In DER, of one spelling. @param {Uint8Array} message */
function isSigned(key, signature, message) {
  try {
    const stated = p256.Signature.fromBytes(signature, "der");
    // Of two signatures that differ in the sign of s alone both hold, elsewhere as well.
    return same(stated.toBytes("der"), signature) && p256.verify(stated.toBytes("compact"), message, key, { lowS: false });
  } catch {
    return false;
  }
}
