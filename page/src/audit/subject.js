/** What evidence is about, and what its entries are, in words. */
import { short } from "../canon/digest.js";
import { attempt, Refusal } from "../canon/errors.js";
import { isObject, parse } from "../canon/json.js";
import { textOf } from "./evidence.js";

/** @typedef {import("./opened.js").OpenedEvidence} OpenedEvidence */
/** @typedef {{index: number, type: import("./evidence.js").LeafType, id: string, kind: string, name: string, signer: string, claimed: string, effect: string, text: string | null, value: any}} Entry `effect`: the code of why it has none; `text`: what was signed, null where it is not in the file. */

/** The title of a page: what it is about, by name if the evidence has it. @param {OpenedEvidence} opened */
export function titleOf({ evidence: { about }, manifests }) {
  const [[word, stated]] = Object.entries(about);
  const found = word === "manifest" ? manifests.get(stated.slice("blake3:".length)) : undefined;
  return found === undefined ? `Audit of ${word} ${stated.replace(/^blake3:/, "").slice(0, 64)}` : `Audit of ${found.name} (${short(found.id)})`;
}

/**
 * By when outsiders say that they saw an entry, the earliest; null: none says so. Whether that holds is not judged here.
 *
 * @param {OpenedEvidence} opened @param {number} index @returns {{size: number, time: string, by: string} | null}
 */
export function statedBy(opened, index) {
  const said = opened.effective.filter(({ kind, body }) => kind === "timestamp" && body.size > index).map(({ body }) => body);
  return said.sort((left, right) => (left.time < right.time ? -1 : 1))[0] ?? null;
}

/** Return an entry of the log, as it says of itself. @param {OpenedEvidence} opened @param {number} index @returns {Entry} */
export function entryAt(opened, index) {
  const { type, id } = opened.evidence.leaves[index];
  const bytes = type === "transaction" ? undefined : opened.evidence.objects.get(id);
  const effect = type === "manifest" ? opened.table.flagged.find((one) => one.index === index)?.reason ?? "" : "";
  const entry = { index, type, id, kind: "", name: "", signer: "", claimed: "", effect, text: null, value: null };
  if (bytes === undefined) return entry;
  const text = textOf(bytes);
  const read = attempt(() => parse(bytes, { foreign: true }));
  if (read instanceof Refusal || !isObject(read)) return { ...entry, text };
  const said = type === "manifest"
    ? { kind: read.kind, name: read.name, signer: read.author, claimed: read.created }
    : { kind: typeOf(read.type), name: read.credentialSubject?.name ?? read.name ?? read.id, signer: isObject(read.issuer) ? read.issuer.id : read.issuer, claimed: read.validFrom };
  return { ...entry, ...texts(said), text, value: read };
}

/** @param {any} type */
const typeOf = (type) => (Array.isArray(type) ? type.find((one) => one !== "VerifiableCredential") : type);

/** Only what is a text is shown as one. @template {{[name: string]: any}} T @param {T} said @returns {{[name in keyof T]: string}} */
const texts = (said) => /** @type {any} */ (Object.fromEntries(Object.entries(said).map(([name, value]) => [name, typeof value === "string" ? value : ""])));
