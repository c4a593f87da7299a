/**
 * Attestations: what others say about a dataset, each judged by itself (spec §20.3). What an attester
 * says never makes a credential better, and what an unknown one says never makes it worse.
 */
import { counted } from "../../canon/text.js";
import { includes } from "../../canon/bytes.js";
import { isPinned, parseUrn } from "../../canon/digest.js";
import { ATTESTATION } from "../../credentials/credential.js";
import { checkIssuer, keysFor, openEnvelope } from "./envelope.js";
import { checkKeyAtHand } from "./issuer_key.js";
import { printableDid, quote } from "../../canon/quoting.js";
import { complete, decide, failed, notApplicable, passed, ACCEPTED, stated, unchecked, warned } from "../report.js";
import { PROCEDURES } from "../../../generated/checks.js";
import { MAX_ATTESTATIONS } from "../../../generated/limits.js";

const KINDS = new Map([
  ["quality", "quality audit"], ["legal", "legal opinion"],
  ["deidentification", "expert de-identification determination"], ["regulatory", "regulatory opinion"],
]);

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {import("../../credentials/credential.js").Claims} Claims */
/** @typedef {(digest: string) => Uint8Array | undefined} Find */
/** @typedef {{trust: import("../../credentials/trust.js").Trust, at: number, notices: import("./status.js").Notices, find: Find, about?: Claims, publisher?: string | null, onlyIfBelieved?: boolean}} Given `about`: the dataset credential beside it; `publisher`: who issued that. */
/** @typedef {{checks: Check[], envelope: import("./envelope.js").Envelope, byId: Map<string, Check>, statement: any}} Judged */

/** Judge one attestation. Never throws for bad input. @param {OpenedCredential} opened @param {Given} given @returns {Promise<Judged>} */
export async function checkAttestation(opened, { trust, at, notices, find, about, publisher, onlyIfBelieved }) {
  const envelope = openEnvelope(opened, ATTESTATION, keysFor(trust, notices), at);
  const { document } = envelope;
  if (document === null) return judged(complete("attestation", envelope.checks), envelope, null);
  const subject = document.credentialSubject;
  const { name, store } = about ?? { name: subject.name, store: subject.store === undefined ? null : parseUrn(subject.store) };
  const { issuer, heir } = await checkIssuer(envelope, { name, store, claim: subject.attestation.kind }, { trust, at, notices, onlyIfBelieved });
  return judged([
    ...envelope.checks, ...issuer, checkKeyAtHand(envelope, notices.statements, store, heir),
    checkStatement(subject, envelope.issuer, about, publisher),
    checkEvidence(document.evidence ?? [], find),
  ], envelope, subject.attestation);
}

/** @param {Check[]} checks @param {import("./envelope.js").Envelope} envelope @param {any} statement @returns {Judged} */
const judged = (checks, envelope, statement) =>
  ({ checks, envelope, statement, byId: new Map(checks.map((check) => [check.id, check])) });

/** The check `attestations` of a delivery. @param {OpenedCredential[]} files @param {Given} given @returns {Promise<Check>} */
export async function checkAttestations(files, given) {
  const id = "attestations";
  const found = files.filter(looksLikeOne);
  if (!found.length) return notApplicable(id, "nobody else attests anything about this dataset");
  if (found.length > MAX_ATTESTATIONS) {
    return unchecked(id, "too-many", `${found.length} attestations; at most ${MAX_ATTESTATIONS} are looked at`);
  }
  // ATTACK: one attestation in many spellings, each of which costs status lists.
  /** @type {Map<string | number, Judged>} */
  const distinct = new Map();
  for (const [number, opened] of found.entries()) {
    const one = await checkAttestation(opened, { ...given, onlyIfBelieved: true });
    distinct.set(one.envelope.id || number, one);
  }
  const all = [...distinct.values()];
  const detail = { attestations: all.map(shown) };
  const others = all.length > 1 ? ` (${counted(all.length, "attestation")} in all)` : "";
  for (const [state, make] of /** @type {const} */ ([["fail", failed], ["unchecked", unchecked], ["warn", warned]])) {
    for (const one of all) {
      const { state: how, check } = trouble(one);
      if (how === state && check) return make(id, String(check.detail.reason), `${described(one)}: ${check.summary}${others}`, detail);
    }
  }
  return stated(id, `${all.slice(0, 3).map(described).join(", ")}: you trust who attests; signed, and in force`, detail);
}

/** Whether a file is to be judged as an attestation, also one in which a byte was changed. @param {OpenedCredential} opened */
function looksLikeOne(opened) {
  const { bytes } = opened;
  const first = bytes.subarray(0, 64).find((byte) => ![0x20, 0x09, 0x0d, 0x0a].includes(byte));
  if (first !== 0x7b || !["Attestation", "attestation"].some((word) => includes(bytes, word))) return false;
  if (opened.listUrl !== null) return false; // a foreign one may hold fractions
  const { document, kind } = opened;
  if (document === null) return true;
  if (Object.hasOwn(document, "lyrikstore")) return false; // a manifest, which has no context
  return kind === ATTESTATION || (kind === undefined && ["credentialSubject", "proof"].some((name) => Object.hasOwn(document, name)));
}

