/** The checks that need only a credential, a trust file and a moment (spec/11-verification.md §4.1). */
import * as digests from "./digest.js";
import { didKey } from "./ed25519.js";
import { refuse, Refusal } from "./errors.js";
import { checkSchema } from "./manifest.js";
import { verifyProof } from "./proof.js";
import { failed, passed, quote, unchecked, warned } from "./report.js";
import { checkStatus } from "./status.js";
import { isObject, parse } from "./strictjson.js";
import { formatTimestamp, parseTimestamp } from "./timestamps.js";

export const CREDENTIAL_CHECKS = [
  "format", "schema", "proof", "issuer.binding", "trust.issuer", "period", "status", "terms",
];
const CONTEXT = "https://w3id.org/lyrikstore/v1";
const CONTEXT_SRI = "sha384-/9hDwIdfHDukwy5uTWpElNV3GkbxUva0uK2HE/RyCOy4TVhmjBdhA1iHrRPbNWM3";
const SCHEMA_SRI = "sha384-fjJ0NmmqI5JqRlw5l2WmcPKOIpa3A8WcrchdgWrSLc8Dnf0KPn85PeAil0s6VWzy";
const SKEW = 300_000;

/** @typedef {ReturnType<typeof readClaims>} Claims */
/** @typedef {import("./report.js").Check} Check */

/**
 * Return the outcome of the credential's own checks. Never throws for bad input.
 *
 * @param {Uint8Array} bytes
 * @param {{trust: import("./trust.js").Trust, at: number, lists: import("./status.js").Lists}} given
 * @returns {Promise<{checks: Check[], claims: Claims | null, issuer: string | null, document: any}>}
 */
export async function checkCredential(bytes, { trust, at, lists }) {
  let document;
  try {
    document = parse(bytes);
    if (!isObject(document)) refuse("bad-json", "not a JSON object");
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    return stop([failed("format", kind, `not a credential: ${message}`)], null);
  }
  const checks = [passed("format", `strict JSON, ${bytes.length} bytes`)];
  const issuer = issuerOf(document);
  let claims;
  try {
    checkShape(document);
    claims = readClaims(document.credentialSubject);
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    checks.push(failed("schema", kind, `not a dataset credential: ${quote(message, 300)}`));
    checks.push(checkProof(document).check);
    return stop(checks, issuer);
  }
  checks.push(passed("schema", "dataset credential, profile lyrik 1"));
  const { check: proof, verified } = checkProof(document);
  const binding = checkBinding(issuer, verified);
  const genuine = proof.state === "pass" && binding.state === "pass" && issuer !== null;
  checks.push(proof, binding);
  if (verified !== null) {
    document = verified.document; // from here on only what was signed
    claims = readClaims(document.credentialSubject);
  }
  checks.push(checkTrust(issuer, claims, trust, at, genuine));
  checks.push(checkPeriod(document, at));
  checks.push(genuine
    ? await checkStatus(document, /** @type {string} */ (issuer), lists, at, trust.maxStatusAge)
    : unchecked("status", "no-issuer", "whose status list counts is not established"));
  checks.push(checkTerms(claims));
  return { checks, claims, issuer, document };
}

/** @param {any} document */
export function issuerOf(document) {
  const issuer = isObject(document.issuer) ? document.issuer.id : document.issuer;
  return typeof issuer === "string" ? issuer : null;
}

/** What a well-formed credential says of its dataset, as values. @param {any} subject */
function readClaims(subject) {
  const { licence, recordsRoot: records } = subject;
  return {
    name: subject.name,
    tree: digests.parseUrn(subject.id),
    files: digests.parseUrn(subject.files),
    manifest: digests.parseUrn(subject.manifest),
    store: digests.parseUrn(subject.store),
    logOrigin: subject.log.origin,
    logIndex: subject.log.index,
    records: records === undefined ? null : {
      manifest: digests.parseUrn(records.manifest),
      root: digests.parseHex(records.hashValue),
      count: Number(records.count),
    },
    licenceText: licence.digestMultibase === undefined ? null : digests.parseMultibase(licence.digestMultibase),
    subject,
  };
}

