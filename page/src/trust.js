/** The verifier's own file: whom it believes, for what (spec/11-verification.md §3). */
import { parse as parseToml } from "smol-toml";
import { parseId } from "./digest.js";
import { parseDidKey } from "./ed25519.js";
import { refuse } from "./errors.js";
import { parseLogKey, sameKey } from "./log.js";
import { checkSchema } from "./manifest.js";
import { matches } from "./policy.js";
import { parseTimestamp } from "./timestamps.js";

const MAX_BYTES = 1 << 20;
const DAY = 86_400_000;
const DEFAULT_STATUS_DAYS = 30;

/** @typedef {{did: string, nickname: string, roles: string[], names: string[], stores: string[], since: number, until: number}} Issuer */

/** A parsed trust file; without one nobody is believed. */
export class Trust {
  /** @param {any} [document] */
  constructor(document = {}) {
    /** @type {Issuer[]} */
    this.issuers = (document.issuer ?? []).map(issuer);
    this.logs = (document.log ?? []).map(log);
    this.maxStatusAge = (document.maxStatusDays ?? DEFAULT_STATUS_DAYS) * DAY;
  }

  /** Read a trust file. @param {string} source */
  static parse(source) {
    if (source.length > MAX_BYTES) refuse("bad-trust", "the trust file is too large");
    try {
      const document = parseToml(source);
      checkSchema("trust", document);
      return new Trust(document);
    } catch (error) {
      return refuse("bad-trust", `the trust file: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** Believe one publisher, as a pasted key says. @param {string} did */
  static of(did) {
    return new Trust({ issuer: [{ did, nickname: "the key you gave" }] });
  }

  /**
   * Return the first entry that believes a publisher for this, if any.
   *
   * @param {string} did
   * @param {string} name
   * @param {string} store
   * @param {number} at
   */
  matches(did, name, store, at) {
    return this.issuers.find((one) =>
      one.did === did &&
      one.roles.includes("publisher") &&
      one.names.some((pattern) => matches(pattern, name)) &&
      (!one.stores.length || one.stores.includes(store)) &&
      one.since <= at && at <= one.until);
  }

  /** @param {string} did */
  knows(did) {
    return this.issuers.find((one) => one.did === did);
  }

  /** The first trusted log that signed. @param {import("./log.js").LogKey[]} signers */
  pinned(signers) {
    return this.logs.find((/** @type {any} */ one) => signers.some((key) => sameKey(key, one.key)));
  }
}

/** @param {any} item @returns {Issuer} */
function issuer(item) {
  parseDidKey(item.did);
  const since = item.since === undefined ? -Infinity : parseTimestamp(item.since);
  const until = item.until === undefined ? Infinity : parseTimestamp(item.until);
  if (until < since) refuse("bad-trust", `${item.nickname} is believed until before since`);
  return {
    did: item.did,
    nickname: item.nickname,
    roles: item.roles ?? ["publisher"],
    names: item.names ?? ["*"],
    stores: (item.stores ?? []).map(parseId),
    since,
    until,
  };
}

/** @param {any} item */
function log(item) {
  const key = parseLogKey(item.key);
  if (key.name !== item.origin) refuse("bad-trust", "that is not a key of that log");
  return { origin: item.origin, key };
}
