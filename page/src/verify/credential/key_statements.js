/**
 * What stores say of keys, as far as it lies beside a credential (spec §11.4.5). A
 * delivery brings its store's policies with their log proofs; whoever attests something may have a
 * store of their own, and lay the same beside it.
 */
import { hex, includes, same, utf8 } from "../../canon/bytes.js";
import { Consistency, ConsistencyFiles } from "../../history/log/consistency.js";
import { blake3Once } from "../../canon/digest.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { isOf, isProof, leaf, openCheckpoint, parseProof, statedHead } from "../../history/log/log.js";
import { manifestIn, parseManifest } from "../../history/manifests/manifest.js";
import { parseGenesis } from "../../history/policy/policy.js";
import { followPolicies } from "../../history/policy/policy_chain.js";
import { MAX_POLICIES, MAX_STORES } from "../../../generated/limits.js";

const HEAD = utf8('{"');
const STORE = /"store":"blake3:([0-9a-f]{64})"/g;
const ascii = new TextDecoder("latin1");

/** @typedef {ReturnType<typeof parseProof>} Proof */
/** @typedef {import("../../history/policy/key_history.js").KeyHistory} KeyHistory */
/** @typedef {{history: KeyHistory, proofs: Proofs}} Stated */

/** The log proofs beside a credential as one store takes them, each for the entry it leads from. */
export class Proofs {
  /** @param {Uint8Array[]} files @param {Consistency} consistency What is known of log checkpoints being of one log. */
  constructor(files, consistency) {
    this.consistency = consistency;
    /** @type {(Proof | Refusal)[]} */
    this.parsed = files.map((bytes) => attempt(() => parseProof(bytes)));
    /** The entry that each leads from, once it is known. @type {Map<Proof | Refusal, string>} */
    this.leaves = new Map();
    /** @type {Map<string, Proof[]>} */
    this.found = new Map();
    /** By what they lead to, in the order of that log; and from where on to look. @type {Map<string, {proofs: Proof[], next: number}>} */
    this.orders = new Map();
    const sound = /** @type {Proof[]} */ (this.parsed.filter((one) => !(one instanceof Refusal)));
    for (const proof of sound.sort((left, right) => left.index - right.index)) {
      const head = statedHead(proof);
      if (head === null) continue;
      if (!this.orders.has(head.text)) this.orders.set(head.text, { proofs: [], next: 0 });
      this.orders.get(head.text)?.proofs.push(proof);
    }
    /** @type {Map<string, import("../../history/log/log.js").Checkpoint | null>} */
    this.signed = new Map();
  }

  /** Where an entry is shown to be logged, under log checkpoints that the store's policies let a log key sign. @param {string} type @param {string} digest @param {KeyHistory} history */
  of(type, digest, history) {
    return this.under(type, digest, history.logs).filter((place) => history.letsSign(place));
  }

