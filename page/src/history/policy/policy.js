/** Who may say what in a store, and which keys speak for its log (spec §8.3). */
import { judgeTogether, parseDidKey } from "../../crypto/ed25519.js";
import { attempt, refuse } from "../../canon/errors.js";
import { isName, parseLogKey, sameKey } from "../log/log.js";
import { hasExactly, isObject } from "../../canon/json.js";
import { MAX_MISDATED_ENTRIES, MAX_PATTERN_STARS, MAX_RETIRED_KEYS } from "../../../generated/limits.js";

export const OWNER = "owner";
/** The kind of manifest that a role with a threshold signs, each of its keys for itself. */
export const APPROVAL = "approval";
const ROLE = /^[a-z][a-z0-9-]{0,63}$/;
const KIND = /^(?:\*|[a-z][a-z0-9-]{0,63})$/;
const PATTERN = /^[a-z0-9*][a-z0-9._*/-]{0,254}$/;

/** @typedef {{key: string, successor: string | null, suspectFrom: number | null}} Retired A key that signs no more; `suspectFrom`: the log index from which on it may have been in other hands. */
/** @typedef {{keys: string[], threshold: number, names: string[], kinds: string[]}} Role */

/** The rules of one store. */
export class Policy {
  /** @param {any} value */
  constructor(value) {
    const members = ["version", "roles", "logs", ...["retired", "retiredLogs", "misdated", "unmet"].filter((name) => isObject(value) && Object.hasOwn(value, name))];
    if (!hasExactly(value, members)) bad("it has other members");
    if (!Number.isSafeInteger(value.version) || value.version < 1) bad("its version is no positive integer");
    if (!isObject(value.roles) || !Object.hasOwn(value.roles, OWNER)) bad("it has no role owner");
    this.version = value.version;
    /** @type {Map<string, Role>} */
    this.roles = new Map();
    /** Roles with fewer keys than their threshold. */
    this.unmet = Object.hasOwn(value, "unmet") ? strings(value.unmet) : [];
    for (const [name, stated] of Object.entries(value.roles)) {
      if (!ROLE.test(name)) bad("a role has a bad name");
      this.roles.set(name, role(stated, this.unmet.includes(name)));
    }
    const short = [...this.roles].filter(([, one]) => one.keys.length < one.threshold).map(([name]) => name).sort();
    if (this.unmet.includes(OWNER) || short.join() !== this.unmet.join()) bad("unmet are not the roles with fewer keys than their threshold");
    this.logs = strings(value.logs).map((text) => rethrow(() => parseLogKey(text)));
    /** @type {Retired[]} */
    this.retired = Object.hasOwn(value, "retired") ? retired(value.retired) : [];
    /** Those of `logs` that sign no log checkpoint from this policy on. */
    this.retiredLogs = Object.hasOwn(value, "retiredLogs") ? strings(value.retiredLogs).map((text) => rethrow(() => parseLogKey(text))) : [];
    if (!this.retiredLogs.every((key) => isIn(key, this.logs)) || this.retiredLogs.length === this.logs.length) {
      bad("retiredLogs are not some of its logs, or all of them");
    }
    /** Log indices of what bears a wrong date. @type {number[]} */
    this.misdated = Object.hasOwn(value, "misdated") ? indices(value.misdated) : [];
    const gone = new Set(this.retired.map(({ key }) => key));
    if (this.keys.some((key) => gone.has(key))) bad("a key that is retired still has a role");
    const known = new Set([null, ...this.keys, ...gone]);
    if (!this.retired.every(({ successor }) => known.has(successor))) bad("a successor has no role");
  }

  /** The keys that sign the log while this policy is in force. */
  get logKeys() {
    return this.logs.filter((key) => !isIn(key, this.retiredLogs));
  }

  /** The DIDs of every key that has a role. */
  get keys() {
    return [...this.roles.values()].flatMap(({ keys }) => keys);
  }

  /** From which log index on what a key signed does not count; Infinity for all but compromised ones. @param {string} key */
  suspectFrom(key) {
    return this.retired.find((one) => one.key === key)?.suspectFrom ?? Infinity;
  }

  /** Who signs in place of a retired key; null where nobody was named. @param {string} key @returns {string | null} */
  successor(key) {
    const successors = new Map(this.retired.map((one) => [one.key, one.successor]));
    /** @type {string | null} */
    let found = key;
    // ATTACK: two that succeed each other. Each is asked once.
    while (found !== null && successors.has(found)) {
      const next = /** @type {string | null} */ (successors.get(found) ?? null);
      successors.delete(found);
      found = next;
    }
    return found !== null && found !== key && this.keys.includes(found) ? found : null;
  }

  /** Whether this may take the place of another: log keys are only added, and no key comes back. @param {Policy} before */
  mayFollow(before) {
    const retired = new Map(this.retired.map((one) => [one.key, one]));
    return this.version === before.version + 1 &&
      before.logs.every((key, at) => this.logs[at] !== undefined && sameKey(key, this.logs[at])) &&
      this.logs.every(({ name }) => name === before.logs[0].name) &&
      before.retiredLogs.every((key) => isIn(key, this.retiredLogs)) &&
      before.misdated.every((index) => this.misdated.includes(index)) &&
      before.retired.every((old) => {
        const now = retired.get(old.key);
        return now !== undefined && now.successor === old.successor &&
          (old.suspectFrom === null || (now.suspectFrom !== null && now.suspectFrom <= old.suspectFrom));
      });
  }

  /** The same rules without some keys. @param {Set<string>} gone @returns {Policy} */
  without(gone) {
    const policy = Object.assign(Object.create(Policy.prototype), this);
    policy.roles = new Map([...this.roles].map(([name, one]) =>
      [name, { ...one, keys: one.keys.filter((key) => !gone.has(key)) }]));
    return policy;
  }

