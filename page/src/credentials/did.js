/**
 * DIDs, their documents, and the keys behind the URLs of proofs (spec/18-dids.md), from documents
 * handed in. Where a document came from decides how much it is worth.
 */
import { includes } from "../canon/bytes.js";
import { blake3 } from "../canon/digest.js";
import { parseMultikey, parseVerificationMethod } from "../crypto/ed25519.js";
import { attempt, refuse, spelt } from "../canon/errors.js";
import { isObject, parse } from "../canon/json.js";
import { inCalendar } from "../canon/timestamps.js";
import { MAX_DID_CHARACTERS, MAX_DID_DOCUMENTS, MAX_DID_DOCUMENT_BYTES, MAX_DID_METHODS } from "../../generated/limits.js";


// A credential names one method in its proof, a document lists some: credentials must not use up the tries.
const LISTS_METHODS = /"verificationMethod"\s*:\s*\[/u;
const PURPOSES = ["assertionMethod", "authentication", "capabilityInvocation", "capabilityDelegation"];
const CONTEXTS = ["https://www.w3.org/ns/did/v1", "https://www.w3.org/ns/cid/v1"];
const SECRET = ["secretKeyMultibase", "privateKeyMultibase", "privateKeyJwk", "secretKeyJwk"];
const SOURCES = ["fetched", "pinned", "derived", "snapshot"]; // best first
const MOMENT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/** @typedef {{id: string, controller: string, key: Uint8Array | null, expires: number, revoked: number}} Method */
/** @typedef {{id: string, methods: Map<string, Method>, purposes: Map<string, string[]>, value: any}} DidDocument */
/** @typedef {"fetched" | "pinned" | "derived" | "snapshot"} Source */
/** @typedef {{document: DidDocument, source: Source, digest: string}} Known */
/** @typedef {{did: string, key: Uint8Array, source: Source, missingFrom: Source[], digest: string}} ResolvedKey `missingFrom`: better documents that do not list it. */

/** Read a DID: no path, query or fragment. @param {any} text @returns {{method: string, rest: string}} */
export function parseDid(text) {
  const found = typeof text === "string" && text.length <= MAX_DID_CHARACTERS
    ? /^did:([a-z0-9]{1,32}):([A-Za-z0-9._:%-]+)$/.exec(text) : null;
  if (found === null) return badDid(text, "not a DID");
  const [, method, rest] = found;
  if (method === "web") webParts(text, rest);
  else if (rest.endsWith(":") || /%(?![0-9A-F]{2})/.test(rest)) badDid(text, "not a DID");
  return { method, rest };
}

/** The DID of a verification method's URL. @param {any} url @returns {string} */
function didOf(url) {
  const at = typeof url === "string" ? url.indexOf("#") : -1;
  if (at < 0 || !/^[A-Za-z0-9._~:=@!$&'()*+,;/?-]{1,300}$/.test(url.slice(at + 1))) {
    badDid(url, "not a DID followed by # and a fragment");
  }
  parseDid(url.slice(0, at));
  return url.slice(0, at);
}

/** Where the document of a did:web lives. @param {string} did */
export function webUrl(did) {
  const { method, rest } = parseDid(did);
  if (method !== "web") badDid(did, "not a did:web");
  const { host, port, path } = webParts(did, rest);
  return `https://${host}${port ? `:${port}` : ""}/${path.length ? path.join("/") : ".well-known"}/did.json`;
}

/** @param {string} did @param {string} rest */
function webParts(did, rest) {
  const [authority, ...path] = rest.split(":");
  const at = authority.indexOf("%3A");
  const host = at < 0 ? authority : authority.slice(0, at);
  const port = at < 0 ? "" : authority.slice(at + 3);
  const labels = host.split(".");
  // No address in any spelling: the last label begins with a letter.
  if (host.length > 253 || labels.length < 2 || !labels.every((label) => LABEL.test(label)) ||
      !/^[a-z]/.test(/** @type {string} */ (labels.at(-1)))) {
    badDid(did, "a did:web begins with a registered name in lower case");
  }
  if (at >= 0 && (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 65535)) badDid(did, "not a port");
  if (!path.every((segment) => SEGMENT.test(segment))) badDid(did, "a did:web has a bad path");
  return { host, port, path };
}

/** Read a DID document. @param {Uint8Array} bytes @returns {DidDocument} */
function parseDocument(bytes) {
  const value = within(() => parse(bytes, { maxBytes: MAX_DID_DOCUMENT_BYTES, foreign: true }));
  if (!isObject(value)) bad("not an object");
  const id = did(value.id, "id");
  const context = value["@context"];
  const first = Array.isArray(context) && context.length ? context[0] : context;
  if ((context ?? null) !== null && !CONTEXTS.includes(first)) bad("its @context does not begin with the one of DIDs");
  const { controller } = value;
  if ((controller ?? null) !== null) {
    for (const item of Array.isArray(controller) ? controller : [controller]) did(item, "controller");
  }
  /** @type {Map<string, Method>} */
  const methods = new Map();
  const add = (/** @type {Method} */ method) => {
    if (methods.has(method.id)) bad(`the method ${shown(method.id, 200)} occurs twice`);
    if (methods.size === MAX_DID_METHODS) bad(`more than ${MAX_DID_METHODS} methods`);
    methods.set(method.id, method);
  };
  for (const item of list(value, "verificationMethod")) add(readMethod(item, id));
  const purposes = new Map(PURPOSES.map((purpose) => {
    const names = list(value, purpose).map((item) => {
      if (!isObject(item)) return absolute(item, id);
      const method = readMethod(item, id); // embedded: for this relationship alone
      add(method);
      return method.id;
    });
    if (new Set(names).size !== names.length) bad(`${purpose} lists a method twice`);
    return [purpose, names];
  }));
  return { id, methods, purposes, value };
}

/** @param {any} item @param {string} id @returns {Method} */
function readMethod(item, id) {
  if (!isObject(item) || typeof item.type !== "string") bad("a verification method is not an object with a type");
  if (SECRET.some((name) => Object.hasOwn(item, name))) bad("a verification method shows a private key");
  return {
    id: absolute(item.id, id),
    controller: did(item.controller, "controller of a verification method"),
    key: keyOf(item),
    expires: moment(item, "expires"),
    revoked: moment(item, "revoked"),
  };
}

/** @param {any} item */
function keyOf(item) {
  const text = item.publicKeyMultibase;
  if (item.type !== "Multikey" || typeof text !== "string" || !text.startsWith("z6Mk")) return null;
  return within(() => parseMultikey(text));
}

/** @param {any} text @param {string} id */
function absolute(text, id) {
  const url = typeof text === "string" && text.startsWith("#") ? id + text : text;
  within(() => didOf(url));
  return /** @type {string} */ (url);
}

/** @param {any} text @param {string} what */
function did(text, what) {
  within(() => parseDid(text), `${what}: `);
  return /** @type {string} */ (text);
}

/** @param {any} value @param {string} member @returns {any[]} */
function list(value, member) {
  const found = Object.hasOwn(value, member) ? value[member] : [];
  return Array.isArray(found) && found.length <= MAX_DID_METHODS
    ? found : bad(`${member} is not a list of at most ${MAX_DID_METHODS}`);
}

/** @param {any} item @param {string} member */
function moment(item, member) {
  if (!Object.hasOwn(item, member)) return Infinity;
  const read = typeof item[member] === "string" ? MOMENT.exec(item[member]) : null;
  if (read === null) return bad(`${member} is no date and time with an offset`);
  const [, local, offset] = read;
  const time = Date.parse(`${local}Z`);
  // Date.parse rolls the 31st of June over, and takes 24:00: only what it writes back alike is a date.
  const shift = offset === "Z" ? 0 : (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))) * 60_000;
  const found = time - (offset.startsWith("-") ? -shift : shift);
  const sound = inCalendar(time) && new Date(time).toISOString().startsWith(local) && inCalendar(found) &&
    (offset === "Z" || (Number(offset.slice(1, 3)) < 24 && Number(offset.slice(4)) < 60));
  return sound ? found : bad(`${member} is no such date or time`);
}

