/**
 * What contexts may do to a foreign document (spec §17.3). None is fetched, and
 * none processed here: it is looked at as far as a MUST of the data model depends on it.
 */
import texts from "../../generated/contexts.js";
import { same, utf8 } from "../canon/bytes.js";
import { canonical, isObject, parse } from "../canon/json.js";
import { bad, BLANK, isUrl, itemsOf } from "../canon/values.js";

export const VC_CONTEXT = "https://www.w3.org/ns/credentials/v2";
const NO_TERM = new RegExp(`[:${BLANK}]`, "u");
const ABOUT_ALL = ["@version", "@vocab", "@protected", "@language", "@direction"];

/** The bundled contexts, byte for byte. @type {Map<string, Uint8Array>} */
export const CONTEXTS = new Map(Object.entries(texts).map(([url, text]) => [url, utf8(text)]));

/** @type {Map<string, any>} */
const parsed = new Map();

/** A bundled context, parsed; shared, so nobody may change it. @param {string} url @returns {any} */
export function contextDocument(url) {
  if (!parsed.has(url)) parsed.set(url, parse(/** @type {Uint8Array} */ (CONTEXTS.get(url)), { foreign: true }));
  return parsed.get(url);
}

/** @param {any} stated The `@context` of a document (M1). */
export function checkContexts(stated) {
  const [first, ...others] = itemsOf(stated);
  if (first !== VC_CONTEXT) bad("@context", `does not begin with ${VC_CONTEXT}`);
  const guarded = new Map(own(contextDocument(VC_CONTEXT)["@context"]));
  for (const context of others) {
    if (isObject(context)) {
      checkInline(context, guarded);
      if (context["@protected"] === true) for (const [name, value] of own(context)) guarded.set(name, value);
    } else if (!isUrl(context)) {
      bad("@context", "an item is neither a URL nor an object");
    }
  }
}

/** Whether every type is a URL or a term that the contexts define, as far as known (M3). @param {any} contexts @param {Iterable<string>} types */
export function checkTypes(contexts, types) {
  const names = [...types].filter((name) => !isUrl(name));
  for (const name of names) if (NO_TERM.test(name)) bad("type", `${name.slice(0, 80)} is neither a term nor a URL`);
  /** @type {Set<string>} */
  const defined = new Set();
  for (const context of itemsOf(contexts)) {
    /** @type {Set<string> | null} */
    let known = null;
    if (isObject(context)) known = terms(context);
    else if (CONTEXTS.has(context)) known = terms(contextDocument(context)["@context"]);
    if (known === null) return;
    for (const name of known) defined.add(name);
  }
  for (const name of names) if (!defined.has(name)) bad("type", `no context defines ${name.slice(0, 80)}`);
}

/** @param {{[name: string]: any}} context @param {Map<string, any>} guarded */
function checkInline(context, guarded) {
  for (const [name, meaning] of /** @type {[string, any][]} */ (Object.entries(context))) {
    if (name.startsWith("@")) { // @import fetches, @base moves every relative URL
      if (!ABOUT_ALL.includes(name)) bad("@context", `${name.slice(0, 80)} is not taken in an inline context`);
      continue;
    }
    if (guarded.has(name) && !same(canonical(guarded.get(name)), canonical(meaning))) {
      bad("@context", `redefines the protected term ${name.slice(0, 80)}`);
    }
    /** @type {any} */
    const target = isObject(meaning) ? (Object.hasOwn(meaning, "@id") ? meaning["@id"] : null) : meaning;
    if (target === null) continue;
    if (typeof target !== "string" || !(isUrl(target) || target.startsWith("@"))) {
      bad("@context", `maps ${name.slice(0, 80)} to something that is not a URL`);
    }
  }
}

/** @param {any} context @returns {[string, any][]} */
const own = (context) => Object.entries(context).filter(([name]) => !name.startsWith("@"));

/** What a context defines, also inside some type or property; null if it may define anything. @param {any} context */
function terms(context) {
  /** @type {Set<string>} */
  const found = new Set();
  /** @type {any[]} */
  const pending = [context];
  while (pending.length) {
    const inner = pending.pop();
    if (Array.isArray(inner)) for (const one of inner) pending.push(one);
    else if (typeof inner === "string" || inner?.["@vocab"]) return null;
    else if (isObject(inner)) {
      for (const [name] of own(inner)) found.add(name);
      for (const value of Object.values(inner)) if (isObject(value) && Object.hasOwn(value, "@context")) pending.push(value["@context"]);
    }
  }
  return found;
}
