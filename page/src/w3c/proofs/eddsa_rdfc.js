/**
 * What an `eddsa-rdfc-2022` proof signs: the RDF that a document stands for (spec §3.7).
 *
 * Such a proof covers a graph, not the text, and one graph has many texts: an expired credential whose
 * `validUntil` is spelled as a full IRI still verifies, and nobody sees the date. So only documents are
 * read here of which the graph tells everything: known contexts, plain terms, nothing that JSON-LD
 * would drop, merge or read in two ways, and no graph that is dear to canonicalize.
 */
// @ts-expect-error -- it has no types
import jsonld from "jsonld";
// @ts-expect-error -- it has no types
import { canonize } from "rdf-canonize";
import { same, utf8 } from "../../canon/bytes.js";
import { refuse, spelt } from "../../canon/errors.js";
import { canonical, isObject } from "../../canon/json.js";
import { CONTEXTS, contextDocument } from "../contexts.js";
import { itemsOf, statedIn, typesOf } from "../../canon/values.js";
import { MAX_RDF_ELEMENTS, MAX_RDF_VALUES } from "../../../generated/limits.js";

export const RDFC = "eddsa-rdfc-2022";
const WORK = 1; // rounds over nodes that look alike, as a power of their number
const TERM = /^[A-Za-z][A-Za-z0-9_-]*$/;
// Without the characters that N-Quads does not escape: with them one IRI could hold whole statements.
// ATTACK: to jsonld.js and PyLD an IRI with a blank of any script is none, and they drop what is said
// of it: anybody could add that unsigned.
const IRI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\u0000-\u0020\u007f<>"{}|^`\\\u0080-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff\ufffe\uffff]*$/;
const NAMED = new RegExp(`^${IRI.source.slice(1, -1)}[#/](${TERM.source.slice(1, -1)})$`);
const MAY_NAME = ["VerifiablePresentation", "DataIntegrityProof"]; // a proof is read with its document's contexts
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/;
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/; // escaped in more than one way
const LANGUAGE_VALUE = ["@value", "@language", "@direction"];

/** Return the canonical N-Quads of a document. @param {any} document @returns {Promise<Uint8Array>} */
export async function canonicalRdf(document) {
  const written = new Text(document).count();
  if (written > MAX_RDF_VALUES) bad(`more than ${MAX_RDF_VALUES} values`);
  const options = {
    base: null, documentLoader: load, processingMode: "json-ld-1.1", rdfDirection: "i18n-datatype", safe: false,
  };
  const plain = JSON.parse(JSON.stringify(document)); // the library asks objects for their prototype's methods
  const expanded = await attempt(() => jsonld.expand(plain, options));
  if (countExpanded(expanded) !== written) bad("a member has no meaning in its contexts, or shares it with another");
  return utf8(await attempt(async () => {
    const dataset = await jsonld.toRDF(expanded, { ...options, skipExpansion: true });
    return canonize(dataset, { algorithm: "RDFC-1.0", format: "application/n-quads", maxWorkFactor: WORK });
  }));
}

/** @param {string} url */
async function load(url) {
  return { contextUrl: undefined, documentUrl: url, document: structuredClone(known(url)) };
}

/** @param {any} url */
function known(url) {
  if (!CONTEXTS.has(url)) refuse("unknown-context", `the context '${spelt(url).slice(0, 200)}' is not one that this page knows`);
  return contextDocument(url);
}

/** What a known context says, also within its types and members. @param {string} url */
function meaningsOf(url) {
  /** @type {Set<string>} */
  const terms = new Set();
  /** @type {Set<string>} */
  const iris = new Set();
  /** @type {string[]} */
  const vocabularies = [];
  const pending = [known(url)["@context"]];
  while (pending.length) {
    for (const [name, meaning] of Object.entries(pending.pop())) {
      terms.add(name);
      if (name === "@vocab") vocabularies.push(meaning);
      else if (isObject(meaning)) pending.push(meaning);
      else if (typeof meaning === "string" && name !== "@type") iris.add(meaning);
    }
  }
  return { terms, iris, vocabularies };
}

/** A document, looked at before JSON-LD touches it. */
class Text {
  /** @param {any} document */
  constructor(document) {
    this.document = document;
    this.contexts = document["@context"];
    this.mayName = typesOf(document).some((name) => MAY_NAME.includes(name));
    /** @type {Set<string>} */
    this.iris = new Set(); // that terms stand for; the text has to use the terms
    /** @type {string[]} */
    this.vocabularies = [];
    /** @type {[string, any][]} */
    const named = [];
    for (const context of itemsOf(this.contexts)) {
      if (isObject(context) && this.mayName) for (const pair of Object.entries(context)) named.push(pair);
      else if (typeof context !== "string") bad("a context is missing, null, or inline in what is no presentation");
      else {
        const { iris, vocabularies } = meaningsOf(context);
        for (const iri of iris) this.iris.add(iri);
        this.vocabularies.push(...vocabularies);
      }
    }
    for (const [term, iri] of named) {
      // ATTACK: whoever shows a presentation writes other words for its IRIs. If each is the last part
      // of its IRI, and no known context has another, there is no choice.
      const taken = [...CONTEXTS.keys()].map(meaningsOf).some(({ terms, iris }) => terms.has(term) || iris.has(iri));
      if (taken || lastPart(iri) !== term) bad(`a context of its own gives ${term.slice(0, 80)} another meaning than its name`);
      this.iris.add(iri);
    }
    if (named.length > MAX_RDF_ELEMENTS || new Set(named.map(([term]) => term)).size !== named.length) {
      bad(`contexts of its own give a name twice, or more than ${MAX_RDF_ELEMENTS}`);
    }
  }

