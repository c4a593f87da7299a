/**
 * What of a stranger's JSON Schema is applied at all, and at what cost at most (spec §17.7): only what
 * every library reads alike, so that no verifier says "satisfied" where another says the contrary.
 */
import { refuse } from "../../../canon/errors.js";
import { isObject } from "../../../canon/json.js";
import {
  MAX_PATTERN_CHARACTERS, MAX_SCHEMA_NESTING, MAX_SCHEMA_STEPS, SCHEMA_STEP_CHARACTERS,
} from "../../../../generated/limits.js";


const POINTER = /^#(?:\/[A-Za-z0-9._~!$&'()*+,;=:@-]*)+$/;
const ESCAPE = String.raw`\\(?:[tnrfv^$\\.*+?()\[\]{}|\/\-]|x[0-9A-Fa-f]{2}|u(?![dD][89a-fA-F])[0-9A-Fa-f]{4})`;
const KIND = String.raw`\\(?:[dDwWsS]|[pP]\{[LMNPSZ][a-z]?\})`;
const MEMBER = String.raw`(?:[^\\\[\]&~\-]|&(?!&)|~(?!~)|${ESCAPE})`;
const CLASS = String.raw`\[(?:\^|(?!\^))-?(?:${MEMBER}(?:-${MEMBER})?|${KIND})+-?\]`;
const TIMES = String.raw`(?:[*+?]|\{(?:1000|[0-9]{1,3})(?:,(?:1000|[0-9]{1,3})?)?\})\??`;
const ATOM = String.raw`(?:[^\\^$*+?()\[\]{}\|]|${ESCAPE}|${KIND}|${CLASS}|\))`;
const PATTERN = new RegExp(String.raw`^(?:${ATOM}(?:${TIMES})?|\((?:\?:)?|[\|^$])*$`, "u");
const BOUND = /(\)?)\{(?:[0-9]+,)?([0-9]+),?\}/g;

/**
 * Refuse a schema that would take too many steps: its values, with every reference followed, and the
 * states of its patterns, times the values of the document. ATTACK: two dozen definitions that each try the next one twice.
 *
 * @param {any} schema
 * @param {any} document
 * @returns {{places: {[reference: string]: any}, patterns: Set<string>}} What each reference refers to; all patterns.
 */
export function checkCost(schema, document) {
  const { size, longest } = sizeOf(document);
  const places = Object.create(null);
  /** @type {Set<string>} */
  const patterns = new Set();
  /** @type {Map<string, number>} */
  const known = new Map();
  const begun = new Set();
  const count = (/** @type {any} */ value, /** @type {number} */ depth) => {
    if (depth > MAX_SCHEMA_NESTING) refuse("schema-cost", "its references are nested too deeply");
    if (Array.isArray(value)) return value.reduce((sum, item) => sum + count(item, depth + 1), 1);
    if (!isObject(value)) return 1;
    if (Object.hasOwn(value, "$dynamicRef") || Object.hasOwn(value, "$recursiveRef")) refuse("schema-recursive", "it refers to itself");
    if (depth && Object.hasOwn(value, "$id")) refuse("schema-remote", "a schema within it has an $id of its own");
    let total = value.uniqueItems === true ? 1 + longest : 1; // each with each
    for (const pattern of patternsOf(value)) {
      total += weight(pattern);
      patterns.add(pattern);
    }
    for (const item of Object.values(value)) total += count(item, depth + 1);
    return typeof value.$ref === "string" ? total + referred(value.$ref, depth) : total;
  };
  const referred = (/** @type {string} */ reference, /** @type {number} */ depth) => {
    if (begun.has(reference)) refuse("schema-recursive", `${reference.slice(0, 80)} refers to itself`);
    if (!known.has(reference)) {
      begun.add(reference);
      places[reference] = target(schema, reference);
      known.set(reference, count(places[reference], depth + 1));
      begun.delete(reference);
    }
    return /** @type {number} */ (known.get(reference));
  };
  const steps = count(schema, 0) * size;
  if (steps > MAX_SCHEMA_STEPS) refuse("schema-cost", `applying it may take ${steps} steps`);
  return { places, patterns };
}

/** @param {any} schema @param {string} reference */
function target(schema, reference) {
  if (reference === "#") refuse("schema-recursive", "it refers to itself");
  if (!POINTER.test(reference)) refuse("schema-remote", `it refers to another text: ${reference.slice(0, 80)}`);
  let found = schema;
  for (const part of reference.slice(2).split("/")) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return isObject(found) || typeof found === "boolean" ? found : refuse("schema-remote", `it has no ${reference.slice(0, 80)}`);
}

/** @param {any} schema @returns {string[]} */
function patternsOf({ pattern, patternProperties }) {
  const named = isObject(patternProperties) ? Object.keys(patternProperties) : [];
  return typeof pattern === "string" ? [pattern, ...named] : named;
}

/** How many states a pattern has at most: its length, times what it repeats. @param {string} pattern */
function weight(pattern) {
  const { length } = [...pattern];
  if (length > MAX_PATTERN_CHARACTERS || !PATTERN.test(pattern)) refuse("schema-pattern", `a pattern not applied here: ${pattern.slice(0, 80)}`);
  let [most, nested] = [1, 1];
  for (const [, group, bound] of pattern.matchAll(BOUND)) {
    if (group) nested *= Math.max(1, Number(bound));
    else most = Math.max(most, Number(bound));
  }
  return length * most * nested;
}

/** @param {any} document */
function sizeOf(document) {
  let [size, longest] = [0, 0];
  const pending = [document];
  while (pending.length) {
    const value = pending.pop();
    size += 1;
    if (typeof value === "string") size += Math.floor([...value].length / SCHEMA_STEP_CHARACTERS);
    else if (Array.isArray(value)) {
      longest = Math.max(longest, value.length);
      for (const item of value) pending.push(item);
    } else if (isObject(value)) {
      size += Math.floor(Object.keys(value).reduce((sum, name) => sum + [...name].length, 0) / SCHEMA_STEP_CHARACTERS);
      for (const item of Object.values(value)) pending.push(item);
    }
  }
  return { size, longest };
}
