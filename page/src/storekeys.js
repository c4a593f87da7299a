/**
 * What stores say of keys, as far as it lies beside a credential (spec/11-verification.md §4.5). A
 * delivery brings its store's policies with their log proofs; whoever attests something may have a
 * store of his own, and lay the same beside it.
 */
import { includes, same, utf8 } from "./bytes.js";
import { blake3 } from "./digest.js";
import { Refusal } from "./errors.js";
import { KeyHistory } from "./keyhistory.js";
import { isProof, leaf, parseProof, verifyProof } from "./log.js";
import { parseManifest } from "./manifest.js";
import { parseGenesis } from "./policy.js";

const MAX_PROOFS = 64;
const MAX_POLICIES = 32;
const MAX_STORES = 8; // listened to about one key
const HEAD = utf8('{"');

/** @typedef {ReturnType<typeof parseProof>} Proof */

/** The log proofs beside a credential, each good for the entry it leads from. */
export class Proofs {
  /** @param {Uint8Array[]} files */
  constructor(files) {
    /** @type {(Proof | Refusal)[]} */
    this.parsed = files.slice(0, MAX_PROOFS).map((bytes) => {
      try {
        return parseProof(bytes);
      } catch (error) {
        return /** @type {Refusal} */ (error);
      }
    });
    /** @type {Set<Proof | Refusal>} */
    this.used = new Set();
  }

  /** Where an entry is shown to be logged; that proof is for nothing else. @param {string} type @param {string} digest @param {import("./log.js").LogKey[]} keys @param {KeyHistory | null} history */
  take(type, digest, keys, history = null) {
    for (const proof of this.others) {
      if (proof instanceof Refusal) continue;
      try {
        const signed = verifyProof(proof, leaf(type, digest), keys);
        history?.checkHead(signed);
      } catch (error) {
        if (error instanceof Refusal) continue;
        throw error;
      }
      this.used.add(proof);
      return proof.index;
    }
    return null;
  }

  /** The proofs not taken, and why those that are none are none. */
  get others() {
    return this.parsed.filter((one) => !this.used.has(one));
  }
}

/** Founding manifests, policies and log proofs of whatever stores, among files; nothing verified yet. */
export class Statements {
  /** @param {Iterable<Uint8Array>} files */
  constructor(files) {
    const all = [...files];
    this.geneses = all.filter((bytes) => isManifest(bytes, "genesis"));
    this.policies = all.filter((bytes) => isManifest(bytes, "policy"));
    this.proofs = all.filter(isProof);
  }

  /**
   * The policies, with the log proofs left over, of the stores that speak of a key.
   *
   * Anybody can found a store and say in it what he likes of other people's keys. So one counts only
   * if the key itself named it: by signing what names `store`, or by founding it.
   *
   * @param {string} key As did:key.
   * @param {string | null} store
   */
  about(key, store) {
    // Cheap first: whoever lays a hundred there is not to cost a hundred signatures.
    const heard = this.geneses.map((bytes) => ({ bytes, named: blake3(bytes) === store }))
      .filter(({ bytes, named }) => named || includes(bytes, key)).slice(0, MAX_STORES);
    return heard.flatMap(({ bytes, named }) => this.#read(bytes, named ? null : key));
  }

  /** The policies, likewise, of the stores that name a key a successor, as said there. @param {string} key As did:key. */
  naming(key) {
    const said = this.policies.filter((bytes) => includes(bytes, `"successor":"${key}"`));
    const heard = (said.length ? this.geneses : []).filter((bytes) => {
      const name = blake3(bytes);
      return said.some((policy) => includes(policy, `blake3:${name}`));
    });
    return heard.slice(0, MAX_STORES).flatMap((bytes) => this.#read(bytes, null));
  }

  /** The store that a manifest founds, if it does, and if `founder` signed it. @param {Uint8Array} bytes @param {string | null} founder */
  #read(bytes, founder) {
    try {
      const genesis = parseManifest(bytes);
      if (genesis.kind !== "genesis" || (founder !== null && genesis.author !== founder)) return [];
      const { policy } = parseGenesis(genesis.body);
      if (!policy.allows(genesis.author, "genesis", genesis.name)) return [];
      const proofs = new Proofs(this.proofs);
      return [{ history: readHistory(genesis, policy, this.policies, proofs), proofs }];
    } catch (error) {
      if (error instanceof Refusal) return [];
      throw error;
    }
  }
}

/**
 * The store's policies, as far as they lie beside the credential and are logged.
 *
 * @param {any} genesis
 * @param {import("./policy.js").Policy} founded
 * @param {Uint8Array[]} files
 * @param {Proofs} proofs
 */
export function readHistory(genesis, founded, files, proofs) {
  const candidates = [];
  for (const bytes of files) {
    if (!isManifest(bytes, "policy") || !includes(bytes, genesis.id) || candidates.length === MAX_POLICIES) continue;
    try {
      candidates.push(parseManifest(bytes));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return KeyHistory.follow(genesis, founded, candidates, (item, keys) => proofs.take("manifest", item.id, keys));
}

/** @param {Uint8Array} bytes @param {string} kind */
const isManifest = (bytes, kind) => same(bytes.subarray(0, 2), HEAD) && includes(bytes, `"kind":"${kind}"`);
