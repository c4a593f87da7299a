/**
 * Verification of whatever a publisher hands over (spec §11.4, spec/17, spec/20): the
 * same checks, in the same order, with the same words as the command line. No DOM, no network;
 * everything comes in as arguments.
 */
import { checkAttestation, checkAttestations } from "./credential/attestation.js";
import { checkCredential } from "./credential/credential.js";
import { checkData, checkManifest, checkRecords } from "./delivery/dataset.js";
import { blake3Once, short } from "../canon/digest.js";
import { ATTESTATION, DATASET, GRANT } from "../credentials/credential.js";
import { openAll } from "../credentials/opened.js";
import { keysFor } from "./credential/envelope.js";
import { checkGrant, otherVersion } from "./credential/grant.js";
import { checkKey, unlessLost } from "./credential/issuer_key.js";
import { checkFigures, measuredRoles } from "./delivery/figures.js";
import { checkLog, markDamaged } from "./delivery/log.js";
import { measure } from "./delivery/measures.js";
import { compare } from "../history/trees/paths.js";
import { checkQuality, checkStated, recipesOf } from "./delivery/quality.js";
import { ID_BYTES } from "../history/records/records.js";
import { printableDid, quote } from "../canon/quoting.js";
import { checkSources } from "./redistribution.js";
import { notProven, reportOf } from "./report.js";
import { statusUpdatesAmong } from "./credential/status.js";
import { checkAge, checkPartitions, checkTexts } from "./credential/terms.js";

const UNREADABLE = "unreadable credential";

/** @typedef {import("./report.js").Check} Check */
/** @typedef {import("../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./delivery/dataset.js").DataFile} DataFile */
/** @typedef {{siblings: Map<string, Uint8Array>, trust: import("../credentials/trust.js").Trust, at: number}} Beside `siblings`: the files beside it; names do not matter. */

/** Whether a file is to be judged as a dataset credential: it says so, or nothing that is known here. @param {OpenedCredential} opened */
export const isOfDataset = ({ profile, kind }) => profile === "lyrik" && [DATASET, undefined].includes(kind);

/**
 * Return the report on a credential of one of our kinds, looked at without any data.
 *
 * @param {OpenedCredential} opened
 * @param {{files: OpenedCredential[], kind?: import("../credentials/credential.js").Kind, notices: import("./credential/status.js").Notices, trust: import("../credentials/trust.js").Trust, at: number, holder?: import("./credential/grant.js").Holder | null}} given `kind`: what it has to be; by default what it says it is.
 * @returns {Promise<Report>}
 */
export async function verifyAlone(opened, { files, kind = opened.kind, notices, trust, at, holder = null }) {
  if (kind === ATTESTATION) {
    const { checks, envelope } = await checkAttestation(opened, { trust, at, notices, find: finder(files) });
    const subject = envelope.document?.credentialSubject.id ?? UNREADABLE;
    return report(subject, envelope.issuer, checks, "attestation", at);
  }
  if (kind === GRANT) {
    const { checks, envelope, subject } = await checkGrant(opened, { trust, at, notices, files, holder });
    const open = holder === null ? [notProven("presenter")] : [];
    return report(subject ?? UNREADABLE, envelope.issuer, checks, "grant", at, open);
  }
  const { claims, issuer, checks, checkKey: keyCheck } = await checkCredential(opened, { trust, at, notices });
  const subject = claims ? `urn:blake3:${claims.tree}` : UNREADABLE;
  return report(subject, issuer, [...checks, keyCheck()], "credential", at);
}

/**
 * Return the report on a delivery (spec §11.4). Never throws for bad input.
 *
 * (1) The credential: its form, signature, issuer, trust, period and status.
 * (2) The log: whether the manifest stands in the store's own log, and under which policies.
 * (3) The key: whether it still was the issuer's when the credential was logged.
 * (4) The manifest: whether it says what the credential says, and who signed it.
 * (5) The data: every file, in one read, which also gives the records and what is measured.
 * (6) The records: whether their root is the one that was committed to, and whether the manifest
 *     says of them what they give.
 * (7) The terms: whether their texts are there, each file is in one partition, and they keep to those
 *     of the first publishers.
 * (8) The claims: age and quality, as far as they can be checked.
 * (9) Attestations: what others say about the same dataset.
 *
 * The report lists the checks in the order of the procedure `delivery`.
 *
 * @param {OpenedCredential} credential
 * @param {Beside & {data: DataFile[] | null, recompute?: boolean} & Partial<import("./delivery/dataset.js").Course>} given
 *   `data`: null leaves `data.files` unchecked; `recompute`: false leaves measured claims as claimed, and the verdict at best `valid`.
 * @returns {Promise<Report>}
 */
