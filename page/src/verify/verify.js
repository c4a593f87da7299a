/**
 * Verification of whatever a publisher hands over (spec §11.4, spec/17, spec/20): the
 * same checks, in the same order, with the same words as the command line. No DOM, no network;
 * everything comes in as arguments.
 */
import { checkAttestation, checkAttestations } from "./credential/attestation.js";
import { checkCredential } from "./credential/credential.js";
import { checkData, checkManifest, checkRecords } from "./delivery/dataset.js";
import { blake3, distinct } from "../canon/digest.js";
import { ATTESTATION, DATASET, GRANT, keysFor, kindOf, profileOf } from "./credential/envelope.js";
import { checkGrant } from "./credential/grant.js";
import { checkKey } from "./credential/issuer_key.js";
import { checkLog } from "./delivery/log.js";
import { measure } from "./delivery/measures.js";
import { compare } from "../history/trees/paths.js";
import { checkQuality, checkStated, recipesOf } from "./delivery/quality.js";
import { ID_BYTES } from "../history/records/records.js";
import { notProven, printableDid, reportOf } from "./report.js";
import { noticesAmong } from "./credential/status.js";
import { parse } from "../canon/json.js";
import { checkAge, checkPartitions, checkTexts } from "./credential/terms.js";
import { isPresentation, verifyPresentation } from "./w3c/presentation.js";
import { Resources } from "./w3c/resources.js";
import { verifyW3c } from "./w3c/verify.js";

/** How the names of files begin that the user gave apart from the delivery. */
export const GIVEN = "given/";
const UNREADABLE = "unreadable credential";

/** @typedef {import("./report.js").Check} Check */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./delivery/dataset.js").DataFile} DataFile */
/** @typedef {{siblings: Map<string, Uint8Array>, trust: import("../credentials/trust.js").Trust, at: number}} Beside `siblings`: the files beside it; names do not matter. */

/**
 * Return the report on whatever a file is: of profile `lyrik` a delivery, an attestation or a grant,
 * of profile `w3c` a credential or presentation of others (spec §17.1). With a challenge or a domain it
 * is judged as a presentation, whatever it says it is.
 *
 * @param {Uint8Array} document
 * @param {Parameters<typeof verifyDelivery>[1] & {challenge?: string, domain?: string}} given
 */
export async function verifyFile(document, given) {
  const { siblings, trust, at, challenge, domain } = given;
  // ATTACK: who asked for a presentation and is handed the bare credential has nobody's answer.
  const asked = challenge !== undefined || domain !== undefined;
  const files = [...siblings.values()];
  const notices = noticesAmong(files);
  if (!asked && profileOf(document) === "lyrik") {
    const kind = statedKind(document);
    return kind === ATTESTATION || kind === GRANT
      ? verifyAlone(document, kind, { files, notices, trust, at })
      : verifyDelivery(document, given);
  }
  // What the user gave apart may be found by the URL that it claims; what came with the credential may not.
  const named = new Map([...siblings].filter(([name]) => name.startsWith(GIVEN)));
  const beside = [...siblings].filter(([name]) => !named.has(name)).map(([, bytes]) => bytes);
  const surroundings = { trust, at, resolver: keysFor(trust, notices), notices, resources: new Resources(named, beside) };
  return asked || isPresentation(document)
    ? verifyPresentation(document, surroundings, { challenge, domain }, judgeOurs)
    : verifyW3c(document, surroundings);
}

/** Whether a file is to be judged as a dataset credential: it says so, or nothing that is known here. @param {Uint8Array} document */
export const isOfDataset = (document) =>
  profileOf(document) === "lyrik" && [DATASET, undefined].includes(statedKind(document));

/** @type {import("./w3c/presentation.js").JudgeOurs} */
export const judgeOurs = (bytes, kind, { files, surroundings, holder }) =>
  verifyAlone(bytes, kind, { files, ...surroundings, holder });

/**
 * Return the report on a credential of one of our kinds, looked at without any data.
 *
 * @param {Uint8Array} bytes
 * @param {import("./credential/envelope.js").Kind | undefined} kind
 * @param {{files: Uint8Array[], notices: import("./credential/status.js").Notices, trust: import("../credentials/trust.js").Trust, at: number, holder?: import("./w3c/presentation.js").Holder | null}} given
 * @returns {Promise<Report>}
 */
