/**
 * What stores say of keys, as far as it lies beside a credential (spec §11.4.5). A
 * delivery brings its store's policies with their log proofs; whoever attests something may have a
 * store of their own, and lay the same beside it.
 */
import { includes, same, utf8 } from "./bytes.js";
import { blake3Once } from "./digest.js";
import { Refusal } from "./errors.js";
import { KeyHistory } from "./keyhistory.js";
import { isOf, isProof, leaf, parseProof, verifyProof } from "./log.js";
import { parseManifest } from "./manifest.js";
import { parseGenesis } from "./policy.js";

const MAX_POLICIES = 128;
const MAX_STORES = 8; // that speak of one key
const HEAD = utf8('{"');
const STORE = /"store":"blake3:([0-9a-f]{64})"/g;
const ascii = new TextDecoder("latin1");

/** @typedef {ReturnType<typeof parseProof>} Proof */
/** @typedef {{history: KeyHistory, proofs: Proofs}} Stated */

/** The log proofs beside a credential, each good for the entry it leads from. */
export class Proofs {
  /** @param {Uint8Array[]} files */
  constructor(files) {
    /** @type {(Proof | Refusal)[]} */
    this.parsed = files.map((bytes) => {
      try {
        return parseProof(bytes);
      } catch (error) {
        return /** @type {Refusal} */ (error);
      }
    });
    /** @type {Set<Proof | Refusal>} */
    this.used = new Set();
    /** @type {Map<string, number>} */
    this.found = new Map();
    this.order = /** @type {Proof[]} */ (this.parsed.filter((one) => !(one instanceof Refusal)))
      .sort((left, right) => left.index - right.index);
    this.next = 0;
  }

