/** The checks that need only a dataset credential, a trust file and a moment (spec §11.4.1). */
import { DATASET } from "../../credentials/credential.js";
import { didKey } from "../../crypto/ed25519.js";
import { checkIssuer, keysFor, openEnvelope } from "./envelope.js";
import { checkKeyAtHand } from "./issuer_key.js";
import { checkRegulatory, checkTerms } from "./terms.js";
import { complete } from "../report.js";

/** @typedef {import("../../credentials/credential.js").Claims} Claims */
/** @typedef {import("../report.js").Check} Check */

/**
 * Return the outcome of the credential's own checks. Never throws for bad input.
 *
 * @param {import("../../credentials/opened.js").OpenedCredential} opened
 * @param {{trust: import("../../credentials/trust.js").Trust, at: number, notices: import("./status.js").Notices}} given
 * @returns {Promise<{checks: Check[], claims: Claims | null, related: any[], issuer: string | null, signer: string | null, id: string, genuine: boolean, checkKey: () => Check}>}
 *   `related`: what it pins; `genuine`: whether format, schema, proof and issuer binding passed; `signer`: the key, as did:key; `checkKey` gives `issuer.key` by what stores at hand say of it.
 */
export async function checkCredential(opened, { trust, at, notices }) {
  const envelope = openEnvelope(opened, DATASET, keysFor(trust, notices), at);
  const { document, claims, issuer, id, genuine } = envelope;
  const signer = envelope.signer && didKey(envelope.signer.key);
  if (claims === null) {
    const checkKey = () => checkKeyAtHand(envelope, notices.statements, null, null);
    return { checks: complete("credential", envelope.checks), claims: null, related: [], issuer, signer, id, genuine, checkKey };
  }
  const judged = await checkIssuer(envelope, claims, { trust, at, notices });
  const checks = [
    ...envelope.checks,
    ...judged.issuer,
    checkTerms(claims.terms),
    checkRegulatory(claims.subject, issuer, document.validFrom),
  ];
  const related = document.relatedResource ?? [];
  return { checks, claims, related, issuer, signer, id, genuine, checkKey: () => checkKeyAtHand(envelope, notices.statements, claims.store, judged.heir) };
}
