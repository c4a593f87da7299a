/** The shape of a foreign credential or presentation (spec §17.3), by its MUST numbers. */
import { Refusal, spelt } from "../../canon/errors.js";
import { isObject } from "../../canon/json.js";
import { checkContexts, checkTypes } from "../contexts.js";
import { checkEnvelope, CREDENTIAL, isEnveloped } from "./enveloped.js";
import { bad, idOf, isLanguageValue, isUrl, itemsOf, objectsOf, parseStamp, statedIn, typesOf } from "../../canon/values.js";

const TYPED = [
  "credentialStatus", "credentialSchema", "termsOfUse", "evidence", "refreshService", "renderMethod", "confidenceMethod",
];
const OPAQUE = "jsonSchema"; // JSON for somebody else: a schema's `properties` may well hold `id`

/** @param {any} document @param {boolean} [secured] It must have a proof (M10). */
export function checkCredentialModel(document, secured = true) {
  checkDocument(document, "VerifiableCredential", secured);
  checkIssuer(document.issuer);
  for (const subject of objectsOf(statedIn(document, "credentialSubject"), "credentialSubject")) {
    if (!Object.keys(subject).length) bad("credentialSubject", "an object without a claim");
  }
  checkPeriod(document);
  for (const name of TYPED) {
    if (!Object.hasOwn(document, name)) continue;
    for (const item of objectsOf(document[name], name)) checkType(item, name);
  }
  for (const schema of statedIn(document, "credentialSchema")) {
    if (!isUrl(schema.id)) bad("credentialSchema/id", "missing, or not a URL");
  }
  if (statedIn(document, "relatedResource").length) checkRelated(objectsOf(document.relatedResource, "relatedResource"));
}

/** @param {any} document */
export function checkPresentationModel(document) {
  checkDocument(document, "VerifiablePresentation", false);
  if (Object.hasOwn(document, "holder") && !isUrl(idOf(document.holder))) {
    bad("holder", "neither a URL nor an object with one as id");
  }
  for (const item of presented(document)) {
    if (isEnveloped(item, CREDENTIAL)) checkEnvelope(item, CREDENTIAL);
    else checkType(item, "verifiableCredential");
  }
  if (Object.hasOwn(document, "termsOfUse")) {
    for (const item of objectsOf(document.termsOfUse, "termsOfUse")) checkType(item, "termsOfUse");
  }
}

/** What a presentation presents (M11). @param {any} document @returns {any[]} */
export const presented = (document) => (statedIn(document, "verifiableCredential").length
  ? objectsOf(document.verifiableCredential, "verifiableCredential") : []);

/** @param {any} document @param {string} kind @param {boolean} secured */
function checkDocument(document, kind, secured) {
  checkContexts(statedIn(document, "@context"));
  if (Object.hasOwn(document, "id") && !isUrl(document.id)) bad("id", "not one URL");
  checkType(document, "document");
  if (!typesOf(document).includes(kind)) bad("type", `does not include ${kind}`);
  for (const name of ["name", "description"]) checkText(document, name, name);
  if (Object.hasOwn(document, "proof")) {
    for (const proof of objectsOf(document.proof, "proof")) checkType(proof, "proof");
  } else if (secured) {
    bad("proof", "missing: nothing secures it");
  }
  const types = new Set(typesOf(document));
  for (const item of objectsBelow(document)) {
    checkObject(item);
    for (const name of typesOf(item)) types.add(name);
  }
  checkTypes(document["@context"], types);
}

/** @param {any} issuer */
function checkIssuer(issuer) {
  if (!isUrl(idOf(issuer))) bad("issuer", "neither a URL nor an object with one as id");
  if (isObject(issuer)) for (const name of ["name", "description"]) checkText(issuer, name, `issuer/${name}`);
}

/** @param {any} document */
function checkPeriod(document) {
  const [from, until] = ["validFrom", "validUntil"].map((name) => {
    if (!Object.hasOwn(document, name)) return undefined;
    try {
      return parseStamp(document[name]);
    } catch (error) {
      return bad(name, /** @type {Refusal} */ (error).message);
    }
  });
  if (from !== undefined && until !== undefined && until < from) bad("validUntil", "before validFrom");
}

/** @param {any[]} resources */
function checkRelated(resources) {
  const seen = new Set();
  for (const resource of resources) {
    if (!isUrl(resource.id)) bad("relatedResource/id", "missing, or not a URL");
    if (seen.has(resource.id)) bad("relatedResource/id", `${resource.id.slice(0, 80)} occurs twice`);
    seen.add(resource.id);
    if (!Object.hasOwn(resource, "digestSRI") && !Object.hasOwn(resource, "digestMultibase")) {
      bad("relatedResource", "without digestSRI and digestMultibase");
    }
    if (typeof (Object.hasOwn(resource, "mediaType") ? resource.mediaType : "") !== "string") {
      bad("relatedResource/mediaType", "not a string");
    }
  }
}

/** @param {any} item @param {string} where */
function checkType(item, where) {
  const names = statedIn(item, "type");
  if (!names.length || !names.every((name) => typeof name === "string" && name)) {
    bad(`${where}/type`, "missing, or not terms and URLs");
  }
}

/** @param {any} item @param {string} name @param {string} where */
function checkText(item, name, where) {
  if (!Object.hasOwn(item, name)) return;
  const values = itemsOf(item[name]);
  if (!values.length) bad(where, "an empty list");
  if (!values.every((value) => typeof value === "string" || (isObject(value) && isLanguageValue(value)))) {
    bad(where, "neither a string nor a language value object");
  }
}

/** @param {any} item */
function checkObject(item) {
  if (Object.hasOwn(item, "id") && !isUrl(item.id)) bad("id", `${spelt(item.id).slice(0, 80)} is not one URL`);
  // ATTACK: a context inside re-defines the claims beside it; @graph, @reverse and @type say to an
  // RDF reader what no JSON reader sees. Language is all that is left.
  const keyword = Object.keys(item).filter((name) => name.startsWith("@")).sort()[0];
  if (keyword !== undefined && !isLanguageValue(item)) bad(keyword.slice(0, 80), "a JSON-LD keyword below the top level");
}

/** Every object below a document that is part of it; what is presented is a document of its own. @param {any} document */
function* objectsBelow(document) {
  const pending = Object.entries(document).flatMap(([name, value]) => {
    if (name === "@context" || name === "verifiableCredential") return [];
    if (name !== "proof") return [value];
    return itemsOf(value).map((proof) => Object.fromEntries(Object.entries(proof).filter(([key]) => key !== "@context")));
  });
  while (pending.length) {
    const value = pending.pop();
    if (Array.isArray(value)) for (const inner of value) pending.push(inner);
    else if (isObject(value)) {
      yield value;
      for (const [name, inner] of Object.entries(value)) if (name !== OPAQUE) pending.push(inner);
    }
  }
}
