/** Grants: who grants what to whom, and whether they could (spec §20.5). */
import { limitWords } from "../../credentials/territory.js";
import { maySay } from "../../canon/bytes.js";
import { parseUrn, short } from "../../canon/digest.js";
import { DATASET, GRANT } from "../../credentials/credential.js";
import { checkIssuer, checkStanding, keysFor, openEnvelope } from "./envelope.js";
import { checkKeyAtHand } from "./issuer_key.js";
import { quote } from "../../canon/quoting.js";
import { complete, failed, notApplicable, passed, stated, unchecked, warned } from "../report.js";
import { exceedsLimits } from "../../credentials/terms.js";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {{did: string, fresh: boolean, unverified: string}} Holder Who presents, whether over a challenge and a domain of the verifier's, and why the key may not be the holder's ("" if it is). */
/** @typedef {{trust: import("../../credentials/trust.js").Trust, at: number, notices: import("./status.js").Notices, files: OpenedCredential[], terms?: OpenedCredential, holder: Holder | null}} Given `terms`: the dataset credential that it is said to rest on; by default the one among `files` that it names; `holder`: who presented it, or null. */

/** Judge a grant. Never throws for bad input. @param {OpenedCredential} opened @param {Given} given */
export async function checkGrant(opened, { trust, at, notices, files, terms, holder }) {
  const envelope = openEnvelope(opened, GRANT, keysFor(trust, notices), at);
  const { document } = envelope;
  if (document === null) return { checks: complete("grant", envelope.checks), envelope, subject: null };
  const { id, grant } = document.credentialSubject;
  const store = parseUrn(grant.dataset.store);
  const { issuer, heir } = await checkIssuer(envelope, { name: grant.dataset.name, store }, { trust, at, notices });
  const checks = [
    ...envelope.checks,
    ...issuer,
    checkKeyAtHand(envelope, notices.statements, store, heir),
    checkGranted(id, grant),
    await checkTerms(document, envelope, terms ?? findTerms(files, grant.terms.digest), () => otherVersion(opened, files, DATASET), notices, trust, at),
    checkHolder(id, holder),
  ];
  return { checks, envelope, subject: grant.dataset.id };
}

/** Dataset credentials among files by the name that grants give them: many grants may be shown beside many. @type {WeakMap<OpenedCredential[], Map<string, OpenedCredential>>} */
const byName = new WeakMap();

/** The dataset credential among files that a grant names. @param {OpenedCredential[]} files @param {string} urn */
function findTerms(files, urn) {
  const known = byName.get(files) ?? new Map();
  if (!byName.has(files)) {
    byName.set(files, known);
    for (const one of files.filter(({ bytes }) => maySay(bytes, DATASET.type))) {
      const name = `urn:blake3:${one.id}`;
      if (!known.has(name)) known.set(name, one);
    }
  }
  return known.get(urn);
}

/** Kind → dataset → its versions that files say they are about. @type {WeakMap<OpenedCredential[], Map<string, Map<string, Set<string>>>>} */
const versions = new WeakMap();

/**
 * The manifest of another version of the dataset that a credential is about, among files of a kind: the
 * first by its digest; null if one is about this very version, or none about this dataset. Nothing is
 * verified: it tells what the files say of themselves, and decides nothing.
 *
 * @param {OpenedCredential} opened @param {OpenedCredential[]} files @param {import("../../credentials/credential.js").Kind} kind
 * @returns {string | null}
 */
export function otherVersion(opened, files, kind) {
  const [dataset, manifest] = datasetMeant(opened);
  const found = versionsAmong(files, kind).get(dataset) ?? new Set();
  return found.has(manifest) ? null : [...found].sort()[0] ?? null;
}

/** @param {OpenedCredential[]} files @param {import("../../credentials/credential.js").Kind} kind */
function versionsAmong(files, kind) {
  const known = versions.get(files) ?? new Map();
  versions.set(files, known);
  if (!known.has(kind.type)) {
    /** @type {Map<string, Set<string>>} */
    const found = new Map();
    for (const one of files.filter(({ bytes }) => maySay(bytes, kind.type))) {
      const [dataset, manifest] = one.kind === kind ? datasetMeant(one) : ["", ""];
      if (dataset) found.set(dataset, (found.get(dataset) ?? new Set()).add(manifest));
    }
    known.set(kind.type, found);
  }
  return known.get(kind.type);
}

/** Name and store, as one key, and the manifest of the dataset that a credential is about; "" where it does not say. @param {OpenedCredential} opened @returns {[string, string]} */
function datasetMeant({ document, kind }) {
  try {
    const subject = document.credentialSubject;
    const { name, store, manifest } = kind === GRANT ? subject.grant.dataset : subject;
    if (typeof name === "string" && typeof store === "string") return [JSON.stringify([name, store]), parseUrn(manifest)];
  } catch {
    // no credential, or one of another form
  }
  return ["", ""];
}