export async function verifyAlone(bytes, kind, { files, notices, trust, at, holder = null }) {
  if (kind === ATTESTATION) {
    const { checks, envelope } = await checkAttestation(bytes, { trust, at, notices, find: finder(files) });
    const subject = envelope.document?.credentialSubject.id ?? UNREADABLE;
    return report(subject, envelope.issuer, checks, "attestation", at);
  }
  if (kind === GRANT) {
    const { checks, envelope, subject } = await checkGrant(bytes, { trust, at, notices, files, holder });
    const open = holder === null ? [notProven("presenter")] : [];
    return report(subject ?? UNREADABLE, envelope.issuer, checks, "grant", at, open);
  }
  const { claims, issuer, checks, checkKey: keyCheck } = await checkCredential(bytes, { trust, at, notices });
  const subject = claims ? `urn:blake3:${claims.tree}` : UNREADABLE;
  return report(subject, issuer, [...checks, keyCheck()], "credential", at);
}

/**
 * Return the report on a delivery. Never throws for bad input.
 *
 * @param {Uint8Array} credential
 * @param {Beside & {data: DataFile[] | null, recompute?: boolean} & Partial<import("./delivery/dataset.js").Course>} given
 *   `data`: null leaves `data.files` unchecked; `recompute`: false leaves measured claims as claimed, and the verdict at best `valid`.
 * @returns {Promise<Report>}
 */
export async function verifyDelivery(credential, { siblings, data, recompute = true, trust, at, told = () => {}, signal }) {
  const files = distinct([...siblings.keys()].sort(compare).map((name) => /** @type {Uint8Array} */ (siblings.get(name))));
  const notices = noticesAmong(files);
  const outcome = await checkCredential(credential, { trust, at, notices });
  const { claims, related, issuer, checks } = outcome;
  if (claims === null) return report(UNREADABLE, issuer, checks, "delivery", at);
  const find = finder(files);
  const { subject, terms } = claims;
  const trusted = /** @type {Check} */ (checks.find(({ id }) => id === "trust.issuer"));
  const { checks: logged, history, proofs, loggedAt } = checkLog({ ...outcome, trusted }, claims, find, notices.statements, trust, at);
  const manifest = checkManifest(claims, related, find, history && history.inForce(claims.logIndex));
  const measuring = recompute && data !== null;
  const recipes = measuring ? recipesOf(subject) : [];
  const content = await checkData(claims, find, data, manifest.reader, recipes, { told, signal });
  const { tree, records: read } = content;
  const counts = read?.map(({ ids }) => ids.length / ID_BYTES) ?? null;
  const records = await checkRecords(claims, find, content, history, loggedAt, signal);
  const values = tree && read && await measure(recipes, { tree, files: read, signal });
  const quality = checkQuality(subject, values, measuring);
  const made = [
    ...checks.map((check) => (check.id === "terms" ? checkTexts(terms, check, find) : check)),
    checkKey(outcome.signer, history, outcome.id, proofs),
    ...manifest.checks,
    ...content.checks,
    checkPartitions(subject, terms, tree, counts),
    records,
    ...logged,
    checkAge(subject, logged[0]),
    quality,
    checkStated(subject),
    await checkAttestations(files, { trust, at, notices, find, about: claims, publisher: issuer }),
  ];
  const open = quality.state === "warn" ? [notProven("measurement")] : [];
  return report(`urn:blake3:${claims.tree}`, issuer, made, "delivery", at, open);
}

/** @param {Uint8Array} bytes */
function statedKind(bytes) {
  try {
    return kindOf(parse(bytes));
  } catch {
    return undefined;
  }
}

/** Finds a file at hand by its digest. @param {Iterable<Uint8Array>} files */
function finder(files) {
  const byDigest = new Map([...files].map((bytes) => [blake3(bytes), bytes]));
  return (/** @type {string} */ digest) => byDigest.get(digest);
}

/** @param {string} subject @param {string | null} issuer @param {Check[]} checks @param {Parameters<typeof reportOf>[0]} procedure @param {number} at @param {string[]} more @returns {Report} */
function report(subject, issuer, checks, procedure, at, more = []) {
  const status = checks.find((check) => check.id === "status");
  const since = status?.detail.asOf;
  const standing = status?.state === "n/a" ? [notProven("revocation")] : since ? [notProven("since", since)] : [];
  return reportOf(procedure, checks, { subject, issuer: printableDid(issuer), at, open: [...standing, ...more], profile: "lyrik" });
}
