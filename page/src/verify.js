/**
 * Verification of whatever a publisher hands over (spec/11-verification.md §4, spec/17, spec/20): the
 * same checks, in the same order, with the same words as the command line. No DOM, no network;
 * everything comes in as arguments.
 */
import { ATTESTATION_REQUIRED, checkAttestation, checkAttestations } from "./attestation.js";
import { checkCredential, CREDENTIAL_CHECKS } from "./credential.js";
import { checkData, checkManifest, checkRecords } from "./datasetcheck.js";
import { blake3 } from "./digest.js";
import { ATTESTATION, GRANT, keysFor, kindOf, profileOf } from "./envelope.js";
import { checkGrant, GRANT_CHECKS } from "./grant.js";
import { isProof } from "./log.js";
import { checkLog } from "./logcheck.js";
import { ID_BYTES } from "./records.js";
import { decide, unchecked } from "./report.js";
import { noticesAmong } from "./status.js";
import { parse } from "./strictjson.js";
import { checkAge, checkPartitions, checkQuality, checkTexts } from "./termscheck.js";
import { formatTimestamp } from "./timestamps.js";
import { isPresentation, verifyPresentation } from "./w3c/presentation.js";
import { Resources } from "./w3c/resources.js";
import { verifyW3c } from "./w3c/verify.js";

export const DELIVERY_CHECKS = [
  ...CREDENTIAL_CHECKS,
  "manifest", "manifest.signature", "data.files", "data.tree", "terms.partitions", "records.root",
  "log.inclusion", "log.anchor", "log.witness", "log.memory", "age", "quality", "attestations",
];
const REQUIRED = DELIVERY_CHECKS.filter((id) => id !== "log.memory");
const NOT_PROVEN = [
  "that the claims are true: a signature shows who says something, not that it is so",
  "that the data was obtained lawfully, or that the licence was the issuer's to give",
  "that the data is accurate, unbiased, free of personal data or of poisoning",
  "that anything happened at its date: a log shows an order, and no witness countersigned it",
  "that everybody is shown the same log",
  "that the keys involved were in their owners' hands alone",
];
const NO_REVOCATION = "that the issuer still stands by it: it names no status list, so it cannot be revoked";
const NO_DATA = "that any data is what the credential describes: none was looked at";
const NO_HOLDER = "that whoever shows the grant is the one it is for: nobody signed a challenge";
const NOT_RECOMPUTED = "that measured claims come out the same: none was recomputed (--recompute)";
const UNREADABLE = "unreadable credential";

/** @typedef {import("./report.js").Check} Check */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./datasetcheck.js").DataFile} DataFile */
/** @typedef {{siblings: Map<string, Uint8Array>, trust: import("./trust.js").Trust, at: number}} Beside `siblings`: the files beside it; names do not matter. */

/**
 * Return the report on whatever a file is: of profile `lyrik` a delivery, an attestation or a grant,
 * of profile `w3c` a credential or presentation of others (spec/17-w3c-profile.md §17.1).
 *
 * @param {Uint8Array} document
 * @param {Parameters<typeof verifyDelivery>[1] & {challenge?: string, domain?: string}} given
 */
export async function verifyFile(document, given) {
  if (profileOf(document) === "lyrik") {
    const kind = statedKind(document);
    if (kind === ATTESTATION) return verifyAttestation(document, given);
    return kind === GRANT ? verifyGrant(document, given) : verifyDelivery(document, given);
  }
  const { siblings, trust, at, challenge, domain } = given;
  const notices = noticesAmong(siblings.values());
  const surroundings = {
    trust, at, resolver: keysFor(trust, notices), notices, resources: new Resources(siblings), files: [...siblings.values()],
  };
  return isPresentation(document)
    ? verifyPresentation(document, surroundings, { challenge, domain })
    : verifyW3c(document, surroundings);
}

/**
 * Return the report on a delivery. Never throws for bad input.
 *
 * @param {Uint8Array} credential
 * @param {Beside & {data: DataFile[] | null, told?: (file: DataFile, digest: string) => void}} given
 *   `data`: null leaves `data.files` unchecked; `told`: of every file hashed.
 * @returns {Promise<Report>}
 */
