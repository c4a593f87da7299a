/** The shape of a credential (spec §10.2-10.4, §20.2-20.3), before anybody believes a word of it. */
import pins from "../../generated/pins.js";
import { multibase, parseHex, parseUrn } from "../canon/digest.js";
import { refuse } from "../canon/errors.js";
import { isObject } from "../canon/json.js";
import { quote } from "../canon/quoting.js";
import { parseDay, parseTimestamp } from "../canon/timestamps.js";
import { checkSchema } from "../history/manifests/manifest.js";
import { checkLicenceClaim, readTerms } from "./terms.js";

const VC_CONTEXT = "https://www.w3.org/ns/credentials/v2";
const CONTEXT = "https://w3id.org/lyrikstore/v1";

/** @typedef {{type: string, schema: "datasetCredential" | "attestationCredential" | "grantCredential" | "cardAttestation", words: string, checkSubject: (subject: any) => void, fits?: (document: any) => boolean, earlier?: string[]}} Kind `fits`: applies a schema that most programs do not carry; `earlier`: digests of earlier texts of the schema. */
/** @typedef {ReturnType<typeof readClaims>} Claims */

/** @type {Kind} */
export const DATASET = { type: "DatasetCredential", schema: "datasetCredential", words: "dataset credential", checkSubject: checkDataset };
/** @type {Kind} */
export const ATTESTATION = { type: "AttestationCredential", schema: "attestationCredential", words: "attestation credential", checkSubject: () => undefined };
/** @type {Kind} */
export const GRANT = { type: "GrantCredential", schema: "grantCredential", words: "grant credential", checkSubject: checkGrant };
const KINDS = [DATASET, ATTESTATION, GRANT];

/** The kind of ours that a document says it is, unverified. @param {any} document */
export const kindOf = (document) => (isObject(document) && Array.isArray(document.type)
  ? KINDS.find(({ type }) => document.type.includes(type)) : undefined);

/** The kind of ours that a document is by its context as well: of profile `lyrik`. @param {any} document */
export function isOurs(document) {
  const context = document["@context"];
  const ours = Array.isArray(context) && context.length === 2 && context[0] === VC_CONTEXT && context[1] === CONTEXT;
  return ours ? kindOf(document) : undefined;
}

/** What a well-formed credential says of its dataset, as values. @param {any} subject */
export function readClaims(subject) {
  const { licence, recordsRoot: records } = subject;
  return {
    name: subject.name,
    tree: parseUrn(subject.id),
    files: parseUrn(subject.files),
    manifest: parseUrn(subject.manifest),
    store: parseUrn(subject.store),
    logOrigin: subject.log.origin,
    logIndex: subject.log.index,
    records: records === undefined ? null : {
      manifest: parseUrn(records.manifest),
      root: parseHex(records.hashValue),
      count: Number(records.count),
    },
    terms: readTerms(licence),
    subject,
  };
}

/** The closed shape of profile lyrik. @param {any} document @param {Kind} kind */
export function checkShape(document, kind) {
  const other = kindOf(document);
  if (other && other.type !== kind.type) refuse("wrong-kind", `a ${other.type}, where a ${kind.type} is needed`);
  if (kind.fits === undefined) checkSchema(kind.schema, document);
  else if (!kind.fits(document)) refuse("schema", `it has not the form of ${kind.words}`);
  checkMemberNames(document);
  const from = parseTimestamp(document.validFrom);
  if (document.validUntil !== undefined && parseTimestamp(document.validUntil) < from) {
    bad("validUntil is before validFrom");
  }
  if (document.proof !== undefined) parseTimestamp(document.proof.created);
  if (![pins[kind.schema], ...(kind.earlier ?? [])].includes(document.credentialSchema.digestSRI)) {
    bad("credentialSchema pins another text than the published one");
  }
  if (document.supersedes?.id === document.id) bad("it supersedes itself");
  kind.checkSubject(document.credentialSubject);
  const related = document.relatedResource ?? [];
  unique(related.map((/** @type {any} */ item) => item.id), "a relatedResource");
  for (const item of related) {
    if (item.id === CONTEXT && item.digestSRI !== pins.context) bad("another text of the context is pinned");
  }
}

/** @param {any} subject */
function checkDataset(subject) {
  const root = parseUrn(subject.id);
  const { hashValue, digestMultibase } = subject.contentRoot;
  // Two spellings of one root that differ are a lie by construction.
  if (hashValue !== root || digestMultibase !== multibase(root)) {
    bad("credentialSubject.id and contentRoot name different content");
  }
  for (const member of ["files", "manifest", "store"]) parseUrn(subject[member]);
  if (subject.recordsRoot !== undefined) {
    parseUrn(subject.recordsRoot.manifest);
    parseHex(subject.recordsRoot.hashValue);
  }
  (subject.derivedFrom ?? []).forEach((/** @type {any} */ source) => parseUrn(source.id));
  checkLicenceClaim(subject);
  checkStatements(subject);
  unique(subject.descriptor.map((/** @type {any} */ item) => item.field), "a descriptor field");
}

/** @param {any} subject */
function checkStatements({ age = {}, quality = [], regulatory = [] }) {
  const [first, last] = [age.collectedFrom, age.collectedUntil].map(day);
  if (first !== undefined && last !== undefined && last < first) bad("collected until before it was collected from");
  if (age.snapshotAt !== undefined) parseTimestamp(age.snapshotAt);
  for (const { metric, recipe } of quality) {
    // ATTACK: a claim called by one name, recomputed as equal by the recipe of another.
    if (recipe && metric !== recipe.use.split("/")[0]) bad("a measured claim has another name than its recipe");
  }
  for (const { asOf } of regulatory) day(asOf);
}

/** @param {string | undefined} text */
function day(text) {
  if (text === undefined) return undefined;
  const moment = parseDay(text);
  if (Number.isNaN(moment)) bad("a day that no calendar has");
  return moment;
}

/** An opinion (spec §20.10). @param {any} subject */
export function checkOpinion(subject) {
  const { from, until } = subject.attestation.period ?? {};
  if (from !== undefined && /** @type {number} */ (day(until)) < /** @type {number} */ (day(from))) bad("the period of an opinion ends before it begins");
  // ATTACK: an opinion on one object that names another by a second member.
  const again = new Map([["Card", subject.manifest], ["Store", subject.store]]);
  if (again.has(subject.type) && again.get(subject.type) !== subject.id) bad("its subject has two ids");
}

/** @param {any} subject */
function checkGrant({ grant }) {
  const { useFrom, useUntil } = grant.limits ?? {};
  const [from, until] = [useFrom, useUntil].map((text) => (text === undefined ? undefined : parseTimestamp(text)));
  if (from !== undefined && until !== undefined && until < from) bad("useUntil is before useFrom");
}

/** Names that JSON-LD software would act on, below the top level. @param {any} document */
function checkMemberNames(document) {
  const outermost = [document, document.proof];
  const pending = [document];
  while (pending.length) {
    const value = pending.pop();
    if (isObject(value)) {
      for (const name of Object.keys(value)) {
        if (!/^[\u0000-\u007f]*$/.test(name)) bad("a member name that is not ASCII");
        if (name.startsWith("@") && !outermost.includes(value)) bad(`member ${quote(name)} below the top level`);
      }
    }
    if (typeof value === "object" && value !== null) for (const item of Object.values(value)) pending.push(item);
  }
}

/** @param {string[]} names @param {string} what */
function unique(names, what) {
  if (new Set(names).size !== names.length) bad(`${what} occurs twice`);
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-credential", `the credential is malformed: ${reason}`);
}
