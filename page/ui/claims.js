/** What a credential says, as its issuer put it. Anything may stand anywhere: it may not even be well formed. */
import { counted } from "../src/grammar.js";
import { isObject } from "../src/strictjson.js";
import { byId, described, element } from "./view.js";

/** @typedef {import("../src/report.js").Report} Report */
/** @typedef {[string, unknown]} Row */

const PROFILE = new Map([
  ["lyrik", "a credential of lyrikstore (profile lyrik)"],
  ["w3c", "a credential or presentation of the W3C model that somebody else's software made (profile w3c)"],
]);
const MAX_MEMBERS = 1000;
const RESULT = new Map([
  ["equal", "recomputed: equal"], ["within-rounding", "recomputed: within rounding"],
  ["unchecked", "not recomputed"],
]);

/** @param {Report} report @param {any} credential The parsed credential, or null. */
export function showClaims(report, credential) {
  const subject = credential?.credentialSubject;
  const ofDataset = isObject(subject) && isObject(subject.contentRoot) && report.profile === "lyrik";
  /** @type {Row[]} */
  const first = [["issuer, as signed", report.issuer ?? "nobody named"], ["judged as", PROFILE.get(report.profile)]];
  if (!ofDataset) first.push(["it calls itself", credential?.name], ["what it is about", report.subject]);
  const groups = ofDataset ? groupsOf(credential, subject, report) : [];
  const shown = [["", first], ...groups].flatMap(([title, rows]) => group(String(title), /** @type {Row[]} */ (rows)));
  byId("claims").replaceChildren(...shown, ...(credential === null ? [] : [inFull(credential)]));
}

/** The whole document, written out when somebody wants to see it. @param {any} credential */
function inFull(credential) {
  const whole = element("pre", { tabindex: "0" });
  const details = element("details", {}, element("summary", {}, "The document in full"), whole);
  details.addEventListener("toggle", () => { whole.textContent = JSON.stringify(credential, null, 2); }, { once: true });
  return details;
}

/** @param {string} title @param {Row[]} rows */
function group(title, rows) {
  const kept = rows.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => /** @type {[string, string]} */ ([name, text(value)]));
  if (!kept.length) return [];
  return [...(title ? [element("h4", {}, title)] : []), element("dl", {}, ...described(kept))];
}

/** @param {any} credential @param {any} subject @param {Report} report @returns {[string, Row[]][]} */
function groupsOf(credential, subject, report) {
  const licence = isObject(subject.licence) ? subject.licence : {};
  return [
    ["", [
      ["issuer calls itself", credential.issuer?.name],
      ["dataset", subject.name],
      ["version", subject.version],
      ["content", subject.id],
      ["files", `${counted(text(subject.fileCount), "file")}, ${counted(text(subject.byteSize), "byte")}, ${counted(text(subject.recordCount), "record")}`],
      ["licence", licence.spdxExpression],
      ["valid", `${text(credential.validFrom)} to ${text(credential.validUntil ?? "no end")}`],
    ]],
    ...termGroups(members(licence.partitions)),
    ["Quality", qualityRows(members(subject.quality), report)],
    ["As its publisher describes it", descriptorRows(members(subject.descriptor))],
  ];
}

/** What may be done with each partition. @param {any[]} partitions @returns {[string, Row[]][]} */
function termGroups(partitions) {
  return partitions.map((part) => {
    const limits = isObject(part.limits) ? Object.entries(part.limits).filter(([name]) => name !== "type") : [];
    return [partitions.length > 1 ? `Terms of the partition “${text(part.name)}”` : "Terms", [
      ["licence", part.spdxExpression], ["you may", list(part.permits)], ["you may with a grant", list(part.grantable)],
      ["you may not", list(part.prohibits)], ["you must", list(part.requires)],
      ["only", limits.map(([name, bound]) => `${name} ${list(bound) ?? text(bound)}`).join("; ")],
    ]];
  });
}

/** What is known, field by field; then what is not, by the reason. @param {any[]} fields @returns {Row[]} */
function descriptorRows(fields) {
  /** @type {Row[]} */
  const known = [];
  /** @type {Map<string, string[]>} */
  const open = new Map();
  for (const { field, state, value, reason, basis } of fields) {
    if (state === "value") {
      known.push([text(field), `${plain(value)}${basis ? ` (${text(basis)})` : ""}`]);
      continue;
    }
    const why = [state, reason].filter((part) => part !== undefined).map(text).join(": ");
    open.set(why, open.get(why) ?? []);
    open.get(why)?.push(text(field));
  }
  return [...known, ...[...open].map(([why, names]) => /** @type {Row} */ ([why, names.join(", ")]))];
}

/** @param {any[]} claims @param {Report} report @returns {Row[]} */
function qualityRows(claims, report) {
  const detail = report.checks.find(({ id }) => id === "quality")?.detail;
  const measurements = [...detail?.measurements ?? []];
  return claims.map(({ metric, value, basis, method, recipe }) => {
    const measured = recipe === undefined ? undefined : measurements.shift();
    const bounds = isObject(recipe?.parameters) ? Object.entries(recipe.parameters) : [];
    const name = [text(metric), ...bounds.map(([parameter, bound]) => `${parameter} ${text(bound)}`)].join(", ");
    const found = measured && (RESULT.get(measured.result) ?? `recomputed: ${measured.found}, which differs`);
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
  return isObject(value) ? Object.entries(value).map(([name, one]) => `${name} ${plain(one)}`).join(", ") || "none" : text(value);
}
/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value) ?? "");
