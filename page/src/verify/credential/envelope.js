/** What every credential of profile `lyrik` goes through, whatever it says (spec §11.4.1). */
import pins from "../../../generated/pins.js";
import { maySay } from "../../canon/bytes.js";
import { blake3, multibase, parseHex, parseUrn } from "../../canon/digest.js";
import { Resolver } from "../../credentials/did.js";
import { didKey } from "../../crypto/ed25519.js";
import { refuse, Refusal } from "../../canon/errors.js";
import { counted } from "../../canon/text.js";
import { inheritedCheck } from "./key_succession.js";
import { checkSchema } from "../../history/manifests/manifest.js";
import { CRYPTOSUITE, verifyProof } from "../../crypto/proofs/eddsa_jcs.js";
import { complete, failed, nameSome, notApplicable, passed, quote, unchecked, warned } from "../report.js";
import { checkStatus } from "./status.js";
import { canonical, isObject, parse } from "../../canon/json.js";
import { checkLicenceClaim } from "../../credentials/terms.js";
import { CLOCK_SKEW, formatTimestamp, parseDay, parseTimestamp } from "../../canon/timestamps.js";
import { MAX_STATUS_CANDIDATES } from "../../../generated/limits.js";

const VC_CONTEXT = "https://www.w3.org/ns/credentials/v2";
const CONTEXT = "https://w3id.org/lyrikstore/v1";
const HASHES = ["blake3", "sha2-256"];

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../credentials/trust.js").Trust} Trust */
/** @typedef {import("../../credentials/did.js").ResolvedKey} ResolvedKey */
/** @typedef {import("./status.js").Notices} Notices */
/** @typedef {{type: string, schema: "datasetCredential" | "attestationCredential" | "grantCredential", words: string, checkSubject: (subject: any) => void}} Kind */
/** @typedef {{checks: Check[], document: any, issuer: string | null, signer: ResolvedKey | null, id: string, genuine: boolean}} Envelope `document`: what was signed; null if it is not even well-formed. */

/** @type {Kind} */
export const DATASET = { type: "DatasetCredential", schema: "datasetCredential", words: "dataset credential", checkSubject: checkDataset };
/** @type {Kind} */
export const ATTESTATION = { type: "AttestationCredential", schema: "attestationCredential", words: "attestation credential", checkSubject: () => undefined };
/** @type {Kind} */
export const GRANT = { type: "GrantCredential", schema: "grantCredential", words: "grant credential", checkSubject: checkGrant };
const KINDS = [DATASET, ATTESTATION, GRANT];

/** The kind of ours that a document says it is, unverified. @param {any} document */
export const kindOf = (document) => (isObject(document) && Array.isArray(document.type)
  ? KINDS.find(({ type }) => document.type.includes(type)) : undefined);

/** The kind of ours that a document is by its context as well: of profile `lyrik`. @param {any} document */
export function isOurs(document) {
  const context = document["@context"];
  const ours = Array.isArray(context) && context.length === 2 && context[0] === VC_CONTEXT && context[1] === CONTEXT;
  return ours ? kindOf(document) : undefined;
}

/** By which profile a document is judged (spec §17.1). @param {Uint8Array} bytes @returns {"lyrik" | "w3c"} */
export function profileOf(bytes) {
  try {
    const document = parse(bytes, { foreign: true });
    return !isObject(document) || isOurs(document) ? "lyrik" : "w3c";
  } catch {
    return "lyrik"; // which refuses it
  }
}

/** What finds issuers' keys: in pinned documents, and those at hand. @param {Trust} trust @param {Notices} notices */
export const keysFor = (trust, notices) => new Resolver([...trust.documents, ...notices.documents]);

/**
 * Open a credential of one kind. Never throws for bad input.
 *
 * @param {Uint8Array} bytes
 * @param {Kind} kind
 * @param {Resolver} keys
 * @param {number} at
 * @returns {Envelope}
 */
export function openEnvelope(bytes, kind, keys, at) {
  let document;
  try {
    document = parse(bytes);
  } catch (error) {
    const { kind: code, message } = /** @type {Refusal} */ (error);
    return malformed([failed("format", code, `not a credential: ${message}`)], null);
  }
  if (!isObject(document)) return malformed([failed("format", "bad-json", "not a credential: not a JSON object")], null);
  const checks = [passed("format", `strict JSON, ${counted(bytes.length, "byte")}`)];
  const issuer = issuerOf(document);
  try {
    checkShape(document, kind);
  } catch (error) {
    const { kind: code, message } = /** @type {Refusal} */ (error);
    checks.push(failed("schema", code, `not a ${kind.words}: ${quote(message, 300)}`));
    checks.push(checkProof(document, keys, at).check);
    return malformed(checks, issuer);
  }
  checks.push(passed("schema", `${kind.words}, profile lyrik 1`));
  const id = blake3(canonical(document));
  const { check, verified, signer } = checkProof(document, keys, at);
  checks.push(check, checkBinding(issuer, signer));
  const genuine = checks.every(({ state }) => state === "pass");
  // From here on only what was signed.
  return { checks, document: verified ?? document, issuer, signer, id, genuine };
}

