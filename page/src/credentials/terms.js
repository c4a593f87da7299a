/** What a licence claim says: partitions, each with its terms, and which files are in it (spec/19-terms.md). */
import { parseUrn } from "../canon/digest.js";
import { refuse } from "../canon/errors.js";
import { counted } from "../canon/text.js";
import { territoryWords } from "./territory.js";
import { parseTimestamp } from "../canon/timestamps.js";

/** @typedef {{[member: string]: any, name: string, permits: string[], prohibits: string[], requires: string[], grantable: string[], limits: any, select: any[]}} Partition */
/** @typedef {{partitions: Partition[], licence: string | null, texts: Map<string, string | null>}} Terms `texts`: digest to the id of the licence whose text it is. */

/** Read the `licence` of a credential that satisfies the schema. @param {any} licence @returns {Terms} */
export function readTerms(licence) {
  const { partitions, spdxExpression = null, texts = [] } = licence;
  return {
    partitions: partitions.map((/** @type {any} */ part) => ({
      ...part,
      permits: part.permits ?? [],
      prohibits: part.prohibits ?? [],
      requires: part.requires ?? [],
      grantable: part.grantable ?? [],
      limits: part.limits ?? {},
      select: part.select ?? [],
    })),
    licence: spdxExpression,
    texts: new Map(texts.map((/** @type {any} */ { digest, name = null }) => [parseUrn(digest), name])),
  };
}

/** @typedef {{at: number, delete: boolean}} TermsEnd When terms end, and whether the data has to be deleted then. */

/**
 * When terms end, the earliest first; of partitions whose terms have no end, nothing.
 *
 * @param {Partition[]} partitions Those that are used. @param {(string | undefined)[]} until Ends of the credential or grant that states them.
 * @returns {TermsEnd[]}
 */
export const endsOf = (partitions, until) => partitions.flatMap(({ limits, requires }) => {
  const ends = [...until, limits.useUntil].filter((one) => typeof one === "string").map((one) => parseTimestamp(one));
  return ends.length ? [{ at: Math.min(...ends), delete: requires.includes("deleteOnExpiry") }] : [];
}).sort((one, other) => one.at - other.at);

/** Refuse a licence claim that contradicts itself or the subject. @param {any} subject */
export function checkLicenceClaim(subject) {
  const { licence } = subject;
  const terms = readTerms(licence);
  if (new Set(terms.partitions.map(({ name }) => name)).size !== terms.partitions.length) bad("two partitions have one name");
  if (terms.partitions.filter(({ select }) => !select.length).length > 1) bad("two partitions take what is left");
  for (const { permits, grantable, prohibits, limits, spdxExpression } of terms.partitions) {
    const both = [...permits, ...grantable].filter((word) => prohibits.includes(word)).sort()[0];
    if (both !== undefined) bad(`the licence both allows and prohibits ${both}`);
    const [start, end] = ["useFrom", "useUntil"].map((name) => (limits[name] === undefined ? undefined : parseTimestamp(limits[name])));
    if (start !== undefined && end !== undefined && end < start) bad("a period of use ends before it begins");
    const foreign = [...licenceIds(spdxExpression)].filter((id) => !licenceIds(terms.licence).has(id)).sort()[0];
    if (terms.licence !== null && foreign !== undefined) bad(`a partition names ${foreign.slice(0, 80)}, which the whole does not`);
  }
  for (const member of ["fileCount", "byteSize", "recordCount"]) {
    const sum = terms.partitions.reduce((total, part) => total + BigInt(part[member]), 0n);
    if (sum !== BigInt(subject[member])) bad(`the partitions' ${member} do not add up to the dataset's`);
  }
  if (terms.texts.size !== (licence.texts ?? []).length) bad("a licence text occurs twice");
  const named = new Set(terms.texts.values());
  const used = [terms.licence, ...terms.partitions.map((part) => part.spdxExpression)].flatMap((text) => [...licenceIds(text)]);
  const missing = used.filter((id) => id.startsWith("LicenseRef-") && !named.has(id)).sort()[0];
  if (missing !== undefined) bad(`no text of ${missing.slice(0, 80)} is named`);
}

