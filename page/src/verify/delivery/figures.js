/** Whether a manifest says of the data what the data is (spec §11.7.4). */
import { same } from "../../canon/bytes.js";
import { canonical } from "../../canon/json.js";
import { quote } from "../../canon/quoting.js";
import { counted } from "../../canon/text.js";
import { ID_BYTES, isOfRows } from "../../history/records/records.js";
import { merge, noStatistics, rolesOf, statsOf } from "../../history/records/statistics.js";
import { compare as inOrder } from "../../history/trees/paths.js";
import { failed, passed, unchecked, warned } from "../report.js";
import { MAX_NAMED } from "../../../generated/limits.js";

const ID = "datasets";
const MEASURED = ["derivedFrom", "formats", "generatedBy", "stats"];
const OF_FILES = ["files", "bytes", "columns"];
const OF_LABELS = ["labels", "labelsAbove", "severalLabels"];
const OF_ROWS = [...OF_LABELS, "fieldsAbove"];

/** @typedef {import("../../history/trees/tree.js").Tree} Tree */
/** @typedef {{[name: string]: any}} Members */

/** The roles by which the rows of a dataset are measured; null of one whose manifest says nothing of them. @param {any} body */
export function measuredRoles(body) {
  return body !== null && isOfRows(body.reader) && "fields" in stated(body) ? rolesOf(body) : null;
}

/**
 * Whether the body of the manifest says what the files and records give, and the members of which
 * nothing was held against them.
 *
 * @param {any} body
 * @param {import("./dataset.js").Content} content
 * @param {import("../../history/records/statistics.js").Roles | null} roles By which rows were measured.
 * @returns {[import("../report.js").Check, string[]]}
 */
export function checkFigures(body, { tree, records, problem }, roles) {
  if (body === null || tree === null) {
    return [unchecked(ID, "missing-file", "no sound manifest, or no list of files, to compare with"), []];
  }
  if (records === null) return [unchecked(ID, "incomplete-data", `not compared: ${problem}`), []];
  /** @type {Members} */
  let found = {};
  if (roles) {
    const all = noStatistics();
    for (const { statistics } of records) if (statistics) merge(all, statistics, roles);
    if (all.problem) return [failed(ID, "bad-record", quote(`a row is none: ${all.problem}`, 200)), []];
    found = statsOf(all, roles);
  }
  const count = records.reduce((sum, { ids }) => sum + ids.length / ID_BYTES, 0);
  const members = [...fileFaults(body, tree), ...recordFaults(body, count, found)];
  if (members.length) {
    const more = members.length > 3 ? `; and ${members.length - 3} more` : "";
    const summary = members.slice(0, 3).map((member) => `${quote(member)} does not follow from the data`).join("; ") + more;
    return [failed(ID, "differs", summary, { members: members.slice(0, MAX_NAMED) }), []];
  }
  const left = notMeasured(body, found);
  if (left.includes("stats.fields")) {
    return [warned(ID, "not-recomputed", "what its manifest says of fields was not measured again", { records: count }), left];
  }
  if ("derivation" in body) left.push("derivation"); // the decisions stay in the store
  return [passed(ID, `its manifest says of ${counted(count, "record")} what they give`, { records: count }), left];
}

/** @param {any} value @returns {Members} */
const membersOf = (value) => (typeof value === "object" && value !== null && !Array.isArray(value) ? value : {});

/** @param {any} body @param {string} name */
function measured(body, name) {
  const { basis, value } = body.descriptor[name] ?? {};
  return basis === "measured" ? value : undefined;
}

/** @param {any} body */
const stated = (body) => membersOf(measured(body, "stats"));

/** @param {any} said @param {any} follows */
const differs = (said, follows) => !same(canonical(said), canonical(follows));

