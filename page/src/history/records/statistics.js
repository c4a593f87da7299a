/** What is measured of rows: types, missing and distinct values, lengths, labels (spec §12.4.2). */
import { Hasher } from "../../canon/blake3.js";
import { utf8 } from "../../canon/bytes.js";
import { attempt } from "../../canon/errors.js";
import { isObject, Numeral, parse } from "../../canon/json.js";
import { compare as inOrder } from "../trees/paths.js";

const MAX_DISTINCT = 10_000;
const MAX_FIELDS = 250;
const MAX_NAME = 200;
const MAX_LABELS = 1000;
const MAX_LABEL_BYTES = 64 << 10;
const MAX_LENGTHS = 65_536;
const LONG = 64;
const ROLES = ["label", "id", "group", "split", "licence"];
const WHITE = "\\s\\x85";
const ENDS = new RegExp(`^[${WHITE}]+|[${WHITE}]+$`, "g");

/** @typedef {{present: number, types: Map<string, number>, lengths: Map<number, number> | null, values: Set<string> | null}} Field `lengths`, `values`: null of too many. */
/** @typedef {{records: number, fields: Map<string, Field>, more: boolean, labels: Map<string, number> | null, several: number | null, problem: string}} Statistics `several`: null where no row has the field of the label; `problem`: why there are none, or nothing. */
/** @typedef {{names: string[], label: string, separator: string}} Roles `names`: of the fields that have one. */

/** The roles of fields that a manifest's body names. @param {any} body @returns {Roles} */
export function rolesOf({ fields = {} }) {
  const names = [...(fields.text ?? []), ...ROLES.map((role) => fields[role] ?? "")].filter(Boolean);
  return { names: [...new Set(names)], label: fields.label ?? "", separator: fields.labelSeparator ?? "" };
}

/** @returns {Statistics} Plain: it crosses from a worker. */
export const noStatistics = () => ({ records: 0, fields: new Map(), more: false, labels: new Map(), several: null, problem: "" });

/**
 * Measure a row.
 *
 * @param {Statistics} found
 * @param {Roles} roles
 * @param {Uint8Array} line
 */
export function addRow(found, roles, line) {
  const row = rowOf(line);
  if (typeof row === "string") {
    found.problem ||= row;
    return;
  }
  found.records += 1;
  const names = Object.keys(row);
  keepFirst(found, names, roles);
  for (const name of names) {
    const field = found.fields.get(name);
    if (field) addValue(field, row[name]);
  }
  if (roles.label && Object.hasOwn(row, roles.label)) {
    const labels = textsOf(row[roles.label], roles.separator);
    found.several = (found.several ?? 0) + Number(labels.length > 1);
    addLabels(found, labels.map((label) => [label, 1]));
  }
}

/** The members of a row, or why it is none. @param {Uint8Array} line @returns {{[name: string]: any} | string} */
const rowOf = (line) => attempt(() => {
  const row = parse(line, { maxBytes: line.length, foreign: true, exact: true });
  return isObject(row) && !(row instanceof Numeral) ? row : "no JSON object";
}, (error) => error.message);

/** Add what was measured elsewhere. @param {Statistics} found @param {Statistics} other @param {Roles} roles */
export function merge(found, other, roles) {
  found.records += other.records;
  found.problem ||= other.problem;
  found.more ||= other.more;
  keepFirst(found, [...other.fields.keys()], roles);
  for (const [name, more] of other.fields) {
    const field = found.fields.get(name);
    if (!field) continue;
    field.present += more.present;
    for (const [type, count] of more.types) plus(field.types, type, count);
    field.lengths = both(field.lengths, more.lengths, (all) => {
      for (const [length, count] of more.lengths ?? []) plus(all, length, count);
    });
    field.values = both(field.values, more.values, (all) => {
      for (const value of more.values ?? []) all.add(value);
    });
    forget(field);
  }
  if (other.several !== null) found.several = (found.several ?? 0) + other.several;
  if (other.labels === null) found.labels = null;
  else addLabels(found, [...other.labels]);
}

/** The members of `stats` that follow. @param {Statistics} found @param {Roles} roles @returns {{[name: string]: any}} */
export function statsOf(found, roles) {
  const shown = firstOf([...found.fields.keys()], roles);
  /** @type {{[name: string]: any}} */
  const stats = { fields: shown.map((name) => fieldOf(name, /** @type {Field} */ (found.fields.get(name)), found.records)) };
  if (found.more || shown.length < found.fields.size) stats.fieldsAbove = MAX_FIELDS;
  if (found.several === null) return stats;
  stats.severalLabels = found.several;
  const labels = found.labels && [...found.labels.keys()].sort(inOrder);
  const bytes = labels?.reduce((sum, label) => sum + utf8(label).length, 0) ?? 0;
  if (labels === null || labels.length > MAX_LABELS || bytes > MAX_LABEL_BYTES) stats.labelsAbove = MAX_LABELS;
  else if (labels.length) stats.labels = labels.map((label) => ({ label, records: found.labels?.get(label) }));
  return stats;
}