/** @param {any} subject @param {string | null} issuer @param {Claims} [about] @param {string | null} [publisher] @returns {Check} */
function checkStatement(subject, issuer, about, publisher) {
  const id = "attestation";
  const { attestation: statement } = subject;
  const { examined } = statement;
  const kind = KINDS.get(statement.kind);
  if (about && (subject.id !== `urn:blake3:${about.tree}` || subject.files !== `urn:blake3:${about.files}`)) {
    return failed(id, "other-root", `a ${kind} about other content: ${subject.id}`);
  }
  if (about && subject.manifest === `urn:blake3:${about.manifest}` && BigInt(examined.records ?? 0) > BigInt(about.subject.recordCount)) {
    return failed(id, "too-many-records", `a ${kind} that examined ${counted(examined.records, "record")}, of a dataset that has ${about.subject.recordCount}`);
  }
  const extents = new Map([["all", "all records"], ["sample", `a sample of ${counted(examined.records, "record")}`], ["documents", "documents only"]]);
  const summary = `${kind}: ${quote(statement.conclusion, 200)}; examined: ${extents.get(examined.extent)}, by ` +
    `${quote(statement.standard)}; limitations: ${quote(statement.limitations[0], 120)}; liable: ${quote(statement.liability)}`;
  if (publisher != null && issuer === publisher) {
    return warned(id, "by-the-publisher", `by the publisher of the dataset, so by nobody independent; ${summary}`, { statement });
  }
  if (about && subject.manifest !== undefined && subject.manifest !== `urn:blake3:${about.manifest}`) {
    return warned(id, "other-manifest", `about the same content in another version, so not about these terms; ${summary}`, { statement });
  }
  if (examined.content === "unchecked") {
    return warned(id, "content-unchecked", `the attester did not check that the bytes are these; ${summary}`, { statement });
  }
  return stated(id, summary, { statement });
}

/** @param {any[]} named @param {Find} find @returns {Check} */
function checkEvidence(named, find) {
  const id = "evidence";
  if (!named.length) return notApplicable(id, "names no document");
  let absent = 0;
  for (const item of named) {
    const bytes = find(parseUrn(item.id));
    if (bytes === undefined) absent += 1;
    else if (!isPinned(item, bytes)) {
      return failed(id, "disagrees", "its two digests name different documents");
    }
  }
  return absent
    ? unchecked(id, "missing-file", `not at hand: ${absent} of the ${counted(named.length, "document")} it names`)
    : passed(id, `at hand: ${counted(named.length, "document")}, all that it names`);
}

/** How one attestation bears on the whole, and which of its checks decides. @param {Judged} one @returns {{state: string, check: Check | null}} */
function trouble({ byId }) {
  const get = (/** @type {string} */ id) => /** @type {Check} */ (byId.get(id));
  const failure = [...PROCEDURES.opening.checks, "trust.allowed", "attestation", "evidence"].map(get).find(({ state }) => state === "fail");
  if (failure) return { state: "fail", check: failure };
  const trusted = get("trust.issuer").state === "pass";
  for (const check of ["issuer.key", "period", "status"].map(get)) {
    if (check.detail.reason === "not-believed") continue;
    if (check.state === "fail" || check.state === "unchecked") {
      // A superseded one is not revoked: the one that counts is at hand, and judged as well.
      return { state: trusted && check.detail.reason !== "superseded" ? check.state : "warn", check };
    }
  }
  const unaccepted = ["proof", "issuer.document", "trust.issuer", "attestation"].map(get)
    .find(({ state }) => !ACCEPTED.includes(state));
  return unaccepted ? { state: "warn", check: unaccepted } : { state: "pass", check: null };
}

/** @param {Judged} one */
function described({ byId, statement }) {
  const kind = KINDS.get(statement?.kind) ?? "attestation";
  const who = byId.get("trust.issuer")?.detail.nickname;
  return who ? `${kind} by ${quote(who)}` : kind;
}

/** What the report on a dataset credential shows of one. @param {Judged} one */
function shown({ checks, envelope, byId, statement }) {
  const { id, document } = envelope;
  const issuer = printableDid(envelope.issuer);
  return {
    verdict: decide(checks, PROCEDURES.attestation.required),
    ...(id ? { id: `urn:blake3:${id}` } : {}),
    ...(statement ? { kind: statement.kind, conclusion: statement.conclusion } : {}),
    ...(issuer === null ? {} : { issuer }),
    ...(document?.validUntil === undefined ? {} : { validUntil: document.validUntil }),
    trusted: byId.get("trust.issuer")?.state === "pass",
    checks,
  };
}