  /** How many values the document has, after looking at each. @returns {number} */
  count() {
    return Object.entries(this.document).filter(([name]) => name !== "@context")
      .reduce((sum, [name, value]) => sum + this.member(name, value), 0);
  }

  /** @param {string} name @param {any} value @returns {number} */
  member(name, value) {
    // A name with a colon is an IRI or takes part in one, a second spelling of some term; one with @ is syntax.
    if (!TERM.test(name)) bad(`the member ${name.slice(0, 80)} is not a plain term`);
    const elements = itemsOf(value);
    if (!elements.length) bad("an empty list; RDF has none");
    if (name === "type" && this.mayName && !elements.every(oneSpelling)) {
      bad("a type of a presentation that could be a term is to be written as one");
    }
    // Of an object that has only an id, expansion leaves what it leaves of a string.
    return elements.reduce((sum, element) => sum + this.element(name, element), name === "id" ? -1 : 0);
  }

  /** @param {string} name @param {any} value @returns {number} */
  element(name, value) {
    if (isObject(value)) {
      if (LANGUAGE_VALUE.some((one) => Object.hasOwn(value, one))) {
        this.languageValue(value);
        return 1;
      }
      if (Object.hasOwn(value, "@context")) return 1 + this.inner(name, value).count();
      return Object.entries(value).reduce((sum, [member, inner]) => sum + this.member(member, inner), 1);
    }
    if (typeof value === "string") this.text(value);
    else if (typeof value !== "boolean" && !Number.isInteger(value)) {
      bad("a null, a list in a list, or a fraction; RDF drops, merges or rounds them");
    }
    return 1;
  }

  /** A document of its own: a presented credential, or a proof that repeats its document's context. @param {string} name @param {any} value */
  inner(name, value) {
    const presented = statedIn(this.document, "verifiableCredential").includes(value);
    if (!presented && (name !== "proof" || this.contexts === undefined ||
        !same(canonical(value["@context"]), canonical(this.contexts)))) {
      bad("a context inside the document");
    }
    return new Text(value);
  }

  /** @param {string} text */
  text(text) {
    if (this.iris.has(text) || this.vocabularies.some((one) => text.startsWith(one))) {
      bad(`${text.slice(0, 80)} has to be written as a term`);
    }
    if (CONTROL.test(text)) bad("a string holds control characters");
  }

  /** @param {any} value */
  languageValue(value) {
    const names = Object.keys(value);
    const { "@value": text, "@language": language, "@direction": direction = "ltr" } = value;
    if (!names.every((name) => LANGUAGE_VALUE.includes(name)) || names.length < 2 || typeof text !== "string") {
      bad("a value object is text with a language or a direction, and nothing else");
    }
    if (Object.hasOwn(value, "@language") && (typeof language !== "string" || !LANGUAGE.test(language))) bad("not a language tag");
    if (direction !== "ltr" && direction !== "rtl") bad("a direction is ltr or rtl");
    this.text(text);
  }
}

/** The plain term that an IRI ends in. @param {any} iri @returns {string | undefined} */
function lastPart(iri) {
  return typeof iri === "string" ? NAMED.exec(iri)?.[1] : undefined;
}

/** A plain term; or an IRI for which nobody can make a term of their own. @param {any} name */
function oneSpelling(name) {
  return typeof name === "string" && (TERM.test(name) || (IRI.test(name) && lastPart(name) === undefined));
}

/** How many values are left after expansion, after looking at each. @param {any[]} expanded */
function countExpanded(expanded) {
  let count = 0;
  const root = new Set();
  /** @type {[any, Set<string>][]} */
  const pending = expanded.map((node) => [node, root]);
  while (pending.length) {
    const [node, described] = /** @type {[any, Set<string>]} */ (pending.pop());
    const id = node["@id"];
    if (id !== undefined) {
      checkIri(id);
      // Two objects of one id are one node: their members could change places unseen.
      if (Object.keys(node).some((name) => name !== "@id" && name !== "@type")) {
        if (described.has(id)) bad(`two objects have the id ${id.slice(0, 80)}`);
        described.add(id);
      }
    }
    for (const [name, values] of Object.entries(node)) {
      if (name === "@type") {
        values.forEach(checkIri);
        count += values.length;
      } else if (name === "@graph") {
        const graph = new Set();
        for (const inner of values) pending.push([inner, graph]);
      } else if (name !== "@id") {
        checkIri(name);
        for (const value of values.flatMap((/** @type {any} */ one) => one["@list"] ?? [one])) {
          if (!Object.hasOwn(value, "@value")) pending.push([value, described]);
          else if (value["@type"] === "@json") count += countJson(value["@value"]) - 1;
          count += 1;
        }
      }
    }
  }
  return count;
}

/** @param {any} value @returns {number} */
function countJson(value) {
  if (Array.isArray(value)) return value.reduce((sum, inner) => sum + countJson(inner), 0);
  if (!isObject(value)) return 1;
  return Object.entries(value).reduce((sum, [name, inner]) => sum + (name === "id" ? 0 : countJson(inner)), 1);
}

/** @param {any} iri */
function checkIri(iri) {
  if (typeof iri !== "string" || !IRI.test(iri)) bad(`${spelt(iri).slice(0, 80)} is not an absolute IRI, nor a term of the contexts`);
}

/** @template T @param {() => Promise<T>} run @returns {Promise<T>} */
async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    return bad(`not readable: ${/** @type {Error} */ (error).message.slice(0, 200)}`);
  }
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-rdf", `not to be signed as RDF: ${reason}`);
}