/** @param {any} document */
function issuerOf(document) {
  const issuer = isObject(document.issuer) ? document.issuer.id : document.issuer;
  return typeof issuer === "string" ? issuer : null;
}

/**
 * Who says it, whether the issuer is believed, and stands by it.
 *
 * @param {Envelope} envelope One that is well-formed.
 * @param {Trust} trust
 * @param {import("./key_succession.js").Believes} believes Whom the verifier believes for what this credential says.
 * @param {number} at
 * @param {Notices} notices
 * @param {import("./key_succession.js").Inherited | null} [heir] Whose trust the issuer's key inherits; see `unknownKey`.
 * @param {boolean} [onlyIfBelieved] Leave the status lists of an issuer who is not believed unread: each may
 *   unpack to 1 MiB, and anybody can lay things beside a delivery.
 * @returns {Promise<Check[]>}
 */
export async function checkIssuer(envelope, trust, believes, at, notices, heir = null, onlyIfBelieved = false) {
  const believed = checkTrust(envelope, trust, believes, heir);
  const unread = onlyIfBelieved && believed.state !== "pass" && Object.hasOwn(envelope.document, "credentialStatus");
  return [
    checkDocument(envelope.signer),
    believed,
    checkAllowed(envelope.signer && [envelope.signer.key], [CRYPTOSUITE], trust),
    checkPeriod(envelope.document, at),
    unread
      ? unchecked("status", "not-believed", "not looked at: you do not believe the issuer")
      : await checkStanding(envelope, notices, trust, at),
  ];
}

/** Whether the issuer's DID document speaks for its name. @param {ResolvedKey | null} signer */
export function checkDocument(signer) {
  const id = "issuer.document";
  if (signer === null) return unchecked(id, "no-proof", "no sound signature by any issuer");
  const { did, source, missingFrom, digest: document } = signer;
  if (source === "derived") return notApplicable(id, "the issuer's DID is its key");
  if (source === "snapshot") {
    const known = missingFrom.join(" and ");
    return warned(id, "snapshot-only",
      `that this key is ${did}'s is said only by the document beside the credential, which ` +
      (known ? `the ${known} one does not confirm` : "anybody could have written"), { document });
  }
  if (missingFrom.length) {
    return warned(id, "withdrawn", `${did} does not list this key any more; the document you pinned does`, { document });
  }
  return passed(id, `the ${source} document of ${did} lists it`, { document });
}

/** Whether only keys and algorithms were used that trust allows. @param {Uint8Array[] | null} keys Of those who signed; null where no signature holds. @param {string[]} cryptosuites @param {Trust} trust */
export function checkAllowed(keys, cryptosuites, trust) {
  const id = "trust.allowed";
  if (trust.allow === null) return notApplicable(id, "your trust file limits no keys and algorithms");
  if (keys === null) return unchecked(id, "no-proof", "no sound signature by any key");
  const wrong = trust.refusals({ keys: keys.map(didKey), hashes: HASHES, cryptosuites });
  return wrong.length
    ? failed(id, "not-allowed", `your trust file does not allow ${nameSome(wrong)}`, { used: wrong })
    : passed(id, "your trust file allows the key and the algorithms");
}

/** The key that issued it, if it may inherit trust: the trust file does not name it, and no document of an organisation speaks for it. @param {Envelope} envelope @param {Trust} trust */
export function unknownKey({ genuine, issuer, signer }, trust) {
  return genuine && issuer !== null && signer?.source === "derived" && !trust.knows(issuer) ? issuer : null;
}

/**
 * Whether the verifier believes this issuer for this.
 *
 * @param {Envelope} envelope
 * @param {Trust} trust
 * @param {import("./key_succession.js").Believes} believes
 * @param {import("./key_succession.js").Inherited | null} heir
 */
