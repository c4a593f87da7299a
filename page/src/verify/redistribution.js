/**
 * Whose data a delivery redistributes, and whether its terms keep to theirs (spec §19.9, §11.4.8). What nothing
 * in the delivery says was imported, no check can know to be somebody else's.
 */
import { blake3Once, parseId, parseUrn, short } from "../canon/digest.js";
import { printable, printableDid, quote } from "../canon/quoting.js";
import { exceededBy, lacks, partitionsShared, REDISTRIBUTE } from "../credentials/bounds.js";
import { GRANT } from "../credentials/credential.js";
import { attachmentsIn, manifestIn } from "../history/manifests/manifest.js";
import { checkCredential } from "./credential/credential.js";
import { checkGrant } from "./credential/grant.js";
import { failed, notApplicable, passed, stated, unchecked, warned } from "./report.js";
import { MAX_NAMED } from "../../generated/limits.js";

/** Credentials of first publishers that are looked at: each costs two signatures. */
const MAX_SOURCES = 32;
const MAX_MANIFESTS = 512;
const ID = "terms.sources";
const CREDENTIAL_TYPE = "application/vc";
const COMPARED = ["against", "opt-out"];
/** @type {State[]} */
const STATES = ["fail", "unchecked", "warn", "pass"];

/** @typedef {import("./report.js").State} State */
/** @typedef {import("../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {import("../credentials/credential.js").Claims} Claims */
/** @typedef {Awaited<ReturnType<typeof checkCredential>>} Outcome */
/** @typedef {{opened: OpenedCredential, outcome: Outcome}} Judged */
/** @typedef {{state: State, reason: string, text: string, issuer: string | null, name: any, credential: string, claims: Claims | null, judged: Judged | null}} Named What was found of one credential of a first publisher. */
/** @typedef {{credential: string, issuer: string, name: string}} LeftOut A credential that does not go with the data, as whoever hands that on says. */
/** @typedef {{files: Map<string, OpenedCredential>, tree: import("../history/trees/tree.js").Tree | null, treeId: string, trust: import("../credentials/trust.js").Trust, at: number, notices: import("./credential/status.js").Notices}} Delivered `files`: those beside the credential, by digest; `treeId`: the tree's. */

/**
 * The check `terms.sources`: whose the data was first, and whether these terms keep to theirs.
 *
 * @param {OpenedCredential} credential Well-formed. @param {Outcome} outcome @param {Omit<Delivered, "files" | "treeId"> & {files: OpenedCredential[]}} given
 */
export async function checkSources(credential, outcome, given) {
  const claims = /** @type {Claims} */ (outcome.claims);
  const delivered = { ...given, treeId: claims.tree, files: new Map(given.files.map((one) => [blake3Once(one.bytes), one])) };
  const { own, imports } = importsAmong(claims.manifest, delivered.files);
  const { document } = credential;
  if (!restsOnOthers(document)) {
    if (own === null || own.body.origin !== "imported") return notApplicable(ID, "nothing here says that it was imported");
    return stated(ID, "its manifest says that it was imported; what its first publisher permits is not here");
  }
  const found = await judgeAll({ opened: credential, outcome }, delivered);
  if (found === null) return unchecked(ID, "too-many", `it rests on more than ${MAX_SOURCES} credentials of others`);
  if (!found.length) return unchecked(ID, "missing-file", "it rests on a grant alone, whose terms it does not name");
  return summed([...found, ...unbound(own, imports, found)], imports);
}

/** @param {any} document @param {string} member @returns {any[]} */
const itemsOf = (document, member) => (document?.[member] ?? []).filter((/** @type {any} */ { id }) => isUrn(id));

/** @param {any} id */
function isUrn(id) {
  try {
    parseUrn(id);
    return true;
  } catch {
    return false;
  }
}

/** The credentials that a well-formed one says it rests on. @param {any} document @returns {string[]} */
const pinned = (document) => [...new Set(itemsOf(document, "relatedResource")
  .filter(({ mediaType }) => mediaType === CREDENTIAL_TYPE).map(({ id }) => parseUrn(id)))];

