/** Verification of a foreign credential (spec §17.5). */
import { attempt, Refusal } from "../../canon/errors.js";
import { counted } from "../../canon/text.js";
import { printable, printableDid, quote } from "../../canon/quoting.js";
import { failed, passed, reportOf, unchecked, warned } from "../../verify/report.js";
import { CLOCK_SKEW } from "../../canon/timestamps.js";
import { isObject, parse } from "../../canon/json.js";
import { formatTimestamp } from "../../canon/timestamps.js";
import { checkAllowed, checkDocument } from "../../verify/credential/envelope.js";
import { CREDENTIAL, isEnveloped, judgeEnvelope } from "./enveloped.js";
import { checkCredentialModel } from "./model.js";
import { modelFailed, modelProblem } from "../problems.js";
import { checkBinding, checkProofs, keyOf } from "./proofs.js";
import { checkRelated, Resources } from "./resources.js";
import { checkSchemas } from "./schema/check.js";
import { checkStatus } from "./status.js";
import { idOf, parseStamp, typesOf } from "../../canon/values.js";

/** @typedef {import("../../verify/report.js").Check} Check */
/** @typedef {import("../../verify/report.js").Report} Report */
/** @typedef {{trust: import("../../credentials/trust.js").Trust, at: number, resolver: import("../../credentials/did.js").Resolver, notices: import("../../verify/credential/status.js").Notices, resources: import("./resources.js").Resources}} Surroundings */

/** Return the report on a foreign credential. Never throws for bad input. @param {Uint8Array} bytes @param {Surroundings} surroundings */
export async function verifyW3c(bytes, surroundings) {
  const { document, check } = readObject(bytes);
  return document === null
    ? report({}, [check], surroundings.at)
    : judgeCredential(document, surroundings, check);
}

/**
 * The same of a credential that is read already.
 *
 * @param {any} document
 * @param {Surroundings} surroundings
 * @param {Check} read The check `format`.
 * @param {import("./proofs.js").Signed | null} [shown] The proofs of the presentation that holds it, if they alone secure it: the holder's own, without a proof.
 * @returns {Promise<Report>}
 */
export async function judgeCredential(document, surroundings, read, shown = null) {
  const { at, trust, resolver, notices: { lists }, resources } = surroundings;
  if (isEnveloped(document, CREDENTIAL)) return judgeEnvelope(document, CREDENTIAL, read, at);
  const flaw = attempt(() => checkCredentialModel(document, shown === null));
  if (flaw instanceof Refusal) return report(document, [read, modelFailed("credential", flaw)], at);
  const signed = shown === null
    ? await checkProofs(document, "assertionMethod", resolver, at)
    : { check: passed("proof", "self-asserted: it has none, and is secured by the presentation alone"), verified: shown.verified };
  if (shown === null) document = signed.verified?.document ?? document; // from here on only what was signed
  const issuer = idOf(document.issuer) ?? "";
  const binding = checkBinding("issuer.binding", issuer, signed);
  const genuine = signed.verified !== null && binding.state === "pass";
  const proofs = signed.verified?.proofs;
  const signer = genuine ? keyOf(signed, issuer, resolver, at) : null;
  // ATTACK: a document of the issuer's DID beside the credential, with a key that signs a list.
  const ofLists = signer && signer.source !== "snapshot" ? resolver.withoutSnapshots() : resolver;
  return report(document, [
    read,
    passed("model", "a credential of the VC Data Model 2.0"),
    signed.check,
    binding,
    checkDocument(signer),
    shown === null ? checkTrust(document, issuer, surroundings, genuine) : selfAsserted(issuer),
    checkAllowed(proofs?.map(({ key }) => key) ?? null, proofs?.map(({ suite }) => suite) ?? [], trust),
    checkPeriod(document, at),
    genuine
      ? await checkStatus(document, { issuer, lists, at, maxAge: trust.maxStatusAge, resolver: ofLists })
      : unchecked("status", "no-issuer", "whose status list counts is not established"),
    await checkSchemas(document, resources, (bytes) => verifyW3c(bytes, { ...surroundings, resources: new Resources() })),
    checkRelated(document, resources),
  ], at);
}

/** @param {Uint8Array} bytes @returns {{document: any, check: Check}} */
export function readObject(bytes) {
  const problem = modelProblem("PARSING_ERROR");
  const document = attempt(() => parse(bytes, { foreign: true }));
  if (document instanceof Refusal) return { document: null, check: failed("format", document.kind, quote(document.message, 300), problem) };
  if (!isObject(document)) return { document: null, check: failed("format", "bad-json", "not a JSON object", problem) };
  return { document, check: passed("format", `strict JSON, ${counted(bytes.length, "byte")}`) };
}

/** @param {any} document @param {number} at */
function checkPeriod(document, at) {
  const { validFrom: start, validUntil: end } = document;
  const detail = { at: formatTimestamp(at), ...(start === undefined ? {} : { validFrom: start }), ...(end === undefined ? {} : { validUntil: end }) };
  if (start !== undefined && parseStamp(start) - at > CLOCK_SKEW) {
    return failed("period", "not-yet-valid", `not yet valid: it begins at ${start}`, detail);
  }
  if (end !== undefined && at - parseStamp(end) > CLOCK_SKEW) return failed("period", "expired", `expired at ${end}`, detail);
  return passed("period", end ? `valid until ${end}` : "valid without an end", detail);
}

/** @param {any} document @param {string} issuer @param {Surroundings} surroundings @param {boolean} genuine */
function checkTrust(document, issuer, { trust, at }, genuine) {
  const id = "trust.issuer";
  if (!genuine) return unchecked(id, "no-issuer", "who issued it is not established");
  // So that an issuer who is believed for datasets/acme/* is not believed for diplomas.
  const own = typesOf(document).filter((type) => type !== "VerifiableCredential");
  const names = (own.length ? own : ["VerifiableCredential"]).map((type) => `credentials/${type}`);
  // ATTACK: an RDF proof signs no order: whoever shows it puts the type first that is believed.
  const foreign = names.find((one) => !trust.matches(issuer, one, null, at));
  const name = foreign ?? names[names.length - 1];
  const detail = { issuer, name };
  const entry = trust.matches(issuer, name, null, at);
  if (!entry) {
    const known = trust.knows(issuer);
    return known
      ? warned(id, "out-of-scope", `you trust ${quote(known.nickname)}, but not for ${quote(name)} at this time`, detail)
      : warned(id, "unknown-issuer",
        `nobody you trust: anybody can make a key, and ${quote(issuer, 120)} is not in your trust file`, detail);
  }
  return passed(id, `you trust this issuer as ${quote(entry.nickname)}`, { nickname: entry.nickname, ...detail });
}

// ATTACK: a holder signs whatever a wallet was given to show, to log in somewhere. That is no
// assertion, and is not to pass for one where the same key is trusted as an issuer's.
/** @param {string} issuer */
const selfAsserted = (issuer) => warned("trust.issuer", "self-asserted",
  "the holder's own word, signed to show it and not to assert it: trusted by nobody", { issuer });

/** @param {any} document @param {Check[]} checks @param {number} at @returns {Report} */
function report(document, checks, at) {
  return reportOf("w3c", checks, {
    subject: printable(document.id) ?? "a credential without an id",
    issuer: printableDid(idOf(document.issuer)),
    at,
    profile: "w3c",
  });
}