/** @param {string} name @param {Field} field @param {number} records */
function fieldOf(name, { present, types, lengths, values }, records) {
  const known = [...types.keys()].filter((type) => type !== "null").sort(inOrder);
  /** @type {{[name: string]: any}} */
  const shown = {
    field: name,
    types: known.map((type) => ({ type, records: types.get(type) })),
    missing: records - present + (types.get("null") ?? 0),
  };
  if (values === null) shown.distinctAbove = MAX_DISTINCT;
  else shown.distinct = values.size;
  if (lengths?.size) {
    const sorted = [...lengths.keys()].sort((left, right) => left - right);
    shown.lengths = { least: sorted[0], median: medianOf(sorted, lengths), most: sorted.at(-1) };
  }
  return shown;
}

/** The lower of two medians. @param {number[]} sorted @param {Map<number, number>} counts */
function medianOf(sorted, counts) {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let left = Math.ceil(all / 2);
  return sorted.find((length) => (left -= counts.get(length) ?? 0) <= 0);
}

/** @param {Field} field @param {any} value */
function addValue(field, value) {
  field.present += 1;
  plus(field.types, typeOf(value), 1);
  if (field.lengths && (typeof value === "string" || Array.isArray(value))) {
    plus(field.lengths, typeof value === "string" ? lengthOf(value) : value.length, 1);
  }
  if (field.values && value !== null) {
    const text = typeof value === "string" ? value : `\0${textOf(value)}`;
    field.values.add(text.length > LONG ? `\0\0${new Hasher().update(utf8(text)).digest()}` : text);
  }
  forget(field);
}

/** @param {Field} field */
function forget(field) {
  if (field.lengths && field.lengths.size > MAX_LENGTHS) field.lengths = null;
  if (field.values && field.values.size > MAX_DISTINCT) field.values = null;
}

/** @param {Statistics} found @param {[string, number][]} labels */
function addLabels(found, labels) {
  if (found.labels === null) return;
  for (const [label, count] of labels) plus(found.labels, label, count);
  if (found.labels.size > MAX_DISTINCT) found.labels = null;
}

/** Make place for more fields: the first by name stay, in whatever order they come. @param {Statistics} found @param {string[]} names @param {Roles} roles */
function keepFirst(found, names, roles) {
  const fresh = names.filter((name) => !found.fields.has(name));
  if (!fresh.length) return;
  const all = [...found.fields.keys(), ...fresh];
  const kept = firstOf(all, roles);
  found.more ||= kept.length < all.length;
  found.fields = new Map(kept.map((name) => [name, found.fields.get(name) ??
    { present: 0, types: new Map(), lengths: new Map(), values: new Set() }]));
}

/** @param {string[]} names @param {Roles} roles */
function firstOf(names, roles) {
  const short = names.filter((name) => lengthOf(name) <= MAX_NAME).sort(inOrder).slice(0, MAX_FIELDS);
  const always = roles.names.filter((name) => names.includes(name));
  return [...new Set([...short, ...always])].sort(inOrder);
}

/** The number of code points; a long text is not taken apart for it. @param {string} text */
function lengthOf(text) {
  let length = text.length;
  for (let at = 0; at < text.length; at += 1) length -= Number((text.charCodeAt(at) & 0xfc00) === 0xd800);
  return length;
}

/** @param {any} value */
function typeOf(value) {
  if (value === null) return "null";
  if (value instanceof Numeral) return value.isInteger ? "integer" : "number";
  if (Array.isArray(value)) return "list";
  return typeof value;
}

/** The text that a value is compared as; null of none. @param {any} value @returns {string | null} */
function textOf(value) {
  if (typeof value === "string") return value || null;
  if (value === null || (Array.isArray(value) && !value.length)) return null;
  if (value instanceof Numeral) return value.digits;
  return typeof value === "boolean" ? String(value) : spelt(value);
}

/** A list or an object, so that equal ones are spelt alike, and no others. @param {any} value @returns {string} */
function spelt(value) {
  if (value instanceof Numeral) return value.isInteger ? value.digits : `f${value.digits}${Object.is(value.number, -0) ? "-" : ""}`;
  if (Array.isArray(value)) return `[${value.map(spelt).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value).sort(inOrder).map((name) => `${JSON.stringify(name)}:${spelt(value[name])}`).join()}}`;
}

/** The texts of a value that may be several. @param {any} value @param {string} separator @returns {string[]} */
function textsOf(value, separator) {
  let found = Array.isArray(value) ? value : [value];
  if (typeof value === "string") {
    const list = value.startsWith("[") && value.endsWith("]") ? listIn(value) : null;
    if (list) found = list;
    else if (separator && !(value.startsWith("[") && value.endsWith("]"))) {
      found = value.split(separator).map((part) => part.replace(ENDS, ""));
    }
  }
  return found.map(textOf).filter((text) => text !== null);
}

/** @param {string} text @returns {string[] | null} */
function listIn(text) {
  try {
    const found = JSON.parse(text);
    return Array.isArray(found) && found.every((one) => typeof one === "string") ? found : null;
  } catch {
    return null;
  }
}

/** @template K @param {Map<K, number>} counts @param {K} key @param {number} count */
function plus(counts, key, count) {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** @template T @param {T | null} one @param {T | null} other @param {(all: T) => void} join @returns {T | null} */
function both(one, other, join) {
  if (one === null || other === null) return null;
  join(one);
  return one;
}