/** Those that it says it rests on, and that do not go with it. @param {any} document */
function leftOut(document) {
  /** @type {Map<string, LeftOut>} */
  const found = new Map();
  for (const { id, name } of itemsOf(document, "evidence")) {
    if (name === undefined) continue;
    const credential = parseUrn(id), [issuer] = name.split(" ", 1);
    if (!found.has(credential)) found.set(credential, { credential, issuer, name: name.slice(issuer.length + 1) });
  }
  return [...found.values()];
}

/** Whether a credential says that it is about data of others. @param {any} document */
const restsOnOthers = (document) => pinned(document).length > 0 || leftOut(document).length > 0;

/** What is found of each credential that one rests on, and those rest on in turn; null if they are too many. @param {Judged} start @param {Delivered} given */
async function judgeAll(start, given) {
  const pending = [start], seen = new Set(), found = /** @type {Named[]} */ ([]);
  for (const handingOn of pending) { // which grows
    const { document } = handingOn.opened;
    const wanted = [...pinned(document).map((credential) => ({ credential, left: null })), ...leftOut(document).map((left) => ({ credential: left.credential, left }))];
    for (const { credential, left } of wanted) {
      if (seen.has(credential)) continue;
      seen.add(credential);
      if (seen.size > MAX_SOURCES) return null;
      const one = given.files.get(credential);
      if (left !== null && one === undefined) {
        found.push(namedAlone(left));
      } else if (one === undefined) {
        const text = `credential ${short(credential)}, which it rests on, is not beside it`;
        found.push({ state: "unchecked", reason: "missing-file", text, issuer: null, name: null, credential, claims: null, judged: null });
      } else if (one.kind !== GRANT) {
        const named = await judge(one, credential, handingOn, given, left);
        found.push(named);
        if (named.judged !== null) pending.push(named.judged);
      }
    }
  }
  return found;
}

/** @param {LeftOut} left @returns {Named} */
function namedAlone({ credential, issuer, name }) {
  const text = "its publisher's credential is named and not here: it would tell what a filter took out";
  return { state: "warn", reason: "left-out", text, issuer, name, credential, claims: null, judged: null };
}

/** @param {OpenedCredential} opened @param {string} credential @param {Judged} handingOn @param {Delivered} given @param {LeftOut | null} left @returns {Promise<Named>} */
async function judge(opened, credential, handingOn, given, left) {
  const outcome = await checkCredential(opened, given);
  const { claims, issuer, genuine, checks } = outcome;
  /** @param {State} state @param {string} reason @param {string} text @returns {Named} */
  const found = (state, reason, text) =>
    ({ state, reason, text, issuer, name: claims && claims.name, credential, claims, judged: genuine ? { opened, outcome } : null });
  const check = (/** @type {string} */ id) => /** @type {import("./report.js").Check} */ (checks.find((one) => one.id === id));

  const proof = check("proof");
  if (proof.state === "unchecked" && claims !== null) return found("unchecked", proof.detail.reason, proof.summary);
  if (claims === null || !genuine || issuer === null) return found("fail", "unsound", "what it rests on does not hold");
  const key = outcome.checkKey(), status = check("status");
  const replaced = status.detail.reason === "superseded";
  const open = [key, ...replaced ? [] : [status]];
  for (const { state, detail, summary } of [check("trust.allowed"), check("period"), ...open]) {
    if (state === "fail") return found("fail", detail.reason, summary);
  }
  const tooMuch = await exceeds(opened, claims, outcome, handingOn, given, left !== null);
  if (tooMuch !== null && left !== null && leftOut(handingOn.opened.document).some((one) => !given.files.has(one.credential))) {
    return namedAlone(left); // the grant that would permit it, say
  }
  if (tooMuch !== null) return found("fail", "exceeds", `more than its terms allow: ${tooMuch}`);
  for (const { state, detail, summary } of open) {
    if (state === "unchecked" || state === "warn") return found("unchecked", detail.reason, summary);
  }
  if (key.state === "n/a") return found("unchecked", "no-policy", "nothing here shows that the key which signed it is its store's");
  for (const { state, detail, summary } of [check("trust.issuer"), check("issuer.document")]) {
    if (state === "warn") return found("warn", detail.reason, summary);
  }
  return replaced ? found("warn", "superseded", "its publisher has replaced it since") : found("pass", "", "");
}