function checkTrust({ genuine, issuer }, trust, believes, heir) {
  const id = "trust.issuer";
  if (!genuine || issuer === null) return unchecked(id, "no-issuer", "who issued it is not established");
  const entry = believes(issuer);
  if (entry) {
    return passed(id, `you trust this issuer as ${quote(entry.nickname)}`, { nickname: entry.nickname, issuer });
  }
  const known = trust.knows(issuer);
  if (known) {
    return warned(id, "out-of-scope", `you trust ${quote(known.nickname)}, but not for this claim, name, store and time`,
      { nickname: known.nickname, issuer });
  }
  if (heir !== null) return inheritedCheck(issuer, heir);
  return warned(id, "unknown-issuer",
    `nobody you trust: anybody can make a key, and ${issuer} is not in your trust file`, { issuer });
}

/**
 * Whether the issuer still stands by it, and has put none in its place.
 *
 * @param {Envelope} envelope
 * @param {Notices} notices
 * @param {Trust} trust
 * @param {number} at
 * @param {ResolvedKey | null} [vouched] The key of the same issuer's that vouches for it; by default the one that signed it.
 */
export async function checkStanding(envelope, notices, trust, at, vouched = envelope.signer) {
  const { genuine, issuer, document, id } = envelope;
  if (!genuine || issuer === null) {
    return unchecked("status", "no-issuer", "whose status list counts is not established");
  }
  let keys = keysFor(trust, notices);
  // ATTACK: a document of the issuer's DID laid beside the credential, with a key of the attacker's,
  // who signs a status list by it.
  if (vouched && vouched.source !== "snapshot") keys = keys.withoutSnapshots();
  const status = await checkStatus(document, issuer, notices.lists, at, trust.maxStatusAge, keys);
  const claimed = (notices.successors.get(`urn:blake3:${id}`) ?? []).filter((bytes) => maySay(bytes, issuer));
  for (const bytes of claimed.slice(0, MAX_STATUS_CANDIDATES)) {
    const by = replacedBy(bytes, envelope, keys, at);
    if (by) return failed("status", "superseded", `superseded by ${by}`, { by });
  }
  if (claimed.length > MAX_STATUS_CANDIDATES && status.state !== "fail") {
    // ATTACK: whoever hands it over crowds out the successor that somebody else laid beside.
    return unchecked("status", "too-many-successors",
      `${claimed.length} credentials claim to replace it; ${MAX_STATUS_CANDIDATES} were looked at`);
  }
  return status;
}

/** @param {Uint8Array} bytes @param {Envelope} envelope @param {Resolver} keys @param {number} at */
function replacedBy(bytes, { document, issuer }, keys, at) {
  // Only who issued it replaces it, and only by a credential of the same kind that names
  // it by id and by digest: anybody can write "supersedes" into something of their own.
  const kind = kindOf(document);
  const successor = kind ? openEnvelope(bytes, kind, keys, at) : null;
  if (!successor?.genuine || successor.issuer !== issuer) return null;
  if (parseTimestamp(successor.document.validFrom) - at > CLOCK_SKEW) return null;
  return successor.document.supersedes.id === document.id ? successor.document.id : null;
}

/** The closed shape of profile lyrik. @param {any} document @param {Kind} kind */
function checkShape(document, kind) {
  const other = kindOf(document);
  if (other && other !== kind) refuse("wrong-kind", `a ${other.type}, where a ${kind.type} is needed`);
  checkSchema(kind.schema, document);
  checkMemberNames(document);
  const from = parseTimestamp(document.validFrom);
  if (document.validUntil !== undefined && parseTimestamp(document.validUntil) < from) {
    bad("validUntil is before validFrom");
  }
  if (document.proof !== undefined) parseTimestamp(document.proof.created);
  if (document.credentialSchema.digestSRI !== pins[kind.schema]) {
    bad("credentialSchema pins another text than the published one");
  }
  if (document.supersedes?.id === document.id) bad("it supersedes itself");
  kind.checkSubject(document.credentialSubject);
  const related = document.relatedResource ?? [];
  unique(related.map((/** @type {any} */ item) => item.id), "a relatedResource");
  for (const item of related) {
    if (item.id === CONTEXT && item.digestSRI !== pins.context) bad("another text of the context is pinned");
  }
}

/** @param {any} subject */
function checkDataset(subject) {
  const root = parseUrn(subject.id);
  const { hashValue, digestMultibase } = subject.contentRoot;
  // Two spellings of one root that differ are a lie by construction.
  if (hashValue !== root || digestMultibase !== multibase(root)) {
    bad("credentialSubject.id and contentRoot name different content");
  }
  for (const member of ["files", "manifest", "store"]) parseUrn(subject[member]);
  if (subject.recordsRoot !== undefined) {
    parseUrn(subject.recordsRoot.manifest);
    parseHex(subject.recordsRoot.hashValue);
  }
  (subject.derivedFrom ?? []).forEach((/** @type {any} */ source) => parseUrn(source.id));
  checkLicenceClaim(subject);
  checkStatements(subject);
  unique(subject.descriptor.map((/** @type {any} */ item) => item.field), "a descriptor field");
}