export async function verifyDelivery(credential, { siblings, data, recompute = true, trust, at, hashed = () => {}, signal }) {
  const files = openAll([...siblings.keys()].sort(compare).map((name) => /** @type {Uint8Array} */ (siblings.get(name))));
  const notices = statusUpdatesAmong(files);
  const find = finder(files);

  // (1) The credential - spec §11.4.1.
  const outcome = await checkCredential(credential, { trust, at, notices });
  const { claims, related, issuer } = outcome;
  if (claims === null) return report(UNREADABLE, issuer, outcome.checks, "delivery", at);
  const { subject, terms } = claims;
  const made = [...outcome.checks];
  const madeOf = (/** @type {string} */ id) => /** @type {Check} */ (outcome.checks.find((check) => check.id === id));

  // (2) The log - spec §11.4.5.
  const log = checkLog({ ...outcome, trusted: madeOf("trust.issuer") }, claims, find, notices.statements, trust, at);
  made.push(...markDamaged(log.checks, siblings, claims.logOrigin));

  // (3) The key - spec §11.4.5.
  const key = checkKey(outcome.signer, log.history, outcome.id, log.proofs);
  made.push(unlessLost(key, outcome.id, log, siblings));

  // (4) The manifest - spec §11.4.2.
  const manifest = checkManifest(claims, related, find, log.history && log.history.inForce(claims.logIndex));
  made.push(...manifest.checks);

  // (5) The data - spec §11.4.3.
  const measuring = recompute && data !== null;
  const recipes = measuring ? recipesOf(subject) : [];
  const roles = measuring ? measuredRoles(manifest.body) : null;
  const content = await checkData(claims, find, data, manifest, { recipes, roles }, { hashed, signal });
  const { tree, records: read } = content;
  made.push(...content.checks);

  // (6) The records - spec §11.4.4.
  made.push(await checkRecords(claims, find, content, log.history, log.loggedAt, signal));
  const [figures, unmeasured] = checkFigures(manifest.body, content, roles);
  made.push(figures);

  // (7) The terms - spec §11.4.6.
  const counts = read?.map(({ ids }) => ids.length / ID_BYTES) ?? null;
  made.push(checkTexts(terms, madeOf("terms"), find, siblings), checkPartitions(subject, terms, tree, counts));
  made.push(await checkSources(credential, outcome, { files, tree, trust, at, notices }));

  // (8) The claims - spec §11.4.6, §19.5.
  const holding = (/** @type {{path: string}} */ { path }) => !manifest.companions.has(path);
  const values = tree && read && await measure(recipes, { entries: tree.entries.filter(holding), files: read.filter(holding), signal });
  const quality = checkQuality(subject, values, measuring);
  made.push(checkAge(subject, log.checks[0]), quality, checkStated(subject));

  // (9) Attestations - spec §20.3.
  made.push(await checkAttestations(files, { trust, at, notices, find, about: claims, publisher: issuer }));

  const open = quality.state === "warn" ? [notProven("measurement")] : [];
  if (unmeasured.length) open.push(notProven("unmeasured", unmeasured.map((member) => quote(member)).join(", "), claims.name));
  const granted = otherVersion(credential, files, GRANT);
  if (granted !== null) open.push(notProven("other-version", short(granted)));
  return report(`urn:blake3:${claims.tree}`, issuer, made, "delivery", at, open);
}

/** Finds a file at hand by its digest. @param {OpenedCredential[]} files */
function finder(files) {
  const byDigest = new Map(files.map(({ bytes }) => [blake3Once(bytes), bytes]));
  return (/** @type {string} */ digest) => byDigest.get(digest);
}

/** @param {string} subject @param {string | null} issuer @param {Check[]} checks @param {Parameters<typeof reportOf>[0]} procedure @param {number} at @param {string[]} more @returns {Report} */
function report(subject, issuer, checks, procedure, at, more = []) {
  const status = checks.find((check) => check.id === "status");
  const since = status?.detail.asOf;
  const standing = status?.state === "n/a" ? [notProven("revocation")] : since ? [notProven("since", since)] : [];
  return reportOf(procedure, checks, { subject, issuer: printableDid(issuer), at, open: [...standing, ...more], profile: "lyrik" });
}
