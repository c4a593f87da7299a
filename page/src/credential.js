/** The checks that need only a dataset credential, a trust file and a moment (spec/11-verification.md §4.1). */
import * as digests from "./digest.js";
import {
  checkAllowed, checkDocument, checkPeriod, checkStanding, checkTrust, DATASET, keysFor, notOpened, openEnvelope,
} from "./envelope.js";
import { passed, quote } from "./report.js";

export const CREDENTIAL_CHECKS = [
  "format", "schema", "proof", "issuer.binding", "issuer.document", "trust.issuer", "trust.allowed", "period", "status", "terms",
];

/** @typedef {ReturnType<typeof readClaims>} Claims */
/** @typedef {import("./report.js").Check} Check */

/**
 * Return the outcome of the credential's own checks. Never throws for bad input.
 *
 * @param {Uint8Array} bytes
 * @param {{trust: import("./trust.js").Trust, at: number, notices: import("./status.js").Notices}} given
 * @returns {Promise<{checks: Check[], claims: Claims | null, issuer: string | null}>}
 */
export async function checkCredential(bytes, { trust, at, notices }) {
  const envelope = openEnvelope(bytes, DATASET, keysFor(trust, notices), at);
  const { document, issuer } = envelope;
  if (document === null) return { checks: notOpened(envelope, CREDENTIAL_CHECKS), claims: null, issuer };
  const claims = readClaims(document.credentialSubject);
  const checks = [
    ...envelope.checks,
    checkDocument(envelope),
    checkTrust(envelope, trust, claims, at),
    checkAllowed(envelope, trust),
    checkPeriod(document, at),
    await checkStanding(envelope, notices, trust, at),
    checkTerms(claims),
  ];
  return { checks, claims, issuer };
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