/** @param {OpenedCredential} opened @param {Claims} claims @param {Outcome} outcome @param {Judged} handingOn @param {Delivered} given @param {boolean} apart */
async function exceeds(opened, claims, outcome, handingOn, given, apart) {
  const theirs = /** @type {Claims} */ (handingOn.outcome.claims);
  if (handingOn.outcome.issuer === outcome.issuer && !restsOnOthers(opened.document)) return null; // one's own
  const { tree, treeId } = given;
  const same = tree !== null && theirs.tree === claims.tree && treeId === claims.tree;
  const shared = same ? partitionsShared(tree, theirs.terms, claims.terms) : null;
  const until = untilOf(handingOn.opened);
  // Which partitions a filter left, nothing here says: those of any one will do.
  const { partitions } = claims.terms;
  const parts = apart ? partitions.map((part) => [part]) : [partitions];
  const faults = [];
  for await (const bound of boundsOf(opened, handingOn, given, parts)) {
    const fault = lacks(bound, REDISTRIBUTE) ? `${REDISTRIBUTE} is not permitted` : exceededBy(bound, theirs.terms, until, shared);
    if (fault === null) return null;
    faults.push(fault);
  }
  return faults[0];
}

/**
 * @param {OpenedCredential} opened @param {Judged} handingOn @param {Delivered} given
 * @param {import("../credentials/terms.js").Partition[][]} parts
 * @returns {AsyncGenerator<import("../credentials/bounds.js").Bound>}
 */
async function* boundsOf(opened, handingOn, given, parts) {
  const { trust, at, notices } = given, until = untilOf(opened);
  for (const partitions of parts) yield { partitions, until, requires: [], limits: {} };
  for (const grant of grantsOf(opened, handingOn, given)) {
    const holder = { did: grant.document.credentialSubject.id, fresh: true, unverified: "" };
    const { checks, envelope } = await checkGrant(grant, { trust, at, notices, files: [], terms: opened, holder });
    if (envelope.document === null || checks.some(({ state }) => state === "fail") || !stands(checks)) continue;
    const { permits, requires = [], limits = {} } = envelope.document.credentialSubject.grant;
    const ends = [until, untilOf(grant)].filter((end) => end !== null).sort();
    for (const partitions of parts) {
      const granted = partitions.map((part) => ({ ...part, permits: [...part.permits, ...permits] }));
      yield { partitions: granted, until: ends[0] ?? null, requires, limits };
    }
  }
}

/** The grants that say they let whoever hands the data on use it under terms. @param {OpenedCredential} terms @param {Judged} handingOn @param {Delivered} given */
function grantsOf(terms, { opened: { document }, outcome: { issuer, signer } }, { files }) {
  return [...pinned(document), ...leftOut(document).map(({ credential }) => credential)].flatMap((digest) => {
    const grant = files.get(digest), subject = grant?.document?.credentialSubject;
    const isTheirs = grant?.kind === GRANT && typeof subject?.id === "string" && [issuer, signer].includes(subject.id) &&
      subject.grant?.terms?.digest === `urn:blake3:${terms.id}`;
    return isTheirs ? [grant] : [];
  });
}

/** Whether a grant is known to hold; whether its issuer is believed, its terms say. @param {import("./report.js").Check[]} checks */
const stands = (checks) => !checks.some(({ id, state }) =>
  ["proof", "status", "issuer.key", "grant.terms", "grant.holder"].includes(id) && state === "unchecked");