export async function verifyDelivery(credential, { siblings, data, trust, at, told = () => {} }) {
  const files = [...siblings.keys()].sort().map((name) => /** @type {Uint8Array} */ (siblings.get(name)));
  const notices = noticesAmong(siblings.values());
  const { claims, issuer, checks } = await checkCredential(credential, { trust, at, notices });
  if (claims === null) {
    const rest = DELIVERY_CHECKS.slice(CREDENTIAL_CHECKS.length)
      .map((id) => unchecked(id, "malformed", "not looked at: the credential is malformed"));
    return report(UNREADABLE, issuer, [...checks, ...rest], REQUIRED, at);
  }
  const find = finder(siblings);
  const { subject, terms } = claims;
  const log = checkLog(claims, find, files.filter(isProof), trust, at);
  const manifest = checkManifest(claims, find, log.policy);
  const content = await checkData(claims, find, data, manifest.reader, told);
  const counts = content.records?.map((ids) => ids.length / ID_BYTES) ?? null;
  const records = await checkRecords(claims, find, content, log.policy);
  const quality = checkQuality(subject);
  const made = [
    ...checks.map((check) => (check.id === "terms" ? checkTexts(terms, check, find) : check)),
    ...manifest.checks,
    ...content.checks,
    checkPartitions(subject, terms, content.tree, counts),
    records,
    ...log.checks,
    checkAge(subject, log.checks[0]),
    quality,
    await checkAttestations(files, { trust, at, notices, find, about: claims, publisher: issuer }),
  ];
  const open = quality.state === "warn" ? [NOT_RECOMPUTED] : [];
  return report(`urn:blake3:${claims.tree}`, issuer, made, REQUIRED, at, open);
}

/** Return the report on an attestation alone. @param {Uint8Array} bytes @param {Beside} given @returns {Promise<Report>} */
export async function verifyAttestation(bytes, { siblings, trust, at }) {
  const notices = noticesAmong(siblings.values());
  const { checks, envelope } = await checkAttestation(bytes, { trust, at, notices, find: finder(siblings) });
  const subject = envelope.document?.credentialSubject.id ?? UNREADABLE;
  return report(subject, envelope.issuer, checks, ATTESTATION_REQUIRED, at, [NO_DATA]);
}

/** Return the report on a licence grant. @param {Uint8Array} bytes @param {Beside & {holder?: string | null}} given @returns {Promise<Report>} */
export async function verifyGrant(bytes, { siblings, trust, at, holder = null }) {
  const files = [...siblings.values()];
  const { checks, envelope, subject } = await checkGrant(bytes, { trust, at, notices: noticesAmong(files), files, holder });
  const open = holder === null ? [NO_DATA, NO_HOLDER] : [NO_DATA];
  return report(subject ?? UNREADABLE, envelope.issuer, checks, GRANT_CHECKS, at, open);
}

/** @param {Uint8Array} bytes */
function statedKind(bytes) {
  try {
    return kindOf(parse(bytes));
  } catch {
    return undefined;
  }
}

/** Finds a file beside the credential by its digest. @param {Map<string, Uint8Array>} siblings */
function finder(siblings) {
  const byDigest = new Map([...siblings.values()].map((bytes) => [blake3(bytes), bytes]));
  return (/** @type {string} */ digest) => byDigest.get(digest);
}

/** @param {string} subject @param {string | null} issuer @param {Check[]} checks @param {string[]} required @param {number} at @param {string[]} open @returns {Report} */
function report(subject, issuer, checks, required, at, open = []) {
  const status = checks.find((check) => check.id === "status");
  const since = status?.detail.asOf;
  let standing = [NO_REVOCATION];
  if (status?.state !== "n/a") {
    standing = since ? [`that the issuer still stands by it after ${since}, when its status lists were made`] : [];
  }
  const printable = issuer !== null && /^did:[!-~]{1,296}$/.test(issuer);
  return {
    verdict: decide(checks, required),
    checks,
    subject,
    ...(printable ? { issuer } : {}),
    at: formatTimestamp(at),
    notProven: [...NOT_PROVEN, ...standing, ...open],
    profile: "lyrik",
  };
}
