/** Evidence whose objects are read, and applied in the order of the log (spec §22.4). */
import { attempt, Refusal, refuse } from "../canon/errors.js";
import { OpenedCredential } from "../credentials/opened.js";
import { didKey, parseMultikey, parseVerificationMethod } from "../crypto/ed25519.js";
import { parseManifest } from "../history/manifests/manifest.js";
import { RefTable } from "./refs.js";

/** @typedef {import("./evidence.js").Evidence} Evidence */
/** @typedef {import("./evidence.js").LeafType} LeafType */
/** @typedef {(done: number, total: number) => Promise<void> | void} Progress Lets others have their turn. */

/** The manifests and credentials of evidence, with their place in the log and their effect. */
export class OpenedEvidence {
  /** @param {Evidence} evidence */
  constructor(evidence) {
    this.evidence = evidence;
    /** Each verified by its signature, in log order, by id. @type {Map<string, any>} */
    this.manifests = new Map();
    /** Ids of manifests of a format version that is not known here. @type {string[]} */
    this.newer = [];
    /** In log order, by id; not verified. @type {Map<string, OpenedCredential>} */
    this.credentials = new Map();
    this.table = new RefTable();
    /** The first entry of each. @type {Map<string, number>} */
    this.positions = new Map();
    for (const [index, { type, id }] of evidence.leaves.entries()) {
      if (!this.positions.has(`${type} ${id}`)) this.positions.set(`${type} ${id}`, index);
    }
  }

  /** Read the objects. @param {Progress} progress */
  async read(progress) {
    const { leaves, objects } = this.evidence;
    let done = 0;
    for (const [index, { type, id }] of leaves.entries()) {
      const bytes = objects.get(id);
      if (bytes === undefined) continue;
      if (type === "manifest") this.#apply(index, id, bytes);
      else if (type === "credential" && !this.credentials.has(id)) this.credentials.set(id, new OpenedCredential(bytes));
      done += 1;
      await progress(done, objects.size);
    }
    return this;
  }

  /** @param {number} index @param {string} id @param {Uint8Array} bytes */
  #apply(index, id, bytes) {
    const { table } = this;
    const manifest = this.manifests.get(id) ?? attempt(() => parseManifest(bytes));
    if (manifest instanceof Refusal) {
      if (manifest.kind === "newer-format") this.newer.push(id);
      else if (table.genesis !== null) table.flag(index, id, "invalid");
      return;
    }
    // Without its genesis nothing has effect; `store.genesis` says so.
    if (table.genesis === null && index > 0) return;
    if (attempt(() => table.apply(index, manifest)) instanceof Refusal) return;
    this.manifests.set(id, manifest);
  }

  /** The index of the first entry of a type with an id. @param {string} id @param {LeafType} [type] @returns {number | undefined} */
  indexOf(id, type = "manifest") {
    return this.positions.get(`${type} ${id}`);
  }

  /** The genesis manifest, if entry 0 names it and it founds the store; else null. */
  get genesis() {
    const { table: { genesis }, evidence: { store, leaves } } = this;
    return genesis !== null && leaves[0].id === store ? genesis : null;
  }

  /** Manifests without effect: id to the code of the reason. @returns {Map<string, string>} */
  get withoutEffect() {
    const found = new Map();
    for (const { id, reason } of this.table.flagged) if (reason !== "already-logged") found.set(id, reason);
    return found;
  }

  /** The manifests with effect, in log order. @returns {any[]} */
  get effective() {
    const gone = this.withoutEffect;
    return [...this.manifests.values()].filter(({ id }) => !gone.has(id));
  }

  /** How many manifests and credentials of the log are not in the file. */
  get leftOut() {
    const { leaves, objects } = this.evidence;
    const named = new Set(leaves.filter(({ type }) => type !== "transaction").map(({ id }) => id));
    return [...named].filter((id) => !objects.has(id)).length;
  }
}

/** The key whose signature on a credential holds, as did:key; null: none does. The key of an organisation is the one in its URL. @param {OpenedCredential} opened @returns {string | null} */
export const signerOf = (opened) => attempt(() => didKey(opened.verify(keyIn).key), () => null);

/** The key in a verification method `DID#z6Mk…`, of any DID: the one that signed, whoever it belongs to. @param {any} method @returns {Uint8Array} */
export function keyIn(method) {
  if (typeof method !== "string" || !method.includes("#")) return refuse("bad-key", "no verification method");
  return method.startsWith("did:key:") ? parseVerificationMethod(method) : parseMultikey(method.slice(method.indexOf("#") + 1));
}
