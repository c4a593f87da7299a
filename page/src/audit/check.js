/** Verification of the evidence in an audit file (spec §22.4): procedure `audit`, without data and network. */
import { hex, includes, same } from "../canon/bytes.js";
import { short } from "../canon/digest.js";
import { attempt, Refusal } from "../canon/errors.js";
import { quote } from "../canon/quoting.js";
import { counted } from "../canon/text.js";
import { DATASET } from "../credentials/credential.js";
import { documentsAmong } from "../credentials/did.js";
import { isProof, leaf, openCheckpoint } from "../history/log/log.js";
import { leafHash, root } from "../history/log/merkle.js";
import { KeyHistory } from "../history/policy/key_history.js";
import { isRule } from "../verify/credential/key_statements.js";
import { checkFounder } from "../verify/delivery/founder.js";
import { checkWitness } from "../verify/delivery/log.js";
import { Problems } from "../verify/problems.js";
import { failed, notApplicable, notProven, passed, reportOf, unchecked } from "../verify/report.js";
import { noteEvents, noteLinks } from "./lineage.js";
import { signerOf } from "./opened.js";
import { REASONS } from "./refs.js";

/** @typedef {import("../verify/report.js").Check} Check */
/** @typedef {import("../verify/report.js").Report} Report */
/** @typedef {import("../credentials/trust.js").Trust} Trust */
/** @typedef {import("./opened.js").OpenedEvidence} OpenedEvidence */

/**
 * Return the report on evidence whose objects were read.
 *
 * @param {OpenedEvidence} opened
 * @param {{trust: Trust, at: number}} given
 * @returns {Report}
 */
export function verifyEvidence(opened, { trust, at }) {
  const { leaves, objects } = opened.evidence;
  const log = checkLog(opened);
  const checks = [
    passed("audit.file", `${counted(leaves.length, "entry")} of the log, ${counted(objects.size, "signed object")}`),
    checkGenesis(opened, trust, at),
    log,
    checkWitness(trust),
    notApplicable("log.memory", "no memory of earlier log checkpoints is kept"),
    ...checkManifests(opened),
    checkCredentials(opened),
    checkTimes(opened, log),
    unchecked("blobs", "not-fetched", "an audit file holds no data, no tree and no attachment"),
    unchecked("datasets", "not-fetched", "no record was counted: an audit file holds no data"),
  ];
  const { leftOut, genesis } = opened;
  const open = leftOut ? [notProven("left-out-of-audit", counted(leftOut, "entry"))] : [];
  const report = reportOf("audit", checks, { subject: subjectOf(opened), issuer: genesis?.author ?? null, at, withoutData: true });
  return { ...report, notProven: [...open, ...report.notProven] };
}

/** Return the report on a file whose evidence cannot be read. @param {Refusal} error @param {number} at */
export const unreadable = ({ kind, message }, at) =>
  reportOf("audit", [failed("audit.file", kind, quote(message, 300))], { subject: "unreadable audit file", issuer: null, at, withoutData: true });

/** @param {OpenedEvidence} opened */
function subjectOf({ evidence: { about } }) {
  const [[word, stated]] = Object.entries(about);
  return `${word} ${stated}`;
}

/** @param {OpenedEvidence} opened @param {Trust} trust @param {number} at @returns {Check} */
function checkGenesis(opened, trust, at) {
  const { genesis, table } = opened;
  if (genesis === null) {
    return failed("store.genesis", "bad-genesis", "the first entry of the log is no genesis manifest that founds this store");
  }
  return checkFounder(genesis, new KeyHistory(table.policies, [], [], false), (key) => namesStore(opened, key), trust, at);
}

/** Whether a key signed something that names the store: a manifest, or a dataset credential. @param {OpenedEvidence} opened @param {string} key */
function namesStore({ evidence: { store }, manifests, credentials }, key) {
  return [...manifests.values()].some((one) => one.author === key && one.store === `blake3:${store}`) ||
    [...credentials.values()].some((one) => one.kind === DATASET &&
      one.document?.credentialSubject?.store === `urn:blake3:${store}` && signerOf(one) === key);
}

