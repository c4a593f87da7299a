/** Manifests: signed statements, judged by their bytes alone (spec §6.5). */
import { KINDS } from "../../../generated/kinds.js";
import { MAX_INPUTS } from "../../../generated/limits.js";
import * as schemas from "../../../generated/schemas.js";
import { blake3, parseId } from "../../canon/digest.js";
import { attempt, refuse } from "../../canon/errors.js";
import { counted } from "../../canon/text.js";
import { compare } from "../trees/paths.js";
import { isOfRows } from "./row_files.js";
import { verifyProof } from "../../crypto/proofs/eddsa_jcs.js";
import { quote } from "../../canon/quoting.js";
import { hasExactly, isObject, parseCanonical } from "../../canon/json.js";
import { parseTimestamp } from "../../canon/timestamps.js";

/** The newest format version that this code reads. */
const NEWEST = 2;
const PREFIXES = new Set([...KINDS.values()].map(({ prefix }) => prefix));
const GENESIS_NAME = "policies/store/main";
const PROOF_MEMBERS = ["type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"];
const SEGMENT = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/**
 * Whether a value satisfies one of the schemas; refuses otherwise.
 *
 * @param {string} name
 * @param {any} value
 */
export function checkSchema(name, value) {
  const validate = /** @type {any} */ (schemas)[name];
  if (!validate(value)) {
    const [first] = validate.errors;
    const { additionalProperty: unknown } = first.params;
    const problem = unknown === undefined ? first.message : `it has the member ${quote(unknown)}, which is not defined`;
    refuse("schema", `${first.instancePath.slice(1) || "document"}: ${problem}`);
  }
}

/**
 * Return the manifest in these bytes after every check that needs nothing else.
 *
 * @param {Uint8Array} bytes
 * @returns {any} The document, and its `id` in hexadecimal.
 */
export function parseManifest(bytes) {
  const document = readManifest(bytes);
  const kind = KINDS.get(document.kind);
  if (kind === undefined) return refuse("unknown-kind", `no kind ${document.kind}`);
  checkVersion(document, kind);
  checkFit(document, kind);
  checkInputs(document, kind, document.lyrikstore);
  checkBody(document, kind);
  checkSigned(document);
  return { ...document, id: blake3(bytes) };
}

/**
 * Return the manifest in these bytes, of any kind, after the checks that hold for all kinds: enough
 * to say who signed it and what it was made from, not that its body is sound.
 *
 * @param {Uint8Array} bytes
 * @returns {any}
 */
export function parseSigned(bytes) {
  const document = readManifest(bytes);
  checkSigned(document);
  return document;
}

/** A manifest; null if the bytes are none. @param {Uint8Array} bytes */
export const manifestIn = (bytes) => attempt(() => parseManifest(bytes), () => null);

/** @param {Uint8Array} bytes */
function readManifest(bytes) {
  const document = parseCanonical(bytes);
  if (!isObject(document)) refuse("bad-manifest", "a manifest is a JSON object");
  if (Number.isSafeInteger(document.lyrikstore) && document.lyrikstore > NEWEST) {
    refuse("newer-format", `the manifest has format version ${document.lyrikstore}`);
  }
  checkSchema("manifest", document);
  return document;
}

/** @param {any} document */
function checkSigned(document) {
  if (!hasExactly(document.proof, PROOF_MEMBERS)) {
    refuse("bad-proof", "the proof of a manifest has no optional member");
  }
  verifyProof(document);
  if (document.proof.verificationMethod.split("#")[0] !== document.author) {
    refuse("wrong-author", "the manifest is not signed by its author");
  }
}

/** @param {any} document @param {string} role @returns {any[]} */
export const inputsIn = (document, role) =>
  document.inputs.filter((/** @type {any} */ item) => item.role === role);
/** @param {any} document @param {string} role @returns {any[]} */
export const attachmentsIn = (document, role) =>
  document.attachments.filter((/** @type {any} */ item) => item.role === role);

