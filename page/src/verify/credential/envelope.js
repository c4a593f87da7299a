/** What every credential of profile `lyrik` goes through, whatever it says (spec §11.4.1). */
import { maySay } from "../../canon/bytes.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { quote, nameSome } from "../../canon/quoting.js";
import { counted } from "../../canon/text.js";
import { CLOCK_SKEW, formatTimestamp, parseTimestamp } from "../../canon/timestamps.js";
import { MAX_STATUS_CANDIDATES } from "../../../generated/limits.js";
import { Resolver } from "../../credentials/did.js";
import { didKey } from "../../crypto/ed25519.js";
import { CRYPTOSUITE } from "../../crypto/proofs/eddsa_jcs.js";
import { complete, failed, notApplicable, passed, unchecked, warned } from "../report.js";
import { heirOfAttester, heirOfPublisher, inheritedCheck } from "./key_succession.js";
import { checkStatus, logLists } from "./status.js";

const HASHES = ["blake3", "sha2-256"];

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {import("../../credentials/trust.js").Trust} Trust */
/** @typedef {import("../../credentials/did.js").ResolvedKey} ResolvedKey */
/** @typedef {import("./status.js").Notices} Notices */
/** @typedef {import("../../credentials/credential.js").Kind} Kind */
/** @typedef {{opened: OpenedCredential, checks: Check[], document: any, issuer: string | null, signer: ResolvedKey | null, id: string, genuine: boolean, claims: import("../../credentials/credential.js").Claims | null}} Envelope `document`: what was signed; null if it is not even well-formed. */

/** What finds issuers' keys: in pinned documents, and those at hand. @param {Trust} trust @param {Notices} notices */
export const keysFor = (trust, notices) => new Resolver([...trust.documents, ...notices.documents]);

/**
 * An opened credential as one of a kind. Never throws for bad input.
 *
 * @param {OpenedCredential} opened
 * @param {Kind} kind
 * @param {Resolver} keys
 * @param {number} at
 * @returns {Envelope}
 */
export function openEnvelope(opened, kind, keys, at) {
  // (1) format - spec §10.2: bytes, before anything looks at them.
  const document = attempt(() => opened.parsed());
  if (document instanceof Refusal) {
    return malformed(opened, [failed("format", document.kind, `not a credential: ${document.message}`)], null);
  }
  const checks = [passed("format", `strict JSON, ${counted(opened.bytes.length, "byte")}`)];
  const { issuer } = opened;

  // (2) schema - spec §10.3, §10.4: the closed shape of its kind.
  const claims = attempt(() => opened.claimsAs(kind));
  if (claims instanceof Refusal) {
    checks.push(failed("schema", claims.kind, `not a ${kind.words}: ${quote(claims.message, 300)}`));
    checks.push(checkProof(opened, keys, at).check);
    return malformed(opened, checks, issuer);
  }
  checks.push(passed("schema", `${kind.words}, profile lyrik 1`));

  // (3) proof, (4) issuer.binding - spec §10.5.
  const { check, verified, signer } = checkProof(opened, keys, at);
  checks.push(check, checkBinding(issuer, signer));
  const genuine = checks.every(({ state }) => state === "pass");
  // From here on only what was signed.
  return { opened, checks, document: verified ?? document, issuer, signer, id: opened.id, genuine, claims };
}

/**
 * Who says it, whether the issuer is believed, and stands by it; and whose trust the issuer's key inherits.
 *
 * @param {Envelope} envelope One that is well-formed.
 * @param {{name: string, store: string | null, claim?: string}} about `claim`: what its issuer has to be believed for, as an attester; by default as the publisher.
 * @param {{trust: Trust, at: number, notices: Notices, onlyIfBelieved?: boolean}} given `onlyIfBelieved`: leave
 *   the status lists of an issuer who is not believed unread: each may unpack to 1 MiB, and anybody can lay
 *   things beside a delivery.
 * @returns {Promise<{issuer: Check[], heir: import("./key_succession.js").Heir | null}>}
 */
export async function checkIssuer(envelope, { name, store, claim }, { trust, at, notices, onlyIfBelieved = false }) {
  /** @type {import("./key_succession.js").Believes} */
  const believes = (did) => claim === undefined ? trust.matches(did, name, store, at) : trust.believes(did, claim, name, store, at);
  const key = unknownKey(envelope, trust);
  const find = claim === undefined ? heirOfPublisher : heirOfAttester;
  const heir = key === null ? null : find(key, notices.statements, store, believes, (did) => trust.knows(did));
  const believed = checkTrust(envelope, trust, believes, heir);
  const named = Object.hasOwn(envelope.document, "credentialStatus") || logLists(envelope.opened, notices.lists).length > 0;
  const unread = onlyIfBelieved && believed.state !== "pass" && named;
  const issuer = [
    checkDocument(envelope.signer),
    believed,
    checkAllowed(envelope.signer && [envelope.signer.key], [CRYPTOSUITE], trust),
    checkPeriod(envelope.document, at),
    unread
      ? unchecked("status", "not-believed", "not looked at: you do not believe the issuer")
      : await checkStanding(envelope, notices, trust, at),
  ];
  return { issuer, heir };
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
function unknownKey({ genuine, issuer, signer }, trust) {
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
  const { genuine, issuer, opened } = envelope;
  if (!genuine || issuer === null) {
    return unchecked("status", "no-issuer", "whose status list counts is not established");
  }
  let keys = keysFor(trust, notices);
  // ATTACK: a document of the issuer's DID laid beside the credential, with a key of the attacker's,
  // who signs a status list by it.
  if (vouched && vouched.source !== "snapshot") keys = keys.withoutSnapshots();
  const status = await checkStatus(opened, issuer, notices.lists, at, trust.maxStatusAge, keys);
  const claimed = (notices.successors.get(`urn:blake3:${opened.id}`) ?? []).filter(({ bytes }) => maySay(bytes, issuer));
  for (const later of claimed.slice(0, MAX_STATUS_CANDIDATES)) {
    const by = replacedBy(later, opened, keys, at);
    if (by) return failed("status", "superseded", `superseded by ${by}`, { by });
  }
  if (claimed.length > MAX_STATUS_CANDIDATES && status.state !== "fail") {
    // ATTACK: whoever hands it over crowds out the successor that somebody else laid beside.
    return unchecked("status", "too-many-successors",
      `${claimed.length} credentials claim to replace it; ${MAX_STATUS_CANDIDATES} were looked at`);
  }
  return status;
}

/** @param {OpenedCredential} later @param {OpenedCredential} opened @param {Resolver} keys @param {number} at */
function replacedBy(later, { document, issuer, kind }, keys, at) {
  // Only who issued it replaces it, and only by a credential of the same kind that names
  // it by id and by digest: anybody can write "supersedes" into something of their own.
  const successor = kind ? openEnvelope(later, kind, keys, at) : null;
  if (!successor?.genuine || successor.issuer !== issuer) return null;
  if (parseTimestamp(successor.document.validFrom) - at > CLOCK_SKEW) return null;
  return successor.document.supersedes.id === document.id ? successor.document.id : null;
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

/** @param {OpenedCredential} opened @param {Resolver} keys @param {number} at */
function checkProof(opened, keys, at) {
  try {
    /** @type {ResolvedKey | null} */
    let signer = null;
    const { document: verified, key } = opened.verify((method) => {
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

/** @param {OpenedCredential} opened @param {Check[]} made @param {string | null} issuer @returns {Envelope} */
function malformed(opened, made, issuer) {
  return { opened, checks: complete("opening", made), document: null, issuer, signer: null, id: "", genuine: false, claims: null };
}
