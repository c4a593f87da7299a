/** The verifier's own file: whom it believes, for what (spec §11.3). */
import { parse as parseToml } from "smol-toml";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, hex, unbase64, utf8 } from "../canon/bytes.js";
import { blake3, parseId } from "../canon/digest.js";
import { known, parseDid } from "./did.js";
import { isSoundKey, judgeTogether, parseDidKey } from "../crypto/ed25519.js";
import { refuse } from "../canon/errors.js";
import { isName, parseLogKey, sameKey } from "../history/log/log.js";
import { checkSchema } from "../history/manifests/manifest.js";
import { matches } from "../history/policy/policy.js";
import { parseTimestamp } from "../canon/timestamps.js";
import { DEFAULT_STATUS_DAYS, MAX_TRUST_FILE_BYTES } from "../../generated/limits.js";

const DAY = 86_400_000;
/** Every alternative ends, closed or not. */
const STRING_OR_COMMENT =
  /"""(?:[^\\]|\\[^])*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:[^"\\\n]|\\[^])*"?|'[^'\n]*'?|#[^\n]*/g;
/** What an issuer is believed about in each role, without more words. @type {Map<string, string[]>} */
const ROLES = new Map([
  ["auditor", ["quality", "regulatory"]], ["lawyer", ["legal", "regulatory"]], ["expert", ["deidentification", "answers", "challenge"]],
]);

/** @typedef {{did: string, nickname: string, roles: string[], claims: string[], names: string[], stores: string[], since: number, until: number}} Issuer */
/** @typedef {(path: string, digest: string) => Uint8Array | undefined} Read Gives a pinned document's bytes. */
/** @typedef {{keys?: string[], hashes?: string[], cryptosuites?: string[]}} Allowed */

/** A parsed trust file; without one nobody is believed. */
export class Trust {
  /** @param {any} [stated] @param {Read} [read] */
  constructor(stated = {}, read = () => undefined) {
    judgeTogether([...(stated.issuer ?? []).map((/** @type {any} */ { did }) => did), ...(stated.allow?.keys ?? [])]);
    /** @type {Issuer[]} */
    this.issuers = (stated.issuer ?? []).map(issuer);
    checkNicknames(this.issuers);
    this.logs = (stated.log ?? []).map(log);
    this.maxStatusAge = (stated.maxStatusDays ?? DEFAULT_STATUS_DAYS) * DAY;
    const witnesses = (stated.witness ?? []).map(witness);
    const required = stated.witnessesRequired ?? 0;
    if (required > new Set(witnesses).size) refuse("bad-trust", `it requires ${required} witnesses and names fewer keys`);
    this.demandsWitness = required > 0 || stated.maxLogDays !== undefined;
    /** @type {import("./did.js").Known[]} */
    this.documents = (stated.document ?? []).map((/** @type {any} */ item) => pinned(item, read));
    /** @type {Allowed | null} */
    this.allow = Object.keys(stated.allow ?? {}).length ? stated.allow : null;
    (this.allow?.keys ?? []).forEach(parseDidKey);
  }

  /** Read a trust file. @param {string} source @param {Read} [read] */
  static parse(source, read) {
    if (utf8(source).length > MAX_TRUST_FILE_BYTES) refuse("bad-trust", "the trust file is too large");
    try {
      refuseNewer(source);
      const stated = parseToml(source);
      if (!Object.keys(stated).length) return new Trust(); // it states nothing, as one that is not there
      checkSchema("trust", stated);
      return new Trust(stated, read);
    } catch (error) {
      return refuse("bad-trust", `the trust file: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** Believe one publisher, as a pasted key says. @param {string} did */
  static of(did) {
    return new Trust({ issuer: [{ did, nickname: "the key you gave" }] });
  }

  /**
   * Return the first entry that believes an issuer in a role for this, if any.
   *
   * @param {string} did
   * @param {string} name
   * @param {string | null} store
   * @param {number} at
   * @param {string} [role]
   */
  matches(did, name, store, at, role = "publisher") {
    return this.issuers.find((one) => one.did === did && one.roles.includes(role) && covers(one, name, store, at));
  }

  /**
   * Return the first publisher entry of a founder that covers a store, if any. Names do not count here: a store may
   * hold more than what its owner is believed for.
   *
   * @param {string} founder @param {string} store @param {number} at
   */
  vouchesFor(founder, store, at) {
    return this.issuers.find((one) => one.did === founder && one.roles.includes("publisher") &&
      one.names.some((name) => covers(one, name, store, at)));
  }

  /** The first entry that believes an issuer about a claim. @param {string} did @param {string} claim @param {string} name @param {string | null} store @param {number} at */
  believes(did, claim, name, store, at) {
    return this.issuers.find((one) => one.did === did && one.claims.includes(claim) && covers(one, name, store, at));
  }

  /** @param {string} did */
  knows(did) {
    return this.issuers.find((one) => one.did === did);
  }

  /** What the first entry of a key for a store and a moment calls it, whatever it is believed for. @param {string} did @param {string | null} store @param {number} at */
  nicknameFor(did, store, at) {
    return this.issuers.find((one) => one.did === did && isFor(one, store, at))?.nickname;
  }

  /** The first trusted log that signed. @param {import("../history/log/log.js").LogKey[]} signers */
  pinned(signers) {
    return this.logs.find((/** @type {any} */ one) => signers.some((key) => sameKey(key, one.key)));
  }

  /** What is used and not allowed. @param {{keys: string[], hashes: string[], cryptosuites: string[]}} used @returns {string[]} */
  refusals(used) {
    return /** @type {const} */ (["keys", "hashes", "cryptosuites"]).flatMap((name) => {
      const allowed = this.allow?.[name];
      return allowed === undefined ? [] : [...new Set(used[name])].filter((item) => !allowed.includes(item));
    });
  }
}

/** @param {Issuer} one @param {string} name @param {string | null} store @param {number} at */
const covers = (one, name, store, at) => one.names.some((pattern) => matches(pattern, name)) && isFor(one, store, at);

/** @param {Issuer} one @param {string | null} store @param {number} at */
const isFor = (one, store, at) =>
  (!one.stores.length || (store !== null && one.stores.includes(store))) && one.since <= at && at <= one.until;

/** @param {any} item @returns {Issuer} */
function issuer(item) {
  if (item.did.startsWith("did:key:")) parseDidKey(item.did);
  else if (parseDid(item.did).method !== "web") refuse("bad-trust", "only did:key and did:web are believed");
  const since = item.since === undefined ? -Infinity : parseTimestamp(item.since);
  const until = item.until === undefined ? Infinity : parseTimestamp(item.until);
  if (until < since) refuse("bad-trust", `${item.nickname} is believed until before since`);
  const roles = item.roles ?? ["publisher"];
  return {
    did: item.did,
    nickname: item.nickname,
    roles,
    claims: item.claims ?? roles.flatMap((/** @type {string} */ role) => ROLES.get(role) ?? []),
    names: item.names ?? ["*"],
    stores: (item.stores ?? []).map(parseId),
    since,
    until,
  };
}

/** ATTACK: whoever gets an entry in under the name of another is shown as that one. @param {Issuer[]} issuers */
function checkNicknames(issuers) {
  /** @type {Map<string, string>} */
  const named = new Map();
  for (const { nickname, did } of issuers) {
    const other = named.get(nickname) ?? did;
    if (other !== did) refuse("bad-trust", `${nickname} names both ${other.slice(0, 80)} and ${did.slice(0, 80)}`);
    named.set(nickname, did);
  }
}

/**
 * Refuse what only TOML 1.1 has (spec §2.6): two escapes, and inline tables of several lines or with
 * a comma at their end. Otherwise one file would believe somebody here and nobody elsewhere.
 *
 * @param {string} source
 */
function refuseNewer(source) {
  const bare = source.replace(STRING_OR_COMMENT, (found) => {
    if (found.startsWith('"') && !/^(?:[^\\]|\\[^ex])*$/.test(found)) refuse("bad-trust", "an escape of TOML 1.1");
    return found.startsWith("#") ? "" : "q";
  });
  const open = [];
  for (const [sign] of bare.matchAll(/[[\]{}]|,\s*\}|\n/g)) {
    if (sign === "[" || sign === "{") open.push(sign);
    else if (sign !== "\n") open.pop();
    const inline = sign === "\n" && open.at(-1) === "{";
    if (inline || sign.startsWith(",")) refuse("bad-trust", "an inline table of TOML 1.1");
  }
}

/** @param {any} item */
function log(item) {
  const key = parseLogKey(item.key);
  if (key.name !== item.origin) refuse("bad-trust", "that is not a key of that log");
  return { origin: item.origin, key };
}

/** Read a witness; what it is needed for is its key. @param {any} item @returns {string} */
function witness({ name, key: text }) {
  const [, stated, id, encoded] = /^([^+]*)\+([^+]*)\+([^]*)$/.exec(text) ?? [];
  const raw = encoded === undefined ? new Uint8Array() : unbase64(encoded, "bad-vkey");
  if (raw.length !== 33 || raw[0] !== 4 || stated !== name || !isName(name)) refuse("bad-vkey", "not a key of that witness");
  if (!isSoundKey(raw.slice(1))) refuse("weak-key", "not a sound Ed25519 public key");
  if (hex(sha256(concat(utf8(`${name}\n`), raw)).slice(0, 4)) !== id) {
    refuse("bad-vkey", "the key id is not the one of this name and key");
  }
  return encoded;
}

/** @param {any} item @param {Read} read */
function pinned({ did, path, digest, inline }, read) {
  const bytes = path ? read(path, parseId(digest)) : utf8(inline ?? "");
  if (bytes === undefined || (path && blake3(bytes) !== parseId(digest))) {
    return refuse("bad-trust", `the DID document ${path} is not there, or not the one pinned: give it to this page as a file`);
  }
  const found = known(bytes, "pinned");
  if (found.document.id !== did) refuse("bad-trust", `that is the document of ${found.document.id}, not of ${did}`);
  return found;
}