/** The check `log.checkpoint`. @param {OpenedEvidence} opened @returns {Check} */
export function checkLog({ evidence, genesis, table }) {
  const id = "log.checkpoint";
  if (genesis === null || table.policy === null) return unchecked(id, "no-checkpoint", "no log key is established");
  const { logs } = table.policy;
  const { leaves, checkpoint, since } = evidence;
  const read = attempt(() => {
    const signed = openCheckpoint(checkpoint, logs);
    const older = since === null ? null : openCheckpoint(since, logs);
    // ATTACK A29: by a log key that was stolen, and retired since.
    const history = new KeyHistory(table.policies, [], [], false);
    for (const one of [signed, older]) if (one !== null) history.checkHead(one);
    return { signed, older };
  });
  if (read instanceof Refusal) return failed(id, read.kind, quote(read.message, 300));
  const { signed, older } = read;
  const hashes = leaves.map((one) => leafHash(leaf(one.type, one.id)));
  if (leaves.length !== signed.size || !same(root(hashes), signed.root)) {
    return failed(id, "log-mismatch", "the entries in the file do not give the root that the log checkpoint states");
  }
  const detail = { origin: signed.origin, size: signed.size, root: hex(signed.root) };
  if (older === null) {
    return passed(id, `log checkpoint of ${counted(signed.size, "entry")} of ${quote(signed.origin)}, signature holds`, detail);
  }
  // ATTACK: with the owner's keys, a history is written anew. The kept note shows it.
  const kept = { ...detail, keptSize: older.size };
  if (older.size > signed.size || older.origin !== signed.origin || !same(root(hashes.slice(0, older.size)), older.root)) {
    return failed(id, "fork", `the log checkpoint of ${counted(older.size, "entry")} that was kept is no beginning of this log: ` +
      "its history was rewritten by whoever has the log key", kept);
  }
  return passed(id, `log checkpoint of ${counted(signed.size, "entry")} of ${quote(signed.origin)}, signature holds; ` +
    `it extends the one kept at ${older.size}`, kept);
}

/** @param {OpenedEvidence} opened @returns {Check[]} */
function checkManifests(opened) {
  const [manifests, refs, lineage] = ["manifests", "refs", "lineage"].map((id) => new Problems(id));
  for (const id of opened.newer) manifests.lost.push(`${short(id)} has a newer format`);
  if (opened.genesis === null) {
    for (const one of [refs, lineage]) one.lost.push("what has effect cannot be known without the genesis manifest");
  }
  const { flagged, refs: names } = opened.table;
  for (const { index, id, reason } of flagged) refs.warnings.push(`log entry ${index} (${short(id)}): ${REASONS[reason]}`);
  const linked = noteLinks(opened, lineage);
  const count = opened.manifests.size;
  return [
    manifests.close(`${counted(count, "manifest")}, signatures hold`, { manifests: count }),
    refs.close(`${counted(names.size, "name")}, each derived from the log`, { refs: names.size }),
    lineage.close(`${counted(linked, "manifest")}, each logged after what it was made from`, { manifests: linked }),
  ];
}

/** @param {OpenedEvidence} opened @returns {Check} */
function checkCredentials(opened) {
  const problems = new Problems("credentials");
  for (const [id, one] of opened.credentials) {
    const fault = faultOf(one);
    if (fault) problems.bad.push(`credential ${short(id)} at log entry ${opened.indexOf(id, "credential")}: ${fault}`);
  }
  noteEvents(opened, problems);
  const count = opened.credentials.size;
  return problems.close(`${counted(count, "credential")}, signatures hold`, { credentials: count });
}

/** @param {OpenedEvidence} opened @param {Check} log @returns {Check} */
function checkTimes(opened, log) {
  const id = "timestamps";
  if (log.state !== "pass") return unchecked(id, "lost", "the log in the file is not established");
  return opened.effective.some(({ kind }) => kind === "timestamp")
    ? unchecked(id, "no-library", "this page cannot judge time stamps and cosignatures: lyrikstore verify FILE can")
    : notApplicable(id, "nobody outside dated the log: every date is claimed");
}

/** What is wrong with the signature of a credential; empty: nothing. @param {import("../credentials/opened.js").OpenedCredential} opened */
function faultOf(opened) {
  const { bytes } = opened;
  // The words of other stores about their keys, and DID documents, have no issuer.
  if (isProof(bytes) || isRule(bytes) || (includes(bytes, "verificationMethod") && documentsAmong([bytes]).length)) return "";
  const signer = signerOf(opened);
  if (signer === null) return "no signature on it holds by the key that it names";
  const issuer = opened.issuer ?? "";
  return issuer.startsWith("did:key:") && issuer !== signer ? "it is not signed by its issuer" : "";
}
