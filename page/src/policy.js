/** Who may say what in a store, and which keys speak for its log (spec/08-refs-and-identity.md §3). */
import { parseDidKey } from "./ed25519.js";
import { refuse, Refusal } from "./errors.js";
import { isName, parseLogKey } from "./log.js";
import { hasExactly, isObject } from "./strictjson.js";

const OWNER = "owner";
const ROLE = /^[a-z][a-z0-9-]{0,63}$/;
const KIND = /^(?:\*|[a-z][a-z0-9-]{0,63})$/;
const PATTERN = /^[a-z0-9*][a-z0-9._*/-]{0,254}$/;

/** @typedef {{keys: string[], threshold: number, names: string[], kinds: string[]}} Role */

/** The rules of one store. */
export class Policy {
  /** @param {any} value */
  constructor(value) {
    if (!hasExactly(value, ["version", "roles", "logs"])) bad("it has other members");
    if (!Number.isSafeInteger(value.version) || value.version < 1) bad("its version is no positive integer");
    if (!isObject(value.roles) || !Object.hasOwn(value.roles, OWNER)) bad("it has no role owner");
    this.version = value.version;
    /** @type {Map<string, Role>} */
    this.roles = new Map();
    for (const [name, stated] of Object.entries(value.roles)) {
      if (!ROLE.test(name)) bad("a role has a bad name");
      this.roles.set(name, role(stated));
    }
    this.logs = strings(value.logs).map((text) => rethrow(() => parseLogKey(text)));
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
    return [...this.roles.values()].some((one) =>
      enough(one) &&
      (one.kinds.includes("*") || one.kinds.includes(kind)) &&
      one.names.some((pattern) => matches(pattern, name)));
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
  return { origin: body.origin, policy };
}

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

/** @param {any} value @returns {Role} */
function role(value) {
  if (!hasExactly(value, ["keys", "threshold", "names", "kinds"])) bad("a role has other members");
  const keys = strings(value.keys);
  const { threshold } = value;
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > keys.length) bad("a bad threshold");
  keys.forEach((key) => rethrow(() => parseDidKey(key)));
  const names = strings(value.names);
  const kinds = strings(value.kinds);
  if (names.some((name) => !PATTERN.test(name) || name.split("*").length > 9)) bad("a bad name pattern");
  if (kinds.some((kind) => !KIND.test(kind))) bad("a bad kind");
  return { keys, threshold, names, kinds };
}

/** @param {any} value @returns {string[]} */
function strings(value) {
  const sound = Array.isArray(value) && value.length && value.every((item) => typeof item === "string");
  // One key must not count as two.
  return sound && new Set(value).size === value.length ? value : bad("not a list of different strings");
}

/** @template T @param {() => T} run @returns {T} */
function rethrow(run) {
  try {
    return run();
  } catch (error) {
    return bad(/** @type {Refusal} */ (error).message);
  }
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-policy", `not a policy: ${reason}`);
}