/** The DID documents among files, unverified. @param {Iterable<Uint8Array>} files @param {Source} source @returns {Known[]} */
export function documentsAmong(files, source = "snapshot") {
  /** @type {Known[]} */
  const found = [];
  let tries = 0;
  for (const bytes of files) {
    if (tries === MAX_DID_DOCUMENTS) break;
    if (bytes.length > MAX_DID_DOCUMENT_BYTES || !includes(bytes, "did:") || !LISTS_METHODS.test(new TextDecoder().decode(bytes))) continue;
    tries += 1;
    attempt(() => found.push(known(bytes, source)));
  }
  return found;
}

/** @param {Uint8Array} bytes @param {Source} source @returns {Known} */
export const known = (bytes, source) => ({ document: parseDocument(bytes), source, digest: `blake3:${blake3(bytes)}` });

/** Finds keys in the documents it knows; did:key by itself. */
export class Resolver {
  /** @param {Known[]} documents Several may be about one DID. */
  constructor(documents = []) {
    this.documents = [...documents].sort((left, right) => SOURCES.indexOf(left.source) - SOURCES.indexOf(right.source));
  }

  /** A resolver of only those that speak for their DID. */
  withoutSnapshots() {
    return new Resolver(this.documents.filter(({ source }) => source !== "snapshot"));
  }