/** @param {any} subject */
function checkStatements({ age = {}, quality = [], regulatory = [] }) {
  const [first, last] = [age.collectedFrom, age.collectedUntil].map(day);
  if (first !== undefined && last !== undefined && last < first) bad("collected until before it was collected from");
  if (age.snapshotAt !== undefined) parseTimestamp(age.snapshotAt);
  for (const { metric, recipe } of quality) {
    // ATTACK: a claim called by one name, recomputed as equal by the recipe of another.
    if (recipe && metric !== recipe.use.split("/")[0]) bad("a measured claim has another name than its recipe");
  }
  for (const { asOf } of regulatory) day(asOf);
}

/** @param {string | undefined} text */
function day(text) {
  if (text === undefined) return undefined;
  const moment = parseDay(text);
  if (Number.isNaN(moment)) bad("a day that no calendar has");
  return moment;
}

/** @param {any} subject */
function checkGrant({ grant }) {
  const { useFrom, useUntil } = grant.limits ?? {};
  const [from, until] = [useFrom, useUntil].map((text) => (text === undefined ? undefined : parseTimestamp(text)));
  if (from !== undefined && until !== undefined && until < from) bad("useUntil is before useFrom");
}

/** Names that JSON-LD software would act on, below the top level. @param {any} document */
function checkMemberNames(document) {
  const outermost = [document, document.proof];
  const pending = [document];
  while (pending.length) {
    const value = pending.pop();
    if (isObject(value)) {
      for (const name of Object.keys(value)) {
        if (!/^[\u0000-\u007f]*$/.test(name)) bad("a member name that is not ASCII");
        if (name.startsWith("@") && !outermost.includes(value)) bad(`member ${quote(name)} below the top level`);
      }
    }
    if (typeof value === "object" && value !== null) for (const item of Object.values(value)) pending.push(item);
  }
}

/** @param {any} document @param {number} at */
function checkPeriod(document, at) {
  const { validFrom, validUntil } = document;
  const detail = { validFrom, at: formatTimestamp(at), ...(validUntil === undefined ? {} : { validUntil }) };
  if (parseTimestamp(validFrom) - at > CLOCK_SKEW) {
    return failed("period", "not-yet-valid", `not yet valid: it begins at ${validFrom}`, detail);
  }
  if (validUntil === undefined) return passed("period", "valid without an end", detail);
  return at - parseTimestamp(validUntil) > CLOCK_SKEW
    ? failed("period", "expired", `expired at ${validUntil}`, detail)
    : passed("period", `valid until ${validUntil}`, detail);
}

/** @param {any} document @param {Resolver} keys @param {number} at */
function checkProof(document, keys, at) {
  try {
    /** @type {ResolvedKey | null} */
    let signer = null;
    const { document: verified, key } = verifyProof(document, (method) => {
      signer = keys.find(method, "assertionMethod", at);
      return signer.key;
    });
    const name = didKey(key);
    const check = passed("proof", `${CRYPTOSUITE} signature by ${name} holds`, { signer: name });
    return { check, verified, signer: /** @type {ResolvedKey | null} */ (signer) };
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    let check = failed("proof", kind, quote(message, 300));
    if (kind === "no-document") check = unchecked("proof", kind, quote(message, 300));
    if (kind === "bad-signature") {
      check = failed("proof", "edited", "the signature does not fit: claims edited after signing, or another key");
    }
    return { check, verified: null, signer: null };
  }
}

/** @param {string | null} issuer @param {ResolvedKey | null} signer */
function checkBinding(issuer, signer) {
  if (signer === null) return unchecked("issuer.binding", "no-proof", "no sound signature to bind the issuer to");
  if (issuer !== signer.did) {
    return failed("issuer.binding", "foreign-key",
      `it names ${quote(issuer)} as issuer but is signed by ${signer.did}`, { issuer: issuer ?? "", signer: signer.did });
  }
  return passed("issuer.binding", "the signing key is the issuer's");
}

/** @param {Check[]} made @param {string | null} issuer @returns {Envelope} */
function malformed(made, issuer) {
  return { checks: complete("opening", made), document: null, issuer, signer: null, id: "", genuine: false };
}

/** @param {string[]} names @param {string} what */
function unique(names, what) {
  if (new Set(names).size !== names.length) bad(`${what} occurs twice`);
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-credential", `the credential is malformed: ${reason}`);
}
