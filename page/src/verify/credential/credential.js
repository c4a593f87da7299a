/** The checks that need only a dataset credential, a trust file and a moment (spec §11.4.1). */
import * as digests from "../../canon/digest.js";
import { didKey } from "../../crypto/ed25519.js";
import { checkIssuer, DATASET, keysFor, openEnvelope, unknownKey } from "./envelope.js";
import { heirOfPublisher } from "./key_succession.js";
import { checkKeyAtHand } from "./issuer_key.js";
import { readTerms } from "../../credentials/terms.js";
import { checkRegulatory, checkTerms } from "./terms.js";
import { complete } from "../report.js";

/** @typedef {ReturnType<typeof readClaims>} Claims */
/** @typedef {import("../report.js").Check} Check */

/**
 * Return the outcome of the credential's own checks. Never throws for bad input.
 *
 * @param {Uint8Array} bytes
 * @param {{trust: import("../../credentials/trust.js").Trust, at: number, notices: import("./status.js").Notices}} given
 * @returns {Promise<{checks: Check[], claims: Claims | null, related: any[], issuer: string | null, signer: string | null, id: string, checkKey: () => Check}>}
 *   `related`: what it pins; `signer`: the key, as did:key; `checkKey` gives `issuer.key` by what stores at hand say of it.
 */
export async function checkCredential(bytes, { trust, at, notices }) {
  const envelope = openEnvelope(bytes, DATASET, keysFor(trust, notices), at);
  const { document, issuer, id } = envelope;
  const signer = envelope.signer && didKey(envelope.signer.key);
  if (document === null) {
    const checkKey = () => checkKeyAtHand(envelope, notices.statements, null, null);
    return { checks: complete("credential", envelope.checks), claims: null, related: [], issuer, signer, id, checkKey };
  }
  const claims = readClaims(document.credentialSubject);
  /** @type {import("./key_succession.js").Believes} */
  const believes = (did) => trust.matches(did, claims.name, claims.store, at);
  const key = unknownKey(envelope, trust);
  const heir = key === null ? null : heirOfPublisher(key, notices.statements, claims.store, believes, (did) => trust.knows(did));
  const checks = [
    ...envelope.checks,
    ...await checkIssuer(envelope, trust, believes, at, notices, heir),
    checkTerms(claims.terms),
    checkRegulatory(claims.subject, issuer, document.validFrom),
  ];
  const related = document.relatedResource ?? [];
  return { checks, claims, related, issuer, signer, id, checkKey: () => checkKeyAtHand(envelope, notices.statements, claims.store, heir) };
}

/** What a well-formed credential says of its dataset, as values. @param {any} subject */
export function readClaims(subject) {
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
    terms: readTerms(licence),
    subject,
  };
}
