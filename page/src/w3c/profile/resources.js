/** Resources that a credential names and pins; nothing is ever fetched (spec §17.6). */
import { counted } from "../../canon/text.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { sha3_256, sha3_384 } from "@noble/hashes/sha3.js";
import { hex, same, unbase58, unbase64, unbase64url, unhex } from "../../canon/bytes.js";
import { blake3 } from "../../canon/digest.js";
import { refuse, Refusal } from "../../canon/errors.js";
import { quote } from "../../canon/quoting.js";
import { failed, notApplicable, passed, unchecked } from "../../verify/report.js";
import { isObject, parse } from "../../canon/json.js";
import { CONTEXTS } from "../contexts.js";
import { modelProblem } from "../problems.js";
import { isUrl, statedIn } from "../../canon/values.js";
import { MAX_BASE64URL_DIGEST, MAX_RESOURCE_BYTES, MAX_RESOURCE_DIGESTS, MAX_SRI_CHARACTERS } from "../../../generated/limits.js";

const SRI_ITEM = /^(sha256|sha384|sha512)-([A-Za-z0-9+/]{40,90}={0,2})(?:\?[\x21-\x7e]*)?$/;

/** @typedef {(bytes: Uint8Array) => Uint8Array} Hash */
/** @typedef {[Hash, Uint8Array][]} Pinned Digests, of which every one must fit. */

/** @type {Map<string, Hash>} */
const SRI = new Map(/** @type {[string, Hash][]} */ ([["sha256", sha256], ["sha384", sha384], ["sha512", sha512]]));
/** @type {Map<number, Hash>} */
const MULTIHASH = new Map(/** @type {[number, Hash][]} */ ([
  [0x12, sha256], [0x13, sha512], [0x15, sha3_384], [0x16, sha3_256], [0x1e, (bytes) => unhex(blake3(bytes))], [0x20, sha384],
]));

/** The digests by which an object pins a resource. @param {any} item @returns {Pinned} */
export const pinnedBy = (item) => [
  ...texts(item, "digestSRI").map(parseSri), ...texts(item, "digestMultibase").map(parseMultihash),
];

/** The resources at hand. */
export class Resources {
  /**
   * @param {Map<string, Uint8Array>} named What the user handed in: found under its name, if that is a URL,
   *   under the URL that it claims, and by its digest.
   * @param {Iterable<Uint8Array>} beside What lies beside the credential: found by its digest only. A
   *   schema of an attacker's may claim any URL.
   */
  constructor(named = new Map(), beside = []) {
    /** @type {Map<string, Uint8Array>} */
    this.byUrl = new Map([...named].filter(([name]) => isUrl(name)));
    for (const [name, bytes] of named) {
      const url = isUrl(name) ? null : claimedUrl(bytes);
      if (url !== null && !this.byUrl.has(url)) this.byUrl.set(url, bytes);
    }
    this.files = [...named.values(), ...beside].filter(({ length }) => length <= MAX_RESOURCE_BYTES);
    /** @type {Map<Hash, Map<string, Uint8Array>>} */
    this.byDigest = new Map();
  }

  /** The resource, or undefined where nothing at hand is it. @param {string} url @param {Pinned} pinned */
  find(url, pinned) {
    const fits = (/** @type {Uint8Array} */ bytes) => pinned.every(([hash, digest]) => same(hash(bytes), digest));
    const named = CONTEXTS.get(url) ?? this.byUrl.get(url);
    if (!pinned.length) return named;
    if (named !== undefined) {
      return fits(named) ? named : refuse("digest-mismatch", `${quote(url, 200)} is not the text pinned`);
    }
    const [[hash, digest]] = pinned;
    if (!this.byDigest.has(hash)) this.byDigest.set(hash, new Map(this.files.map((bytes) => [hex(hash(bytes)), bytes])));
    const found = this.byDigest.get(hash)?.get(hex(digest));
    return found !== undefined && fits(found) ? found : undefined;
  }
}

/** The check `related`: what is at hand is what `relatedResource` pins (M12). @param {any} document @param {Resources} resources */
export function checkRelated(document, resources) {
  const stated = statedIn(document, "relatedResource");
  if (!stated.length) return notApplicable("related", "pins no other resource");
  const absent = [];
  for (const item of stated) {
    try {
      if (resources.find(item.id, pinnedBy(item)) === undefined) absent.push(item.id);
    } catch (error) {
      const { kind, message } = /** @type {Refusal} */ (error);
      const summary = `relatedResource ${quote(item.id)}: ${quote(message, 200)}`;
      return failed("related", kind, summary, modelProblem("MALFORMED_VALUE_ERROR"));
    }
  }
  const count = stated.length - absent.length;
  return absent.length
    ? unchecked("related", "not-at-hand", `${count} of ${stated.length} were at hand, as pinned; not ${quote(absent[0])}`,
      { absent: absent.slice(0, 100) })
    : passed("related", `${counted(count, "pinned resource")} at hand and as pinned`);
}

/** @param {Uint8Array} bytes */
function claimedUrl(bytes) {
  try {
    const document = parse(bytes, { foreign: true });
    const url = isObject(document) ? (Object.hasOwn(document, "$id") ? document.$id : document.id) : null;
    return isUrl(url) ? url : null;
  } catch {
    return null;
  }
}

/** @param {any} item @param {string} name @returns {string[]} */
function texts(item, name) {
  const found = statedIn(item, name);
  return found.length <= MAX_RESOURCE_DIGESTS && found.every((text) => typeof text === "string") ? found : bad(found);
}

/** Of several alternatives in one string the strongest counts, as in a browser. @param {string} text @returns {[Hash, Uint8Array]} */
function parseSri(text) {
  const found = text.length > MAX_SRI_CHARACTERS ? [] : text.split(/[ \t\n\f\r]+/).map((part) => SRI_ITEM.exec(part)).filter((match) => match !== null);
  const best = found.reduce((strongest, one) => (strongest !== undefined && strongest[1] >= one[1] ? strongest : one), found[0]);
  const hash = best && SRI.get(best[1]);
  if (!hash) return bad(text);
  let digest = new Uint8Array();
  try {
    digest = Uint8Array.from(unbase64(best[2], "bad-digest"));
  } catch {
    bad(text);
  }
  return digest.length === hash(new Uint8Array()).length ? [hash, digest] : bad(text);
}

/** @param {string} text @returns {[Hash, Uint8Array]} */
function parseMultihash(text) {
  let raw = new Uint8Array();
  try {
    if (text.startsWith("u") && text.length <= MAX_BASE64URL_DIGEST) raw = Uint8Array.from(unbase64url(text.slice(1), "bad-digest"));
    else if (text.startsWith("z")) raw = Uint8Array.from(unbase58(text.slice(1)));
  } catch {
    bad(text);
  }
  const hash = raw.length > 2 ? MULTIHASH.get(raw[0]) : undefined;
  // A bare digest without its header says nothing of its hash function.
  if (!hash || raw[1] !== raw.length - 2 || raw[1] !== hash(new Uint8Array()).length) return bad(text);
  return [hash, raw.slice(2)];
}

/** @param {any} text @returns {never} */
function bad(text) {
  return refuse("bad-digest", `not a digest known here: ${quote(text)}`);
}