/** @param {any} document @param {import("../../../generated/kinds.js").Kind} kind */
function checkFit(document, kind) {
  const [prefix, ...segments] = document.name.split("/");
  if (!PREFIXES.has(prefix) || segments.length !== 2 || !segments.every((/** @type {string} */ part) => SEGMENT.test(part))) {
    refuse("bad-name", "not KIND/NAMESPACE/NAME");
  }
  if (prefix !== kind.prefix) bad(`a ${document.kind} cannot be called ${document.name}`);
  parseTimestamp(document.created);
  const genesis = document.kind === "genesis";
  if (genesis === Object.hasOwn(document, "store")) bad("store is left out in a genesis manifest, and nowhere else");
  if (genesis && (document.name !== GENESIS_NAME || document.parents.length)) {
    bad(`a genesis manifest is called ${GENESIS_NAME} and has no parents`);
  }
  for (const member of ["tree", "files"]) {
    if (Object.hasOwn(document, member) !== Boolean(kind.tree)) bad(`${member} does not fit a ${document.kind}`);
  }
  for (const member of ["store", "tree", "files"]) if (Object.hasOwn(document, member)) parseId(document[member]);
  document.parents.forEach(parseId);
  for (const items of [document.parents, document.inputs, document.attachments]) {
    if (new Set(items.map((/** @type {any} */ item) => JSON.stringify(item))).size !== items.length) {
      bad("the same parent, input or attachment is listed twice");
    }
  }
  for (const item of [...document.inputs, ...document.attachments]) parseId(item.id);
}

/**
 * The version that a document carries takes its body, and no lower one takes body and inputs (spec §6.1).
 *
 * @param {any} document
 * @param {import("../../../generated/kinds.js").Kind} kind
 */
function checkVersion(document, kind) {
  const { kind: name, lyrikstore: stated, body } = document;
  const { first = 1, newest = 1 } = kind;
  if (stated < first) refuse("schema", `format version ${stated} has no ${name}`);
  if (stated <= newest) checkSchema(schemaOf(name, stated), body);
  let least = first;
  while (least < newest && !fits(document, kind, least)) least += 1;
  if (stated > least) bad("its format version is higher than the one that it needs");
}

/** @param {string} kind @param {number} version */
const schemaOf = (kind, version) => version === 1 ? `kind_${kind}` : `kind_${kind}_${version}`;

/** @param {any} document @param {import("../../../generated/kinds.js").Kind} kind @param {number} version */
function fits(document, kind, version) {
  try {
    checkSchema(schemaOf(document.kind, version), document.body);
    checkInputs(document, kind, version);
    return true;
  } catch {
    return false;
  }
}

/** What a schema cannot say. The newer members stand in no body of an older version. @param {any} document @param {import("../../../generated/kinds.js").Kind} kind */
function checkBody({ body, ...document }, kind) {
  const counts = body.derivation?.counts;
  if (counts && counts.in + (counts.made ?? 0) !== counts.kept + counts.dropped + counts.elsewhere) bad("the counts do not add up");
  const companions = body.companions ?? [];
  if (companions.some((/** @type {string} */ path, /** @type {number} */ at) => at && compare(companions[at - 1], path) > 0)) {
    bad("companions are not in ascending order");
  }
  // ATTACK: a program that reads all files with the suffix of rows reads this one, too.
  if (companions.some((/** @type {string} */ path) => isOfRows(path, body.reader))) bad("a companion has the suffix of rows");
  const described = (kind.described ?? []).filter((member) => Object.hasOwn(body, member));
  for (const role of [...kind.attachments ?? [], ...described]) {
    if (attachmentsIn(document, role).length !== 1) bad(`exactly one attachment in role ${role}`);
  }
}

/** @param {any} document @param {import("../../../generated/kinds.js").Kind} kind @param {number} version */
function checkInputs(document, kind, version) {
  const { origin } = document.body;
  const all = kind.origins ? (Object.hasOwn(kind.origins, origin) ? kind.origins[origin] : {}) : kind.inputs ?? {};
  const rules = new Map(Object.entries(all).filter(([, { since = 1 }]) => since <= version));
  for (const { role, kind: given } of document.inputs) {
    const rule = rules.get(role);
    if (rule === undefined) return refuse("bad-input", `a ${document.kind} takes no input in role ${role}`);
    if (rule.kind !== given) refuse("bad-input", `an input in role ${role} is a ${rule.kind}`);
  }
  for (const [role, { least = 0, most = MAX_INPUTS }] of rules) {
    const count = inputsIn(document, role).length;
    if (count < least || count > most) refuse("bad-input", `${counted(count, "input")} in role ${role}`);
  }
  const named = kind.either?.filter((role) => rules.has(role) && inputsIn(document, role).length);
  if (named && named.length !== 1) refuse("bad-input", `a ${document.kind} takes exactly one of role ${kind.either?.join(" or ")}`);
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-manifest", reason);
}