/** The closed shape of profile lyrik. @param {any} document */
function checkShape(document) {
  checkSchema("datasetCredential", document);
  checkMemberNames(document);
  const from = parseTimestamp(document.validFrom);
  if (document.validUntil !== undefined && parseTimestamp(document.validUntil) < from) {
    bad("validUntil is before validFrom");
  }
  if (document.proof !== undefined) parseTimestamp(document.proof.created);
  if (document.credentialSchema.digestSRI !== SCHEMA_SRI) {
    bad("credentialSchema pins another text than the published one");
  }
  const subject = document.credentialSubject;
  const root = digests.parseUrn(subject.id);
  const { hashValue, digestMultibase } = subject.contentRoot;
  // Two spellings of one root that differ are a lie by construction.
  if (hashValue !== root || digestMultibase !== digests.multibase(root)) {
    bad("credentialSubject.id and contentRoot name different content");
  }
  (subject.derivedFrom ?? []).forEach((/** @type {any} */ source) => digests.parseUrn(source.id));
  const { permits, prohibits } = subject.licence;
  const both = permits.find((/** @type {string} */ word) => prohibits.includes(word));
  if (both !== undefined) bad(`the licence both permits and prohibits ${both}`);
  unique(subject.descriptor.map((/** @type {any} */ item) => item.field), "a descriptor field");
  const related = document.relatedResource ?? [];
  unique(related.map((/** @type {any} */ item) => item.id), "a relatedResource");
  for (const item of related) {
    if (item.id === CONTEXT && item.digestSRI !== CONTEXT_SRI) bad("another text of the context is pinned");
  }
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
    if (typeof value === "object" && value !== null) pending.push(...Object.values(value));
  }
}

/** @param {any} document */
function checkProof(document) {
  try {
    const verified = verifyProof(document);
    const signer = didKey(verified.key);
    return { check: passed("proof", `eddsa-jcs-2022 signature by ${signer} holds`, { signer }), verified };
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    const check = kind === "bad-signature"
      ? failed("proof", "edited", "the signature does not fit: claims edited after signing, or another key")
      : failed("proof", kind, quote(message, 300));
    return { check, verified: null };
  }
}

/** @param {string | null} issuer @param {ReturnType<typeof verifyProof> | null} verified */
function checkBinding(issuer, verified) {
  if (verified === null) return unchecked("issuer.binding", "no-proof", "no sound signature to bind the issuer to");
  const signer = didKey(verified.key);
  if (issuer !== signer) {
    return failed("issuer.binding", "foreign-key",
      `it names ${quote(issuer)} as issuer but is signed by ${signer}`, { issuer: issuer ?? "", signer });
  }
  return passed("issuer.binding", "the signing key is the issuer's");
}

/**
 * @param {string | null} issuer
 * @param {Claims} claims
 * @param {import("./trust.js").Trust} trust
 * @param {number} at
 * @param {boolean} genuine
 */
function checkTrust(issuer, claims, trust, at, genuine) {
  if (!genuine || issuer === null) {
    return unchecked("trust.issuer", "no-issuer", "who issued it is not established");
  }
  const entry = trust.matches(issuer, claims.name, claims.store, at);
  if (entry) {
    return passed("trust.issuer", `you trust this issuer as ${quote(entry.nickname)}`,
      { nickname: entry.nickname, issuer });
  }
  const known = trust.knows(issuer);
  if (known) {
    return warned("trust.issuer", "out-of-scope",
      `you trust ${quote(known.nickname)}, but not for this name, store and time`,
      { nickname: known.nickname, issuer });
  }
  return warned("trust.issuer", "unknown-issuer",
    `nobody you trust: anybody can make a key, and ${issuer} is not in your trust file`, { issuer });
}

/** @param {any} document @param {number} at */
function checkPeriod(document, at) {
  const { validFrom, validUntil } = document;
  const detail = { validFrom, at: formatTimestamp(at), ...(validUntil === undefined ? {} : { validUntil }) };
  if (parseTimestamp(validFrom) - at > SKEW) {
    return failed("period", "not-yet-valid", `not yet valid: it begins at ${validFrom}`, detail);
  }
  if (validUntil === undefined) return passed("period", "valid without an end", detail);
  return at - parseTimestamp(validUntil) > SKEW
    ? failed("period", "expired", `expired at ${validUntil}`, detail)
    : passed("period", `valid until ${validUntil}`, detail);
}

/** @param {Claims} claims */
function checkTerms(claims) {
  const { permits, prohibits, requires, spdxExpression } = claims.subject.licence;
  const parts = /** @type {[string, string[]][]} */ ([
    ["permits", permits], ["prohibits", prohibits], ["requires", requires],
  ])
    .filter(([verb, words]) => words.length || verb === "permits")
    .map(([verb, words]) => `${verb} ${words.map((word) => quote(word)).join(", ") || "nothing"}`);
  return passed("terms", parts.join("; "), {
    permits, prohibits, requires, ...(spdxExpression === undefined ? {} : { licence: spdxExpression }),
  });
}

/** @param {Check[]} made @param {string | null} issuer */
function stop(made, issuer) {
  const byId = new Map(made.map((check) => [check.id, check]));
  const checks = CREDENTIAL_CHECKS.map((id) =>
    byId.get(id) ?? unchecked(id, "malformed", "not looked at: the credential is malformed"));
  return { checks, claims: null, issuer, document: null };
}

/** @param {string[]} names @param {string} what */
function unique(names, what) {
  if (new Set(names).size !== names.length) bad(`${what} occurs twice`);
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-credential", `the credential is malformed: ${reason}`);
}