/** @param {OpenedCredential} opened @returns {string | null} */
const untilOf = ({ document }) => document?.validUntil ?? null;

/**
 * That no credential that it rests on is about something that was imported.
 *
 * ATTACK A115: the credential of another, freely licensed dataset is laid beside it, or one about the same data that
 * whoever hands it on wrote as that of a store of theirs.
 *
 * @param {any} own @param {Map<string, any>} imports @param {Named[]} found @returns {Named[]}
 */
function unbound(own, imports, found) {
  const absent = /** @type {Named[]} */ ([]);
  if (found.some(({ claims }) => claims === null)) return absent;
  for (const one of new Set(imports.values())) {
    const [foreign, stores] = ["foreign-manifest", "foreign-genesis"].map((role) => attachmentsIn(one, role).map(({ id }) => parseId(id)));
    const isAbout = (/** @type {Claims | null} */ claims) => claims !== null && foreign.includes(claims.manifest) &&
      claims.tree === parseId(one.tree) && stores.includes(claims.store);
    if (found.some(({ claims }) => isAbout(claims))) continue;
    const named = { issuer: null, name: null, claims: null, judged: null };
    absent.push(one === own
      ? { ...named, state: "fail", reason: "other-dataset", text: "what it rests on is about other data than what was imported", credential: found[0].credential }
      : { ...named, state: "unchecked", reason: "missing-file", text: `it rests on ${quote(one.name)}, whose publisher's credential is not named`,
        credential: [...foreign].sort()[0] ?? one.id });
  }
  return absent;
}

/** A manifest, and foreign manifest → import of it, of those that are here. @param {string} start @param {Map<string, OpenedCredential>} files */
function importsAmong(start, files) {
  const pending = [start], seen = new Set(), imports = new Map();
  let own = null;
  while (pending.length && seen.size < MAX_MANIFESTS) {
    const id = /** @type {string} */ (pending.pop()), file = files.get(id);
    if (seen.has(id) || file === undefined) continue;
    seen.add(id);
    const manifest = manifestIn(file.bytes);
    if (manifest === null || manifest.kind !== "dataset") continue;
    if (id === start) own = manifest;
    if (manifest.body.origin === "imported") {
      for (const one of attachmentsIn(manifest, "foreign-manifest")) {
        if (!imports.has(parseId(one.id))) imports.set(parseId(one.id), manifest);
      }
    }
    pending.push(...manifest.inputs.filter((/** @type {any} */ { kind, role }) => kind === "dataset" && !COMPARED.includes(role))
      .map((/** @type {any} */ one) => parseId(one.id)));
  }
  return { own, imports };
}

/** @param {Named[]} found @param {Map<string, any>} imports */
function summed(found, imports) {
  const worst = /** @type {State} */ (STATES.find((state) => found.some((one) => one.state === state)));
  const first = /** @type {Named} */ (found.find(({ state }) => state === worst));
  const sources = found.slice(0, MAX_NAMED).map(({ credential, issuer, name, state, reason, claims }) => ({
    credential: `blake3:${credential}`, issuer: printableDid(issuer), name: printable(name),
    part: (claims && imports.get(claims.manifest)?.name) ?? null, state, reason: reason || null,
  }));
  const named = found.filter(({ issuer }) => issuer !== null);
  const whose = named.slice(0, 3).map(({ name, issuer }) => `${quote(name ?? "?")}, by ${quote(printableDid(issuer) ?? "?", 300)}`).join("; ");
  const more = named.length > 3 ? ` and ${named.length - 3} more` : "";
  const said = named.length ? `first published as ${whose}${more}` : "of another publisher";
  if (worst === "pass") return passed(ID, `${said}: these terms keep to theirs`, { sources });
  const make = { fail: failed, unchecked, warn: warned }[/** @type {"fail" | "unchecked" | "warn"} */ (worst)];
  return make(ID, first.reason, `${said}: ${first.text}`, { sources });
}
