/**
 * Where a dataset comes from, as far as what is at hand tells (spec §6.4): manifests
 * beside the credential, found by their digests, and what a credential alone names.
 */
import { parseId, parseUrn, short } from "../../canon/digest.js";
import { Refusal } from "../../canon/errors.js";
import { parseSigned } from "../../history/manifests/manifest.js";

const MAX_NODES = 200;

/** @typedef {"signed" | "named" | "refused"} Known A manifest that is here and signed; one only named; one here that does not hold. */
/** @typedef {{id: string, kind: string, label: string, known: Known, note: string, steps: number}} Step */
/** @typedef {{steps: Step[], edges: {from: string, to: string, role: string}[], cut: boolean}} Lineage */

/**
 * Return the steps that led to a dataset, itself first.
 *
 * @param {any} credential A parsed dataset credential.
 * @param {(digest: string) => Uint8Array | undefined} find Gives a file at hand by its digest.
 * @returns {Lineage}
 */
export function lineage(credential, find) {
  const subject = credential?.credentialSubject ?? {};
  const start = digestOf(subject.manifest, parseUrn);
  if (start === null) return { steps: [], edges: [], cut: false };
  /** @type {Map<string, Step>} */
  const steps = new Map([[start, step(start, "dataset", 0)]]);
  /** @type {Lineage["edges"]} */
  const edges = [];
  let cut = false;
  for (const here of steps.values()) { // a map takes in more while it is walked
    const inputs = open(here, find) ?? (here.id === start ? claimed(subject) : []);
    if (here.id === start && here.label === short(start)) here.label = named(subject.name, here.label);
    for (const { id, kind, role } of inputs) {
      if (!steps.has(id) && steps.size === MAX_NODES) {
        cut = true;
        continue;
      }
      if (!steps.has(id)) steps.set(id, step(id, kind, here.steps + 1));
      edges.push({ from: id, to: here.id, role });
    }
  }
  return { steps: [...steps.values()], edges, cut };
}

/** @param {string} id @param {string} kind @param {number} steps @returns {Step} */
const step = (id, kind, steps) => ({ id, kind, label: short(id), known: "named", note: "its manifest is not here", steps });

/** Read the manifest of a step, if it is here; return its inputs. @param {Step} here @param {(digest: string) => Uint8Array | undefined} find */
function open(here, find) {
  const bytes = find(here.id);
  if (bytes === undefined) return null;
  try {
    const manifest = parseSigned(bytes);
    here.label = manifest.name;
    if (manifest.kind !== here.kind) {
      [here.known, here.note] = ["refused", `named as a ${here.kind}, but it is a ${manifest.kind}`];
      return [];
    }
    [here.known, here.note] = ["signed", `signed by ${manifest.author}`];
    return manifest.inputs.map((/** @type {any} */ { id, kind, role }) => ({ id: parseId(id), kind, role }));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    [here.known, here.note] = ["refused", error.message];
    return [];
  }
}

/** What the credential alone names. @param {any} subject */
function claimed(subject) {
  const stated = Array.isArray(subject.derivedFrom) ? subject.derivedFrom : [];
  return stated.map((/** @type {any} */ source) => ({ id: digestOf(source?.id, parseUrn), kind: "dataset", role: named(source?.role, "source") }))
    .filter((/** @type {any} */ { id }) => id !== null);
}

/** A text that nobody has checked. @param {unknown} stated @param {string} otherwise */
const named = (stated, otherwise) => (typeof stated === "string" ? stated : otherwise);

/** @param {any} text @param {(text: any) => string} read */
function digestOf(text, read) {
  try {
    return read(text);
  } catch {
    return null;
  }
}