/** What a body says that the files do not give. @param {any} body @param {Tree} tree @returns {string[]} */
function fileFaults(body, tree) {
  const { entries } = tree;
  const totalBytes = Number(tree.totalBytes);
  const faults = differing(body, { bytes: totalBytes, fileCount: entries.length }, "");
  const { companions = [], metadata } = body;
  if (companions.some((/** @type {string} */ path) => !tree.byPath.has(path))) faults.push("companions");
  /** @type {Map<string, number>} */
  const filled = new Map((metadata?.columns ?? []).map((/** @type {string} */ column) => [column, 0]));
  let unnamed = false;
  for (const column of entries.flatMap(({ meta }) => Object.keys(meta ?? {}))) {
    const count = filled.get(column);
    if (count === undefined) unnamed = true;
    else filled.set(column, count + 1);
  }
  if (metadata && unnamed) faults.push("metadata.columns");
  for (const name of Object.keys(body.descriptor).sort(inOrder)) {
    // ATTACK: what somebody claims, called measured.
    if (body.descriptor[name].basis === "measured" && !MEASURED.includes(name)) faults.push(`descriptor.${name}`);
  }
  const formats = measured(body, "formats");
  if (formats !== undefined && differs(formats, filesBy("suffix", formatsOf(entries.map(({ path }) => path))))) faults.push("formats");
  const stats = stated(body);
  faults.push(...differing(stats, { files: entries.length, bytes: totalBytes }, "stats."));
  if ("columns" in stats && differs(stats.columns, filesBy("column", filled))) faults.push("stats.columns");
  return faults;
}

/** What a body says that the records do not give. @param {any} body @param {number} records @param {Members} found @returns {string[]} */
function recordFaults(body, records, found) {
  const stats = stated(body);
  const apart = withoutRoles(body);
  const names = [...new Set([...Object.keys(found), ...OF_ROWS])].filter((name) => name in stats && !apart.includes(name)).sort(inOrder);
  const wrong = Object.keys(found).length ? names.filter((name) => !(name in found) || differs(stats[name], found[name])) : [];
  return [
    ...differing(body, { records }, ""),
    ...differing(stats, { records }, "stats."),
    ...wrong.map((name) => `stats.${name}`),
  ];
}

/** The measured members that were not measured again here. @param {any} body @param {Members} found @returns {string[]} */
function notMeasured(body, found) {
  const stats = stated(body);
  const any = Object.keys(found).length > 0;
  const known = new Set([...OF_FILES, ...Object.keys(found), ...(any ? OF_ROWS : []), "records", "sample"]);
  for (const name of withoutRoles(body)) known.delete(name);
  return [
    ...("metadata" in body ? ["metadata.sheetDigest"] : []), // over rows in an order that is not kept
    ...Object.keys(stats).sort(inOrder).filter((name) => !known.has(name)).map((name) => `stats.${name}`),
    ...Object.keys(membersOf(stats.sample)).sort(inOrder).map((name) => `stats.sample.${name}`),
  ];
}

/** What cannot be measured of an import that does not say what its fields mean, as imports were at first. @param {any} body */
function withoutRoles(body) {
  if (body.origin !== "imported" || "fields" in body) return [];
  return [...OF_LABELS, ...("fieldsAbove" in stated(body) ? ["fields", "fieldsAbove"] : [])]; // those with a role come first
}

/** @param {Members} said @param {{[name: string]: number}} follows @param {string} where @returns {string[]} */
const differing = (said, follows, where) =>
  Object.keys(follows).filter((name) => name in said && differs(said[name], follows[name])).map((name) => where + name);

/** How many paths have each suffix, in lower case; `none` for those without one. @param {string[]} paths */
function formatsOf(paths) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const path of paths) {
    const named = path.replaceAll("/.", "/").replace(/^\./, ""); // what a name starts with is no suffix
    const suffix = named.slice(Math.max(0, named.lastIndexOf(".")));
    const known = suffix.startsWith(".") && !suffix.includes("/") ? suffix.toLowerCase() : "none";
    counts.set(known, (counts.get(known) ?? 0) + 1);
  }
  return counts;
}

/** @param {string} what @param {Map<string, number>} counts */
const filesBy = (what, counts) => [...counts.keys()].sort(inOrder).map((name) => ({ [what]: name, files: counts.get(name) }));