/** @param {string} holder @param {any} grant */
function checkGranted(holder, grant) {
  const { permits, requires = [], limits = {}, dataset } = grant;
  const parts = [`${permits.map((/** @type {string} */ word) => quote(word)).join(", ")} granted to ${holder}`];
  if (requires.length) parts.push(`requires ${requires.map((/** @type {string} */ word) => quote(word)).join(", ")}`);
  for (const [name, value] of Object.entries(limits)) {
    if (name !== "type") parts.push(`${name} ${quote(limitWords(name, value).join(", "))}`);
  }
  return stated("grant", `${parts.join("; ")}; about ${quote(dataset.name)}`, { grant });
}

/** @param {any} document @param {import("./envelope.js").Envelope} envelope @param {OpenedCredential | undefined} terms @param {() => string | null} findOther @param {import("./status.js").Notices} notices @param {import("../../credentials/trust.js").Trust} trust @param {number} at @returns {Promise<Check>} */
async function checkTerms(document, { issuer, signer }, terms, findOther, notices, trust, at) {
  const id = "grant.terms";
  const { grant } = document.credentialSubject;
  const name = short(parseUrn(grant.terms.digest));
  if (terms === undefined) {
    const missing = `the dataset credential ${name} it rests on is not at hand`;
    const other = findOther();
    if (other === null) return unchecked(id, "missing-file", missing);
    const granted = parseUrn(grant.dataset.manifest);
    return unchecked(id, "other-version", `${missing}: it is for ${quote(grant.dataset.name)} as manifest ${short(granted)}, and the ` +
      `one at hand is about another version, manifest ${short(other)}`, { granted: `blake3:${granted}`, found: `blake3:${other}` });
  }
  const opened = openEnvelope(terms, DATASET, keysFor(trust, notices), at);
  const { document: said, claims } = opened;
  const proof = /** @type {Check} */ (opened.checks.find((one) => one.id === "proof"));
  const named = `urn:blake3:${opened.id}` === grant.terms.digest && opened.issuer === issuer;
  if (named && proof.state === "unchecked") {
    return unchecked(id, proof.detail.reason, `whether the dataset credential it rests on holds is not known: ${proof.summary}`);
  }
  if (claims === null || !opened.genuine || `urn:blake3:${opened.id}` !== grant.terms.digest) {
    return failed(id, "unsound", "the dataset credential it rests on does not hold");
  }
  if (grant.terms.id !== said.id) return failed(id, "disagrees", "it names the terms by two different names");
  if (opened.issuer !== issuer) return failed(id, "other-issuer", "its issuer is not who issued the terms");
  const same = grant.dataset.name === claims.name && /** @type {const} */ ([
    ["id", claims.tree], ["files", claims.files], ["manifest", claims.manifest], ["store", claims.store],
  ]).every(([member, digest]) => parseUrn(grant.dataset[member]) === digest);
  if (!same) return failed(id, "other-dataset", "the terms are about another dataset");
  const tooMuch = exceeds(grant, document.validUntil, claims, said);
  if (tooMuch) return failed(id, "exceeds", `more than the terms allow: ${tooMuch}`);
  // ATTACK: terms by an older key, which only a document beside them lists, and with it the key of
  // the attacker, who signs their status lists.
  const status = await checkStanding(opened, notices, trust, at, signer);
  const { reason } = status.detail;
  if (status.state === "fail" && reason !== "superseded") return failed(id, reason, `the terms it rests on are ${status.summary}`);
  if (status.state === "unchecked") return unchecked(id, reason, `whether the terms still hold is not known: ${status.summary}`);
  // Replaced terms are those of new grants; what was granted under the old ones stays.
  return status.state === "fail"
    ? warned(id, "superseded", `within the terms of credential ${name}, since replaced`)
    : passed(id, `within the terms of credential ${name}`);
}

/** What a grant gives that its terms do not let anybody be given. @param {any} grant @param {string} until @param {import("../../credentials/credential.js").Claims} about @param {any} terms */
function exceeds(grant, until, about, terms) {
  for (const { permits, grantable, limits } of about.terms.partitions) {
    const word = grant.permits.find((/** @type {string} */ one) => !permits.includes(one) && !grantable.includes(one));
    if (word !== undefined) return `${word} is neither permitted nor grantable there`;
    const wider = exceedsLimits(grant.limits ?? {}, limits);
    if (wider) return `its use is not limited as theirs: ${wider}`;
  }
  // Both are of one form, so the order of the texts is that of the moments.
  return terms.validUntil !== undefined && until > terms.validUntil ? `it goes on after ${terms.validUntil}, when the terms end` : null;
}

/** @param {string} granted @param {Holder | null} holder */
function checkHolder(granted, holder) {
  if (holder === null) return notApplicable("grant.holder", "nobody proved to hold it: see present");
  if (holder.did !== granted) {
    return failed("grant.holder", "other-holder", `presented by ${quote(holder.did, 300)}, but granted to ${quote(granted, 300)}`);
  }
  if (holder.unverified) {
    return unchecked("grant.holder", holder.unverified, `presented, but that the key which signed is ${quote(holder.did, 300)}'s is open`);
  }
  return holder.fresh
    ? passed("grant.holder", "presented by whom it is granted to")
    : unchecked("grant.holder", "not-asked", "presented, but not over a challenge and domain of yours: it may be a replay");
}
