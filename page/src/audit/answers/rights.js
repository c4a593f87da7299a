/** Answers about rights: licences at the time, revocations, and what rests on them (spec §22.6). */
import { short } from "../../canon/digest.js";
import { isObject } from "../../canon/json.js";
import { inputsIn } from "../../history/manifests/manifest.js";
import { hexOf, listed, textOf } from "./known.js";
import { row } from "./tables.js";

/** @typedef {import("./known.js").Known} Known */
/** @typedef {import("./known.js").RightChange} RightChange */
/** @typedef {import("./tables.js").Found} Found */
/** @typedef {import("./tables.js").Row} Row */

/** Kinds that say that something was used. */
const USES = ["approval", "checkpoint", "delivery", "deployment", "evaluation", "prediction", "run"];
const ED = { revokes: "revoked", suspends: "suspended", reinstates: "reinstated" };

/** @param {Known} known @returns {Found} */
export function licensed(known) {
  const runs = known.manifests("run");
  const rights = runs.flatMap((run) => (run.body.rights ?? []).map((/** @type {any} */ right) => rightOf(known, run, right)));
  const without = runs.flatMap((run) => (run.body.without ?? []).map((/** @type {any} */ { dataset, ground }) =>
    row([known.at(run)], known.called(run.id), known.called(dataset), ground)));
  return { tables: { rights, without }, because: runs.length && !rights.length && !without.length ? "unrecorded" : "" };
}

/** @param {Known} known @param {any} run @param {any} right @returns {Row} */
function rightOf(known, run, right) {
  const [at, credential] = [known.at(run), hexOf(right.credential)];
  const log = [at];
  let then = "the credential is not in the file";
  const found = known.credentials.get(credential);
  if (found !== undefined) {
    log.push(found.index);
    then = found.index < at ? "in force" : "logged later than the run";
  }
  // The order in the log decides, never a date.
  for (const change of known.changes.filter((one) => one.credential === credential && one.index < at)) {
    log.push(change.index);
    then = change.effect === "reinstates" ? "in force" : `${ED[change.effect]} before`;
  }
  return row(log, known.called(run.id), known.called(right.dataset), short(credential), known.who(textOf(right.issuer)),
    listed(right.permits), textOf(right.validUntil), then);
}

/** @param {Known} known @returns {Found} */
export const revoked = (known) => ({ tables: { changes: known.changes.map(({ log, effect, credential, about, issuer, claimed }) =>
  row(log, ED[effect], short(credential), about, known.who(issuer), claimed)) } });

/** @param {Known} known @returns {Found} */
export function reasons(known) {
  const rows = known.revocations.filter(({ reason }) => reason)
    .map(({ log, credential, about, reason, saidBy }) => row(log, short(credential), about, reason, known.who(saidBy)));
  return { tables: { reasons: rows }, because: known.revocations.length && !rows.length ? "unsaid" : "" };
}

/** @param {Known} known @returns {Found} */
export function impact(known) {
  const rows = known.revocations.flatMap(({ log, credential }) => known.restingOn(credential)
    .map((one) => row([...log, known.at(one)], short(credential), one.kind, known.called(one.id), one.created)));
  return { tables: { impact: rows }, because: known.revocations.length && !rows.length ? "nothing" : "" };
}

/** @param {Known} known @returns {Found} */
export function deployed(known) {
  const deployments = known.manifests("deployment").map((one) => {
    const { target, loader, cardStatus, rights } = one.body;
    return row([known.at(one)], known.called(inputsIn(one, "checkpoint")[0].id), target, textOf(loader), textOf(cardStatus),
      textOf(rights.state), known.who(one.author), one.created);
  });
  return { tables: { deployments, after: known.revocations.flatMap((change) => usesAfter(known, change)) } };
}

/** @param {Known} known @param {RightChange} change @returns {Row[]} */
const usesAfter = (known, { credential, index, log }) => known.restingOn(credential)
  .filter((one) => USES.includes(one.kind) && known.at(one) > index)
  .map((one) => row([...log, known.at(one)], short(credential), one.kind, known.called(one.id), known.who(one.author), one.created));

/** @param {Known} known @returns {Found} */
export function deliveries(known) {
  return { tables: { deliveries: known.manifests("delivery").map((one) => {
    const { credential: named, form } = one.body;
    const credential = named === undefined ? undefined : known.credentials.get(hexOf(named));
    const terms = credential?.subject.licence;
    const parts = isObject(terms) ? terms.partitions ?? [] : [];
    const permits = listed([...new Set(parts.flatMap((/** @type {any} */ part) => part.permits ?? []))]);
    return row(credential === undefined ? [known.at(one)] : [known.at(one), credential.index], known.called(inputsIn(one, "dataset")[0].id), form,
      named === undefined ? "" : short(hexOf(named)), permits, textOf(credential?.document.validUntil), one.created);
  }) } };
}

/** @param {Known} known @returns {Found} */
export function recipients(known) {
  const all = known.manifests("delivery");
  const rows = all.filter(({ body }) => Object.hasOwn(body, "to"))
    .map((one) => row([known.at(one)], known.called(inputsIn(one, "dataset")[0].id), one.body.to, known.who(one.author), one.created));
  const unnamed = rows.length < all.length;
  for (const { subject, index, issuer, claimed } of known.ofType("GrantCredential")) {
    const dataset = isObject(subject.grant) ? subject.grant.dataset : undefined;
    const holder = listed(["name", "id"].filter((word) => Object.hasOwn(subject, word)).map((word) => subject[word]));
    rows.push(row([index], isObject(dataset) ? textOf(dataset.name) : "", holder, known.who(issuer), claimed));
  }
  return { tables: { recipients: rows }, because: unnamed && !rows.length ? "unnamed" : "" };
}

/** @param {Known} known @returns {Found} */
export const others = (known) => ({ tables: { attestations: known.ofType("AttestationCredential").filter(({ subject }) => isObject(subject.attestation))
  .map(({ subject, index, issuer, claimed }) => row([index], textOf(subject.name ?? subject.id), known.who(issuer),
    textOf(subject.attestation.kind), textOf(subject.attestation.conclusion), claimed)) } });
