/** What a credential says, as its issuer put it. Anything may stand anywhere: it may not even be well formed. */
import { territoryWords } from "../src/credentials/territory.js";
import { isObject } from "../src/canon/json.js";
import { countedText, pageText } from "./texts.js";
import { byId, described, element, json, written } from "./view.js";

/** @typedef {import("../src/verify/report.js").Report} Report */
/** @typedef {[string, unknown]} Row */

const MAX_MEMBERS = 1000;
/** So many partitions, or claims, stand in the way of nothing below them. */
const FEW = 24;
/** @type {{[unit: string]: string}} */
const SIZES = { file: "fileCount", byte: "byteSize", record: "recordCount" };
const RESULTS = ["equal", "within-rounding", "unchecked"];
const PROFILES = ["lyrik", "w3c"];
/** What a row of the credential is called. @param {string} name */
const label = (name) => pageText(`verification.claim-${name}`);

/** @param {Report} report @param {any} credential The parsed credential, or null. */
export function showClaims(report, credential) {
  const subject = credential?.credentialSubject;
  const ofDataset = isObject(subject) && isObject(subject.contentRoot) && report.profile === "lyrik";
  /** @type {Row[]} */
  const first = [[label("issuer"), report.issuer ?? pageText("verification.nobody")], [label("profile"), PROFILES.includes(report.profile ?? "") ? pageText(`verification.profile-${report.profile}`) : undefined]];
  if (!ofDataset) first.push([label("name"), credential?.name], [label("subject"), report.subject]);
  if (isObject(subject) && isObject(subject.grant)) first.push(...grantRows(credential, subject, subject.grant));
  if (isObject(subject) && isObject(subject.attestation)) first.push(...attestationRows(credential, subject.attestation));
  const shown = ofDataset ? groupsOf(credential, subject, report) : [];
  byId("claims").replaceChildren(...group("", first), ...shown, ...(credential === null ? [] : [inFull(credential)]));
}

/** The whole document, written out when somebody wants to see it. @param {any} credential */
function inFull(credential) {
  const details = element("details", { class: "whole" }, element("summary", {}, pageText("verification.document")));
  details.addEventListener("toggle", () => details.append(written(json(credential))), { once: true });
  return details;
}

/** @param {string} title @param {Row[]} rows */
function group(title, rows) {
  const kept = rows.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => /** @type {[string, string]} */ ([name, text(value)]));
  if (!kept.length) return [];
  return [...(title ? [element("h4", {}, title)] : []), element("dl", {}, ...described(kept))];
}

/** What is many, folded up. @param {number} count @param {string} words @param {Node[]} nodes */
const folded = (count, words, nodes) => (count <= FEW ? nodes : [element("details", {}, element("summary", {}, words), ...nodes)]);

/** @param {any} credential @param {any} subject @param {Report} report @returns {Node[]} */
function groupsOf(credential, subject, report) {
  const licence = isObject(subject.licence) ? subject.licence : {};
  const partitions = members(licence.partitions);
  const claims = members(subject.quality);
  return [
    ...group("", [
      [label("issuer-name"), credential.issuer?.name],
      [label("dataset"), subject.name],
      [label("version"), subject.version],
      [label("content"), subject.id],
      [label("files"), ["file", "byte", "record"].map((one) => amount(subject[SIZES[one]], one)).join(", ")],
      [label("licence"), licence.spdxExpression],
      [label("valid"), period(credential)],
    ]),
    ...folded(partitions.length, countedText("verification.terms-of", partitions.length), partitions.flatMap((part) =>
      group(partitions.length > 1 ? pageText("verification.terms-of-partition", { name: text(part.name) }) : pageText("verification.terms"), termRows(part)))),
    ...folded(claims.length, countedText("verification.quality-claims", claims.length), group(pageText("verification.quality"), qualityRows(claims, report))),
    ...group(pageText("verification.described"), descriptorRows(members(subject.descriptor))),
  ];
}

/** What may be done, and within which limits. @param {any} terms Of a partition, or a grant. @returns {Row[]} */
function termRows({ spdxExpression, permits, grantable, prohibits, requires, limits }) {
  const bounds = isObject(limits) ? Object.entries(limits).filter(([name]) => name !== "type") : [];
  return [
    [label("licence"), spdxExpression], [label("may"), list(permits)], [label("may-with-grant"), list(grantable)],
    [label("may-not"), list(prohibits)], [label("must"), list(requires)],
    [label("only"), bounds.map(([name, bound]) => `${name} ${list(name === "territory" && Array.isArray(bound) ? territoryWords(bound) : bound) ?? text(bound)}`).join("; ")],
  ];
}