  /**
   * Whether a manifest signed by this author alone may move a ref.
   *
   * @param {string} author
   * @param {string} kind
   * @param {string} name
   */
  allows(author, kind, name) {
    const enough = (/** @type {Role} */ one) => one.keys.includes(author) && one.threshold === 1;
    // No role but owner changes the rules, however wide its patterns are.
    if (kind === "policy" || kind === "genesis") return enough(/** @type {Role} */ (this.roles.get(OWNER)));
    // Each key approves for itself; the threshold counts how many did.
    const fits = kind === APPROVAL ? (/** @type {Role} */ one) => one.keys.includes(author) : enough;
    return [...this.roles.values()].some((one) => fits(one) && covers(one, kind, name));
  }
}

/**
 * Read the body of a genesis manifest.
 *
 * @param {any} body
 */
export function parseGenesis(body) {
  if (!hasExactly(body, ["origin", "nonce", "policy"])) bad("a genesis has other members");
  if (typeof body.origin !== "string" || !isName(body.origin)) bad("the origin is not a log name");
  if (typeof body.nonce !== "string" || !/^[0-9a-f]{32}$/.test(body.nonce)) bad("a bad nonce");
  const policy = new Policy(body.policy);
  if (policy.version !== 1 || policy.logs.some((key) => key.name !== body.origin)) {
    bad("the first policy has another version, or the log key of another origin");
  }
  if (policy.retired.length || policy.retiredLogs.length || policy.misdated.length || policy.unmet.length) bad("the first policy retires a key");
  return { origin: body.origin, policy };
}

/** What a verified manifest founds, which must be signed by an owner it names: it vouches for itself. @param {any} manifest */
export function checkGenesis({ kind, body, author, name }) {
  if (kind !== "genesis") refuse("bad-genesis", "the log does not begin with a genesis manifest");
  const genesis = attempt(() => parseGenesis(body), ({ message }) => refuse("bad-genesis", message));
  if (!genesis.policy.allows(author, "genesis", name)) refuse("bad-genesis", "the genesis is not signed by an owner it names");
  return genesis;
}

/** Whether a role is about manifests of that kind and name. @param {Role} role @param {string} kind @param {string} name */
export const covers = ({ kinds, names }, kind, name) =>
  (kinds.includes("*") || kinds.includes(kind)) && names.some((pattern) => matches(pattern, name));

/** @param {import("../log/log.js").LogKey} key @param {import("../log/log.js").LogKey[]} keys */
export const isIn = (key, keys) => keys.some((other) => sameKey(key, other));

/** Whether a name matches a pattern in which only `*` is special. @param {string} pattern @param {string} name */
export function matches(pattern, name) {
  const [first, ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** @param {any} value @param {boolean} unmet @returns {Role} */
function role(value, unmet) {
  if (!hasExactly(value, ["keys", "threshold", "names", "kinds"])) bad("a role has other members");
  const keys = unmet && Array.isArray(value.keys) && !value.keys.length ? [] : strings(value.keys);
  const { threshold } = value;
  if (!Number.isSafeInteger(threshold) || threshold < 1 || (threshold > keys.length && !unmet)) bad("a bad threshold");
  judgeTogether(keys);
  keys.forEach((key) => rethrow(() => parseDidKey(key)));
  const names = strings(value.names);
  const kinds = strings(value.kinds);
  if (names.some((name) => !PATTERN.test(name) || name.split("*").length - 1 > MAX_PATTERN_STARS)) bad("a bad name pattern");
  if (kinds.some((kind) => !KIND.test(kind))) bad("a bad kind");
  return { keys, threshold, names, kinds };
}

/** @param {any} items @returns {Retired[]} */
function retired(items) {
  if (!Array.isArray(items) || !items.length || items.length > MAX_RETIRED_KEYS) bad("retired is not a list of keys");
  judgeTogether(items.flatMap((item) => [item?.key, item?.successor]));
  const found = items.map((item) => {
    const known = ["key", "successor", "suspectFrom"];
    if (!isObject(item) || !Object.hasOwn(item, "key") || !Object.keys(item).every((name) => known.includes(name))) {
      bad("a retired key has other members");
    }
    const { key, successor = null, suspectFrom = null } = item;
    for (const name of ["key", "successor"]) if (Object.hasOwn(item, name)) rethrow(() => parseDidKey(item[name]));
    if (successor === key) bad("a key succeeds itself");
    if (Object.hasOwn(item, "suspectFrom") && !(Number.isSafeInteger(suspectFrom) && suspectFrom >= 1)) {
      bad("suspectFrom is not a log index after the first");
    }
    return { key, successor, suspectFrom };
  });
  if (new Set(found.map(({ key }) => key)).size !== found.length) bad("a key is retired twice");
  return found;
}

/** @param {any} value @returns {number[]} */
function indices(value) {
  const sound = Array.isArray(value) && value.length && value.length <= MAX_MISDATED_ENTRIES &&
    value.every((one, at) => Number.isSafeInteger(one) && one >= 0 && (at === 0 || one > value[at - 1]));
  return sound ? value : bad("misdated is not a list of log indices in ascending order");
}

/** @param {any} value @returns {string[]} */
function strings(value) {
  const sound = Array.isArray(value) && value.length && value.every((item) => typeof item === "string");
  // One key must not count as two.
  return sound && new Set(value).size === value.length ? value : bad("not a list of different strings");
}

/** @template T @param {() => T} run @returns {T} */
const rethrow = (run) => attempt(run, ({ message }) => bad(message));

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-policy", `not a policy: ${reason}`);
}
