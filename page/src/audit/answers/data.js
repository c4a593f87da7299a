/** Answers about data: where it came from, what filters did, what changed (spec §22.6). */
import { short } from "../../canon/digest.js";
import { isObject } from "../../canon/json.js";
import { attachmentsIn, inputsIn } from "../../history/manifests/manifest.js";
import { compare } from "../../history/trees/paths.js";
import { hexOf, listed, textOf } from "./known.js";
import { row } from "./tables.js";

/** @typedef {import("./known.js").Known} Known */
/** @typedef {import("./tables.js").Found} Found */
/** @typedef {import("./tables.js").Row} Row */

/** How the names of steps begin that look for personal data. */
const PERSONAL = ["redact/", "scan/"];
const COUNTS = ["in", "kept", "dropped", "changed", "elsewhere", "made"];

/** @param {Known} known @returns {Found} */
export function sources(known) {
  return { tables: { sources: sourcesIn(known).map((one) => {
    const { author, body, created, id } = one;
    const sizes = ["records", "fileCount", "bytes"].map((name) => textOf(body[name]));
    return row([known.at(one)], known.called(id), body.origin, ...sizes, known.who(author), created);
  }) } };
}

/** @param {Known} known */
const sourcesIn = (known) => known.manifests("dataset").filter(({ body }) => body.origin !== "filtered");

/** @param {Known} known @returns {Found} */
export const licences = (known) => ({ tables: { licences: sourcesIn(known).flatMap((source) => licencesOf(known, source)) } });

/** @param {Known} known @param {any} source @returns {Row[]} */
function licencesOf(known, source) {
  const [at, name] = [known.at(source), known.called(source.id)];
  const { licence: stated, records } = source.body;
  const own = stated === undefined ? [] : [row([at], name, "", textOf(records), stated.expression, "", known.who(source.author))];
  return [...own, ...known.about(source).flatMap(({ subject, index, issuer }) => {
    const terms = isObject(subject.licence) ? subject.licence : {};
    return (terms.partitions ?? []).map((/** @type {any} */ part) => row([at, index], name, textOf(part.name), textOf(part.recordCount),
      textOf(part.licence ?? terms.licence), listed(part.permits), known.who(issuer)));
  })];
}

/** @param {Known} known @returns {Found} */
export function filters(known) {
  /** @type {Row[]} */
  const steps = [];
  /** @type {Row[]} */
  const programs = [];
  for (const one of known.manifests("filter")) {
    const [at, name, { engine, libraries = {}, models = [] }] = [known.at(one), known.called(one.id), one.body];
    for (const [number, step] of one.body.steps.entries()) {
      const params = Object.fromEntries(Object.entries(step).filter(([word]) => word !== "use"));
      steps.push(row([at], name, String(number + 1), step.use, Object.keys(params).length ? textOf(params) : ""));
    }
    programs.push(row([at], name, "engine", engine));
    for (const [library, version] of sorted(libraries)) programs.push(row([at], name, library, textOf(version)));
    for (const model of models) programs.push(row([at], name, model.name, model.version));
  }
  return { tables: { steps, programs } };
}

/** Members in the order of their names. @param {{[name: string]: any}} members */
export const sorted = (members) => Object.entries(members).sort(([left], [right]) => compare(left, right));

/** @param {Known} known */
const filtered = (known) => known.manifests("dataset").filter(({ body }) => Object.hasOwn(body, "derivation"));

/** @param {Known} known @returns {Found} */
export function dropped(known) {
  const made = filtered(known);
  const counts = made.map((one) => {
    const used = inputsIn(one, "filter").map(({ id }) => id);
    const log = [one, ...used.map((id) => known.get(id)).filter((filter) => filter !== undefined)].map((item) => known.at(item));
    const numbers = one.body.derivation.counts;
    return row(log, known.called(one.id), listed(used.map((id) => known.called(id))), ...COUNTS.map((word) => textOf(numbers[word] ?? 0)));
  });
  return { tables: { counts, reasons: made.flatMap((one) => reasonsOf(known, one, ["dropped", "changed"])) } };
}

/** @param {Known} known @param {any} one @param {string[]} words */
const reasonsOf = (known, one, words) => words.flatMap((word) => sorted(one.body.derivation[word] ?? {})
  .map(([reason, count]) => row([known.at(one)], known.called(one.id), word, reason, textOf(count))));

/** @param {Known} known @returns {Found} */
export function droppedList(known) {
  const lists = filtered(known).flatMap((one) => attachmentsIn(one, "decisions")
    .map(({ id, bytes }) => row([known.at(one)], known.called(one.id), id, String(bytes))));
  return { tables: { lists }, because: lists.length ? "stays" : "" };
}

/** @param {Known} known @returns {Found} */
export function document(known) {
  const roots = known.manifests("records").flatMap((one) => one.body.roots
    .map((/** @type {any} */ { type, root, count }) => row([known.at(one)], known.called(inputsIn(one, "dataset")[0].id), type, root, textOf(count))));
  return { tables: { roots }, because: roots.length ? "stays" : "" };
}

/** @param {Known} known @returns {Found} */
export function overlap(known) {
  const rows = known.manifests("evaluation").filter(({ body }) => Object.hasOwn(body, "overlap")).map((one) => {
    const { overlap: found, count } = one.body;
    const { near = {} } = found;
    return row([known.at(one)], known.called(one.id), known.called(inputsIn(one, "checkpoint")[0].id), textOf(count), textOf(found.exact),
      textOf(near.count), listed([found.checked, near.method].filter(Boolean)));
  });
  return { tables: { overlap: rows } };
}

/** @param {Known} known @returns {Found} */
export function personal(known) {
  /** @type {Row[]} */
  const detectors = [];
  const looked = new Set();
  for (const one of known.manifests("filter")) {
    for (const { use, kinds, detectors: used } of one.body.steps) {
      if (!PERSONAL.some((start) => use.startsWith(start))) continue;
      looked.add(one.id);
      detectors.push(row([known.at(one)], known.called(one.id), use, listed(kinds), listed(used)));
    }
  }
  const found = filtered(known).filter((one) => inputsIn(one, "filter").some(({ id }) => looked.has(hexOf(id))))
    .flatMap((one) => reasonsOf(known, one, ["changed", "reported"]));
  return { tables: { found, detectors } };
}

/** @param {Known} known @returns {Found} */
export function missed(known) {
  const findings = known.ofType("AttestationCredential").flatMap(({ subject, issuer, index }) => {
    const stated = subject.attestation;
    if (!isObject(stated) || stated.kind !== "deidentification") return [];
    return (stated.results ?? []).map((/** @type {any} */ { metric, value }) => row([index], textOf(subject.name), known.who(issuer),
      textOf(metric), textOf(value), textOf(stated.method), listed(stated.limitations)));
  });
  return { tables: { findings } };
}

/** @param {Known} known @returns {Found} */
export function versions(known) {
  const rows = known.manifests("dataset", "checkpoint", "filter", "card").flatMap((one) => one.parents.flatMap((/** @type {string} */ parent) => {
    const before = known.get(parent);
    if (before === undefined) return [];
    const sizes = ["records", "bytes"].flatMap((word) => [before, one].map(({ body }) => textOf(body[word])));
    return [row([known.at(before), known.at(one)], one.name, short(before.id), short(one.id), ...sizes, one.message)];
  }));
  return { tables: { versions: rows } };
}