/** @param {any} credential @param {any} holder @param {any} grant @returns {Row[]} */
const grantRows = (credential, holder, grant) => [
  [label("granted-to"), [holder.name, holder.id].filter((part) => part !== undefined).map(text).join(", ")],
  [label("dataset"), grant.dataset?.name], ...termRows(grant), [label("valid"), period(credential)],
];

/** @param {any} credential @param {any} attestation @returns {Row[]} */
function attestationRows(credential, { kind, conclusion, results, standard, method, examined, limitations, liability }) {
  const found = members(results).map(({ metric, value }) => `${text(metric)} ${text(value)}`).join(", ");
  const { type, ...extent } = isObject(examined) ? examined : { type: undefined };
  return [
    [label("kind"), kind], [label("conclusion"), conclusion], [label("results"), found], [label("standard"), standard], [label("method"), method],
    [label("examined"), plain(extent)], [label("limitations"), list(limitations)], [label("liable"), liability], [label("valid"), period(credential)],
  ];
}

/** What is known, field by field; then what is not, by the reason. @param {any[]} fields @returns {Row[]} */
function descriptorRows(fields) {
  /** @type {Row[]} */
  const known = [];
  /** @type {Map<string, {state: string, why: string, names: string[]}>} */
  const open = new Map();
  for (const { field, state, value, reason, basis } of fields) {
    if (state === "value") {
      known.push([text(field), `${plain(value)}${basis ? ` (${text(basis)})` : ""}`]);
      continue;
    }
    const why = reason === undefined ? "" : ` (${text(reason)})`;
    const alike = open.get(text(state) + why) ?? { state: text(state), why, names: [] };
    open.set(text(state) + why, alike);
    alike.names.push(text(field));
  }
  return [...known, ...[...open.values()].map(({ state, why, names }) => /** @type {Row} */ ([state, names.join(", ") + why]))];
}

/** @param {any[]} claims @param {Report} report @returns {Row[]} */
function qualityRows(claims, report) {
  const detail = report.checks.find(({ id }) => id === "quality")?.detail;
  const measurements = [...detail?.measurements ?? []];
  return claims.map(({ metric, value, basis, method, recipe }) => {
    const measured = recipe === undefined ? undefined : measurements.shift();
    const bounds = isObject(recipe?.parameters) ? Object.entries(recipe.parameters) : [];
    const name = [text(metric), ...bounds.map(([parameter, bound]) => `${parameter} ${text(bound)}`)].join(", ");
    const found = measured && (RESULTS.includes(measured.result) ? pageText(`verification.recomputed-${measured.result}`) : pageText("verification.recomputed-differs", { found: measured.found }));
    const how = [basis, method, found].filter((part) => part !== undefined).map(text).join("; ");
    return [name, `${text(value)} (${how})`];
  });
}

/** The objects in what should be a list of them: no sound credential has more. @param {unknown} value @returns {any[]} */
const members = (value) => (Array.isArray(value) ? value.filter(isObject).slice(0, MAX_MEMBERS) : []);
/** @param {unknown} words */
const list = (words) => (Array.isArray(words) ? words.map(text).join(", ") : undefined);
/** A value without the signs of JSON. @param {any} value @returns {string} */
function plain(value) {
  if (Array.isArray(value)) return value.map((one) => (isObject(one) ? `(${plain(one)})` : plain(one))).join(", ");
  return isObject(value) ? Object.entries(value).map(([name, one]) => `${name} ${plain(one)}`).join(", ") || pageText("verification.none") : text(value);
}
/** @param {any} credential */
const period = ({ validFrom, validUntil }) => pageText("verification.period", { from: text(validFrom), until: text(validUntil ?? pageText("verification.no-end")) });
/** @param {unknown} count @param {string} one */
const amount = (count, one) => countedText(`verification.${one}s`, /^\d{1,20}$/.test(text(count)) ? BigInt(text(count)).toLocaleString("en") : text(count));
/** A line break in somebody's prose is a blank. @param {unknown} value */
const text = (value) => (typeof value === "string" ? value.replace(/[\t\n\r]+/g, " ") : JSON.stringify(value) ?? "");