  /**
   * Return the key behind the URL of a verification method, and what vouches for it.
   *
   * @param {any} url
   * @param {string} purpose
   * @param {number} at
   * @returns {ResolvedKey}
   */
  find(url, purpose, at) {
    if (!PURPOSES.includes(purpose)) refuse("wrong-purpose", `nothing is signed for ${shown(purpose, 80)}`);
    const [before, ...fragments] = typeof url === "string" ? url.split("#") : [""];
    if (before.startsWith("did:key:") && fragments.length === 1) {
      return { did: before, key: parseVerificationMethod(url), source: "derived", missingFrom: [], digest: "" };
    }
    const id = didOf(url);
    const { method } = parseDid(id);
    if (method !== "web") refuse("unsupported-did", `keys of did:${method} cannot be looked up`);
    const documents = this.documents.filter(({ document }) => document.id === id);
    if (!documents.length) refuse("no-document", `no DID document of ${shown(id, 200)} is pinned or beside it`);
    /** @type {Set<Source>} */
    const missing = new Set();
    for (const { document, source, digest } of documents) {
      const found = document.methods.get(url);
      if (found) {
        const key = usable(found, document, purpose, at);
        return { did: id, key, source, missingFrom: [...missing].filter((better) => better !== source), digest };
      }
      missing.add(source);
    }
    return refuse("no-method", `no document of ${shown(id, 200)} lists ${shown(url, 300)}`);
  }
}

/** @param {Method} method @param {DidDocument} document @param {string} purpose @param {number} at */
function usable(method, document, purpose, at) {
  const name = shown(method.id, 300);
  if (method.controller !== document.id) {
    refuse("foreign-controller", `${name} is controlled by ${shown(method.controller, 200)}`);
  }
  if (!document.purposes.get(purpose)?.includes(method.id)) {
    refuse("wrong-purpose", `${name} is not listed under ${shown(purpose, 80)}`);
  }
  if (method.key === null) return refuse("unsupported-method", `${name} is not an Ed25519 Multikey`);
  if (method.revoked <= at) refuse("method-revoked", `${name} is revoked`);
  if (method.expires <= at) refuse("method-expired", `${name} expired`);
  return method.key;
}

/** @param {any} text @param {number} limit */
const shown = (text, limit) => `'${spelt(text).slice(0, limit)}'`;

/** @template T @param {() => T} run @param {string} [before] @returns {T} */
const within = (run, before = "") => attempt(run, ({ message }) => bad(before + message));

/** @param {any} text @param {string} reason @returns {never} */
function badDid(text, reason) {
  return refuse("bad-did", `${reason}: ${shown(text, 80)}`);
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-did-document", `not a DID document: ${reason}`);
}