/** The licence and exception ids in an SPDX expression. @param {string | null | undefined} expression @returns {Set<string>} */
function licenceIds(expression) {
  const found = new Set((expression ?? "").match(/[A-Za-z0-9.+:-]+/g) ?? []);
  for (const operator of ["AND", "OR", "WITH"]) found.delete(operator);
  return found;
}

/**
 * Return the number of each file's partition, in tree order. A file that two select would be under
 * two terms, and one that none selects under none; both are refused.
 *
 * @param {import("../history/trees/tree.js").Tree} tree
 * @param {Partition[]} partitions
 */
export function assign(tree, partitions) {
  /** @type {Map<string, number>} */
  const paths = new Map();
  /** @type {Map<string, Map<string, number>>} */
  const columns = new Map();
  let rest = -1;
  for (const [number, { name, select }] of partitions.entries()) {
    if (!select.length) {
      if (rest >= 0) badPartition(`partitions ${partitions[rest].name} and ${name} both take what is left`);
      rest = number;
    }
    for (const { path, column = "", values } of select) {
      if (path === undefined && !columns.has(column)) columns.set(column, new Map());
      const place = path === undefined ? /** @type {Map<string, number>} */ (columns.get(column)) : paths;
      for (const key of path === undefined ? values : [path]) {
        const before = place.get(key) ?? number;
        if (before !== number) badPartition(`${key.slice(0, 80)} selects ${partitions[before].name} and ${name}`);
        place.set(key, number);
      }
    }
  }
  return tree.entries.map(({ path, meta }) => {
    /** @type {Set<number>} */
    const found = new Set();
    for (let part = path; part; part = part.slice(0, Math.max(0, part.lastIndexOf("/")))) {
      if (paths.has(part)) found.add(/** @type {number} */ (paths.get(part)));
    }
    for (const [column, values] of columns) {
      const number = meta && Object.hasOwn(meta, column) ? values.get(meta[column]) : undefined;
      if (number !== undefined) found.add(number);
    }
    const [number = rest, ...others] = found;
    if (others.length) badPartition(`${path} is in partitions ${[...found].sort().map((one) => partitions[one].name).join(" and ")}`);
    return number >= 0 ? number : badPartition(`${path} is in no partition`);
  });
}

/** What limits leave open that their bounds do not. @param {any} given @param {any} bounds @returns {string | null} */
export function exceedsLimits(given, bounds) {
  const { territory = [], purposes = [], seats, useFrom, useUntil } = bounds;
  const mine = { territory: [], purposes: [], ...given };
  const inside = (/** @type {string} */ place) => territory.includes(place) || territory.includes(place.split("-")[0]);
  if (territory.length && !(mine.territory.length && mine.territory.every(inside))) return `outside ${territoryWords(territory).join(", ")}`;
  if (purposes.length && !(mine.purposes.length && mine.purposes.every((/** @type {string} */ word) => purposes.includes(word)))) {
    return `for more than ${purposes.join(", ")}`;
  }
  if (seats !== undefined && (mine.seats === undefined || mine.seats > seats)) return `for more than ${counted(seats, "person", "people")}`;
  if (useFrom !== undefined && (mine.useFrom === undefined || parseTimestamp(mine.useFrom) < parseTimestamp(useFrom))) return `before ${useFrom}`;
  if (useUntil !== undefined && (mine.useUntil === undefined || parseTimestamp(mine.useUntil) > parseTimestamp(useUntil))) return `after ${useUntil}`;
  return null;
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-credential", `the credential is malformed: ${reason}`);
}

/** @param {string} reason @returns {never} */
function badPartition(reason) {
  return refuse("bad-partition", reason);
}
