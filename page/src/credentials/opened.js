/** A file that may be a credential, opened once for everybody who asks what it says. */
import { maySay, same } from "../canon/bytes.js";
import { blake3, distinct } from "../canon/digest.js";
import { attempt, refuse } from "../canon/errors.js";
import { canonical, isObject, parse } from "../canon/json.js";
import { idOf, parseStamp, statedIn } from "../canon/values.js";
import { verifyProof } from "../crypto/proofs/eddsa_jcs.js";
import { checkShape, DATASET, isOurs, kindOf, readClaims } from "./credential.js";

export const LIST_TYPE = "BitstringStatusListCredential";

/** @typedef {import("./credential.js").Kind} Kind */
/** @typedef {import("./credential.js").Claims} Claims */

/**
 * A file that may be a credential, and what it says of itself. Each answer is worked out when it is
 * first asked for, and then kept. Nothing is believed: only what `verify` returns is signed.
 */
export class OpenedCredential {
  /** @type {Map<any, {value?: any, error?: unknown}>} */
  #known = new Map();
  /** @type {{document: any, key: Uint8Array, method: string} | null} */
  #verified = null;

  /** @param {Uint8Array} bytes The file, as received. */
  constructor(bytes) {
    this.bytes = bytes;
  }

  /** @template T @param {any} name @param {() => T} make @returns {T} */
  #once(name, make) {
    let found = this.#known.get(name);
    if (found === undefined) {
      try {
        found = { value: make() };
      } catch (error) {
        found = { error };
      }
      this.#known.set(name, found);
    }
    if ("error" in found) throw found.error;
    return found.value;
  }

  /** The document, read strictly (spec §10.2); refuses any other. @returns {any} */
  parsed() {
    return this.#once("parsed", () => {
      const document = parse(this.bytes);
      return isObject(document) ? document : refuse("bad-json", "not a JSON object");
    });
  }

  /** What it claims, once it is known to have the shape of a kind; null for others than datasets'. @param {Kind} kind @returns {Claims | null} */
  claimsAs(kind) {
    return this.#once(kind, () => {
      checkShape(this.parsed(), kind);
      return kind === DATASET ? readClaims(this.parsed().credentialSubject) : null;
    });
  }

  /** What its proof establishes; one signature for each key that is found. @param {(method: string) => Uint8Array} resolve */
  verify(resolve) {
    const known = this.#verified;
    if (known === null || !same(resolve(known.method), known.key)) {
      const { document, key } = verifyProof(this.parsed(), resolve);
      this.#verified = { document, key, method: this.parsed().proof.verificationMethod };
    }
    return /** @type {{document: any, key: Uint8Array, method: string}} */ (this.#verified);
  }

  /** What it says, read strictly; null if it is no such document. */
  get document() {
    return unless(() => this.parsed());
  }

  /** The same, where a foreign document may hold fractions and nulls. @returns {any} */
  get stated() {
    return this.#once("stated", () => {
      const document = this.document ?? unless(() => parse(this.bytes, { foreign: true }));
      return isObject(document) ? document : null;
    });
  }

  /** BLAKE3 of its canonical form, so that no respelling gives it another one; "" if it is not well-formed. @returns {string} */
  get id() {
    return this.#once("id", () => (this.document === null ? "" : blake3(canonical(this.document))));
  }

  /** The kind of ours that it says it is. */
  get kind() {
    return this.document === null ? undefined : kindOf(this.document);
  }

  /** By which profile it is judged (spec §17.1); what cannot be read is `lyrik`, which refuses it. @returns {"lyrik" | "w3c"} */
  get profile() {
    return this.stated === null || isOurs(this.stated) ? "lyrik" : "w3c";
  }

  /** Whom it names as its issuer. */
  get issuer() {
    return this.stated === null ? null : idOf(this.stated.issuer);
  }

  /** The digest, as a URN, of the credential that it replaces. @returns {string | null} */
  get supersedes() {
    const digest = this.#naming("supersedes")?.supersedes?.digest;
    return typeof digest === "string" ? digest : null;
  }

  /** The URL of the status list that it says it is; null if it is no list. @returns {string | null} */
  get listUrl() {
    const stated = this.#naming(LIST_TYPE);
    return stated !== null && statedIn(stated, "type").includes(LIST_TYPE) && typeof stated.id === "string" ? stated.id : null;
  }

  /** Since when it is valid; `-Infinity` where it does not say. @returns {number} */
  get made() {
    return this.#once("made", () => unless(() => parseStamp(this.stated?.validFrom)) ?? -Infinity);
  }

  /** What it says, if it may hold a word: most files beside a credential are something else. @param {string} word */
  #naming(word) {
    return this.#once(`"${word}"`, () => maySay(this.bytes, word)) ? this.stated : null;
  }
}

/** The files, each once, opened. @param {Iterable<Uint8Array>} files */
export const openAll = (files) => distinct(files).map((bytes) => new OpenedCredential(bytes));

/** What is made, or null where it is refused. @template T @param {() => T} make @returns {T | null} */
const unless = (make) => attempt(make, () => null);