  /** Where an entry is shown to be logged; that proof is for nothing else. @param {string} type @param {string} digest @param {import("./log.js").LogKey[]} keys @param {KeyHistory | null} history */
  take(type, digest, keys, history = null) {
    const known = this.found.get(`${type} ${digest}`);
    if (known !== undefined) return known;
    // Nothing in a proof names its leaf. But policies are asked for in the order of the log: so from
    // the last that was found on, or each would be held against the proofs of all others.
    for (let turn = 0; turn < this.order.length; turn += 1) {
      const place = (this.next + turn) % this.order.length;
      const proof = this.order[place];
      // Cheap first: no signature for the proof of something else.
      if (this.used.has(proof) || !isOf(proof, leaf(type, digest))) continue;
      try {
        const signed = verifyProof(proof, leaf(type, digest), keys);
        history?.checkHead(signed);
      } catch (error) {
        if (error instanceof Refusal) continue;
        throw error;
      }
      this.used.add(proof);
      this.next = (place + 1) % this.order.length;
      this.found.set(`${type} ${digest}`, proof.index);
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
    /** Policies by the id of the store that they name. @type {Map<string, Uint8Array[]>} */
    this.byStore = new Map();
    for (const bytes of this.policies) {
      for (const store of new Set(storesIn(bytes))) this.byStore.set(store, [...this.byStore.get(store) ?? [], bytes]);
    }
    /** @type {Map<Uint8Array, Stated | Refusal | null>} */
    this.read = new Map();
    /** @type {Map<Uint8Array, any>} */
    this.parsed = new Map();
  }

  /** The policies of a store, with the log proofs left over, if they are at hand. @param {string} store */
  of(store) {
    const bytes = this.geneses.find((one) => blake3Once(one) === store);
    return bytes === undefined ? [] : this.#read(bytes, null);
  }

  /**
   * The policies, with the log proofs left over, of the stores that speak of a key.
   *
   * Anybody can found a store and say in it anything of other people's keys. So one counts only
   * if the key itself named it: by signing what names `store`, or by founding it. Refused if there
   * are more than are read: a thief founds stores with the stolen key, to crowd out the one that
   * says so.
   *
   * @param {string} key As did:key.
   * @param {string | null} store
   */
  about(key, store) {
    // Cheap first: whoever lays a hundred there is not to cost a hundred signatures.
    const heard = this.geneses.map((bytes) => ({ bytes, named: blake3Once(bytes) === store }))
      .filter(({ bytes, named }) => named || includes(bytes, key));
    if (heard.length > MAX_STORES) {
      throw new Refusal("too-many-stores",
        `${heard.length} stores at hand name the key, more than the ${MAX_STORES} that are read`);
    }
    return heard.flatMap(({ bytes, named }) => this.#read(bytes, named ? null : key));
  }

  /**
   * The policies, likewise, of the stores that name a key a successor, as said there. Of too many
   * stores, or policies of one, some are left out: then the key is not believed.
   *
   * @param {string} key As did:key.
   */
  naming(key) {
    const said = this.policies.filter((bytes) => includes(bytes, `"successor":"${key}"`));
    // ATTACK: hundreds of each. Every file is looked through once, not once for every other.
    const named = new Set(said.flatMap(storesIn));
    const heard = named.size ? this.geneses.filter((bytes) => named.has(blake3Once(bytes))) : [];
    return heard.slice(0, MAX_STORES).flatMap((bytes) => {
      try {
        return this.#read(bytes, null);
      } catch (error) {
        if (error instanceof Refusal) return [];
        throw error;
      }
    });
  }

  /** The store that a manifest founds, if it does, and if `founder` signed it. @param {Uint8Array} bytes @param {string | null} founder */
  #read(bytes, founder) {
    if (!this.read.has(bytes)) this.read.set(bytes, this.#readStore(bytes)); // once, however many credentials lie there
    const found = this.read.get(bytes) ?? null;
    if (found instanceof Refusal) throw found;
    return found === null || (founder !== null && found.history.policies[0].author !== founder) ? [] : [found];
  }

  /**
   * The store's policies, as far as they lie beside the credential and are logged. Refused if there
   * are more than are read: whoever holds a stolen key crowds out the policy that says so.
   *
   * @param {any} genesis
   * @param {import("./policy.js").Policy} founded
   * @param {Proofs} proofs
   */
  readHistory(genesis, founded, proofs) {
    const found = this.byStore.get(genesis.id) ?? [];
    if (found.length > MAX_POLICIES) {
      throw new Refusal("too-many-policies",
        `${found.length} policies of the store are at hand, more than the ${MAX_POLICIES} that are read`);
    }
    const candidates = found.map((bytes) => this.#manifest(bytes)).filter((one) => one !== null);
    return KeyHistory.follow(genesis, founded, candidates, (item, keys) => proofs.take("manifest", item.id, keys));
  }

  /** ATTACK: a hundred policies that each name a hundred stores. @param {Uint8Array} bytes */
  #manifest(bytes) {
    if (!this.parsed.has(bytes)) this.parsed.set(bytes, manifestIn(bytes));
    return this.parsed.get(bytes);
  }

  /** @param {Uint8Array} bytes @returns {Stated | Refusal | null} */
  #readStore(bytes) {
    const founded = founding(bytes);
    if (founded === null) return null;
    const proofs = new Proofs(this.proofs);
    try {
      return { history: this.readHistory(founded.founder, founded.policy, proofs), proofs };
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  }
}

/** @param {Uint8Array} bytes */
function manifestIn(bytes) {
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** Who founded a store, and its first policy, if that is what a file says. @param {Uint8Array} bytes */
function founding(bytes) {
  try {
    const founder = parseManifest(bytes);
    if (founder.kind !== "genesis") return null;
    const { policy } = parseGenesis(founder.body);
    return policy.allows(founder.author, "genesis", founder.name) ? { founder, policy } : null;
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** The ids of the stores that a policy names. @param {Uint8Array} bytes @returns {string[]} */
const storesIn = (bytes) => Array.from(ascii.decode(bytes).matchAll(STORE), ([, id]) => id);

/** Whether a file says that it founds a store or is its policy. @param {Uint8Array} bytes */
export const isRule = (bytes) => isManifest(bytes, "genesis") || isManifest(bytes, "policy");

/** @param {Uint8Array} bytes @param {string} kind */
const isManifest = (bytes, kind) => same(bytes.subarray(0, 2), HEAD) && includes(bytes, `"kind":"${kind}"`);