  /** Where an entry is shown to be logged by proofs that one of the keys signed, the smallest index first. @param {string} type @param {string} digest @param {import("../../history/log/log.js").LogKey[]} keys */
  under(type, digest, keys) {
    return this.#leading(type, digest).flatMap((proof) => {
      const signed = this.#judge(proof, keys);
      return signed === null ? [] : [{ index: proof.index, signed }];
    }).sort((left, right) => left.index - right.index);
  }

  /** The proofs that lead from nothing that was asked for, and why those that are none are none. */
  get others() {
    return this.parsed.filter((one) => !this.leaves.has(one));
  }

  /** @param {string} type @param {string} digest */
  #leading(type, digest) {
    const name = `${type} ${digest}`;
    const known = this.found.get(name);
    if (known !== undefined) return known;
    /** @type {Proof[]} */
    const found = [];
    for (const order of this.orders.values()) {
      // Nothing in a proof names its leaf. But policies are asked for in the order of the log: so from
      // the last that was found on, or each would be held against the proofs of all others.
      const { proofs, next } = order;
      let index = null;
      for (let turn = 0; turn < proofs.length; turn += 1) {
        const proof = proofs[(next + turn) % proofs.length];
        if (index !== null && index !== proof.index) break;
        // ATTACK: the same proof with a signature that does not hold, to be met first.
        if (this.leaves.has(proof) || !isOf(proof, leaf(type, digest))) continue;
        index = proof.index;
        this.leaves.set(proof, name);
        order.next = (next + turn + 1) % proofs.length;
        found.push(proof);
      }
    }
    this.found.set(name, found);
    return found;
  }

  /** Each log checkpoint is judged once under the same keys. @param {Proof} proof @param {import("../../history/log/log.js").LogKey[]} keys */
  #judge({ checkpoint }, keys) {
    // ATTACK: two ways of as many keys, of which one is not the true one.
    const name = `${keys.map(({ name: log, raw }) => `${log} ${hex(raw)}`).join()} ${hex(checkpoint)}`;
    const known = this.signed.get(name);
    if (known !== undefined) return known;
    const signed = attempt(() => openCheckpoint(checkpoint, keys), () => null);
    this.signed.set(name, signed);
    return signed;
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
    this.consistencyFiles = new ConsistencyFiles(all);
    /** Policies by the id of the store that they name. @type {Map<string, Uint8Array[]>} */
    this.byStore = new Map();
    for (const bytes of this.policies) {
      for (const store of new Set(storesIn(bytes))) this.byStore.set(store, [...this.byStore.get(store) ?? [], bytes]);
    }
    /** @type {Map<Uint8Array, Stated | Refusal | null>} */
    this.read = new Map();
    /** @type {Map<string, Stated | Refusal>} */
    this.stores = new Map();
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
    return heard.slice(0, MAX_STORES).flatMap((bytes) => attempt(() => this.#read(bytes, null), () => []));
  }

  /** The store that a manifest founds, if it does, and if `founder` signed it. @param {Uint8Array} bytes @param {string | null} founder */
  #read(bytes, founder) {
    if (!this.read.has(bytes)) this.read.set(bytes, this.#readStore(bytes)); // once, however many credentials lie there
    const found = this.read.get(bytes) ?? null;
    if (found instanceof Refusal) throw found;
    return found === null || (founder !== null && found.history.policies[0].author !== founder) ? [] : [found];
  }

  /**
   * The store's policies, as far as they lie beside the credential and are logged, and what shows where
   * in its log other things are. Refused if there are more than are read: whoever holds a stolen key
   * crowds out the policy that says so.
   *
   * @param {any} founder @param {{origin: string, policy: import("../../history/policy/policy.js").Policy}} genesis
   * @returns {Stated}
   */
  readStore(founder, genesis) {
    if (!this.stores.has(founder.id)) this.stores.set(founder.id, attempt(() => this.#follow(founder, genesis)));
    const found = this.stores.get(founder.id);
    if (found instanceof Refusal) throw found;
    return /** @type {Stated} */ (found);
  }

  /** @param {any} founder @param {{origin: string, policy: import("../../history/policy/policy.js").Policy}} genesis @returns {Stated} */
  #follow(founder, { origin, policy }) {
    const consistency = new Consistency(origin, this.consistencyFiles);
    const proofs = new Proofs(this.proofs, consistency);
    const found = this.byStore.get(founder.id) ?? [];
    if (found.length > MAX_POLICIES) {
      throw new Refusal("too-many-policies",
        `${found.length} policies of the store are at hand, more than the ${MAX_POLICIES} that are read`);
    }
    const candidates = found.map((bytes) => this.#manifest(bytes)).filter((one) => one !== null);
    const history = followPolicies(founder, policy, candidates,
      (item, keys) => proofs.under("manifest", item.id, keys), consistency);
    return { history, proofs };
  }

  /** ATTACK: a hundred policies that each name a hundred stores. @param {Uint8Array} bytes */
  #manifest(bytes) {
    if (!this.parsed.has(bytes)) this.parsed.set(bytes, manifestIn(bytes));
    return this.parsed.get(bytes);
  }

  /** @param {Uint8Array} bytes @returns {Stated | Refusal | null} */
  #readStore(bytes) {
    const founded = founding(bytes);
    return founded && attempt(() => this.readStore(founded.founder, founded.genesis));
  }
}

/** Who founded a store, and how, if that is what a file says. @param {Uint8Array} bytes */
const founding = (bytes) => attempt(() => {
  const founder = parseManifest(bytes);
  if (founder.kind !== "genesis") return null;
  const genesis = parseGenesis(founder.body);
  return genesis.policy.allows(founder.author, "genesis", founder.name) ? { founder, genesis } : null;
}, () => null);

/** The ids of the stores that a policy names. @param {Uint8Array} bytes @returns {string[]} */
const storesIn = (bytes) => Array.from(ascii.decode(bytes).matchAll(STORE), ([, id]) => id);

/** Whether a file says that it founds a store or is its policy. @param {Uint8Array} bytes */
export const isRule = (bytes) => isManifest(bytes, "genesis") || isManifest(bytes, "policy");

/** @param {Uint8Array} bytes @param {string} kind */
const isManifest = (bytes, kind) => same(bytes.subarray(0, 2), HEAD) && includes(bytes, `"kind":"${kind}"`);
