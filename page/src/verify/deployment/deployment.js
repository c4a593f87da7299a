/** Verification of a deployed folder (spec §14.7.7). Nothing here throws for what an attacker can write: it becomes a failed check. */
import { blake3Once, parseId, short } from "../../canon/digest.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { nameSome, quote } from "../../canon/quoting.js";
import { counted } from "../../canon/text.js";
import { openAll } from "../../credentials/opened.js";
import { inputsIn, parseManifest } from "../../history/manifests/manifest.js";
import { Tree } from "../../history/trees/tree.js";
import { statusUpdatesAmong } from "../credential/status.js";
import { judgeAlone } from "../delivery/alone.js";
import { checkFiles, isComplete } from "../delivery/compare_files.js";
import { checkBareFiles, compareData } from "../delivery/dataset.js";
import { Problems } from "../problems.js";
import { failed, notProven, reportOf, unchecked } from "../report.js";
import { checkApproval } from "./approval.js";
import { leftOut } from "./credentials.js";
import { checkEvidence } from "./evidence.js";
import { EARLIER, FOLDER, MANIFEST, SIGNED_FILES, TREE, UNSIGNED } from "./layout.js";
import { comparedInWords } from "./compared.js";
import { called, madeFromFaults, otherLimit, README } from "./made_from.js";
import { modelSigFault } from "./model_sig.js";
import { checkRightsBeside, rightsInBase } from "./rights.js";
import { MAX_DEPLOYED_FILES } from "../../../generated/limits.js";

const PROCEDURE = "deployment";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../delivery/dataset.js").DataFile} DataFile */
/** @typedef {import("../delivery/dataset.js").Course} Course */
/** @typedef {import("./evidence.js").EvidenceOutcome} EvidenceOutcome */
/** @typedef {import("./folder.js").EvidenceFiles} EvidenceFiles */

/**
 * Return the report on a deployed folder. Never throws for bad input.
 *
 * (1) The manifest: who signed it, and where in whose log it stands.
 * (2) The files: each is the one that its tree lists, and there is no other.
 * (3) The evidence: each file below `lyrikstore/` is what it is called.
 * (4) What it was made from: the manifests beside it fit together.
 * (5) The rights: what the credentials beside it gave, and what became of them.
 * (6) The approvals of its card.
 *
 * @param {EvidenceFiles} evidence What lies below `lyrikstore/`.
 * @param {DataFile[]} data All other files.
 * @param {{trust: import("../../credentials/trust.js").Trust, at: number, statusFiles?: Uint8Array[], filesAlone?: boolean} & Partial<Course>} given `statusFiles`: newer status lists than those beside it, and what stores say of keys; `filesAlone`: whether files were handed over and not the folder, of which a browser leaves some out.
 * @returns {Promise<import("../report.js").Report>}
 */
export async function verifyDeployment(evidence, data, { trust, at, statusFiles = [], filesAlone = false, hashed = () => {}, signal }) {
  const unseen = filesAlone ? [notProven("unseen")] : [];
  const { deployment, problem } = read(evidence);
  if (problem) return reportOf(PROCEDURE, [problem], { subject: "unsigned folder", issuer: null, at, open: unseen });
  const beside = [...evidence.files.values(), ...statusFiles];
  // ATTACK A104: a folder of a key that was stolen, as it was handed over before anybody knew.
  const signed = judgeAlone(deployment, beside, trust, at);
  const { check: files, sums } = await checkFolder(deployment, evidence, data, { hashed, signal });
  const faultOf = (/** @type {Uint8Array} */ bytes) => {
    // Of other files than those listed, `deployment.files` says which.
    const fault = modelSigFault(bytes, deployment.body.oms.publicKey, sums ?? new Map());
    return fault === "other-files" && sums === null ? null : fault;
  };
  const found = checkEvidence(deployment, evidence, signed, faultOf);
  const notices = statusUpdatesAmong(openAll(beside));
  const rights = await checkRightsBeside(deployment, inputOf(deployment, found, "run"), found.credentials, { trust, at, notices });
  signal?.throwIfAborted();
  const approval = approvalOf(deployment, found, signed, statusFiles, { trust, at });
  const made = [...signed.checks, files, found.check, checkMadeFrom(deployment, found), rights, approval];
  const open = [...openRights(deployment, inputOf(deployment, found, "base")), ...openRules(deployment, found), ...unseen];
  return reportOf(PROCEDURE, made, { subject: `blake3:${deployment.id}`, issuer: deployment.author, at, open });
}

/** What is not proven of rights. @param {any} deployment @param {any} base @returns {string[]} */
function openRights(deployment, base) {
  const absent = [...leftOut(deployment)].map((id) => short(parseId(id))).sort();
  return [...(absent.length ? [notProven("left-out", nameSome(absent))] : []), ...(base ? [rightsInBase(base)] : [])];
}

/** What names a decision was decided by rules, which only the store can check. @param {any} deployment @param {EvidenceOutcome} found @returns {string[]} */
function openRules(deployment, found) {
  const sound = deployment.inputs.map((/** @type {any} */ { id }) => found.inputs.get(id)).filter((/** @type {any} */ one) => one);
  const decided = [deployment, ...sound].filter((one) => inputsIn(one, "decision").length).map(({ name }) => name);
  return decided.length ? [notProven("rules", nameSome([...new Set(decided)]))] : [];
}

/** @param {EvidenceFiles} evidence @returns {{deployment?: any, problem?: Check}} */
function read({ files, surplus }) {
  const id = "manifest.signature";
  const place = `${FOLDER}/${MANIFEST}`;
  const bytes = files.get(MANIFEST);
  if (bytes === undefined) {
    if (files.has(UNSIGNED)) return { problem: unchecked(id, "unsigned", `unsigned: ${FOLDER}/${UNSIGNED} says that nobody signed it`) };
    // ATTACK: a signed folder is made to look like one of a version that signed none.
    return { problem: surplus.includes(EARLIER)
      ? unchecked(id, "unsigned", "unsigned: it is of an earlier version, which signed no list of its files")
      : unchecked(id, "missing-file", `${place} is not there`) };
  }
  return attempt(() => {
    const deployment = parseManifest(bytes);
    return deployment.kind === PROCEDURE ? { deployment } : { problem: failed(id, "wrong-kind", `${place} is the manifest of a ${deployment.kind}`) };
  }, (error) => ({ problem: failed(id, error.kind, `${place}: ${quote(error.message, 200)}`) }));
}

/**
 * The check `deployment.files`, and path to SHA-256 if every file is the one listed.
 *
 * @param {any} deployment @param {EvidenceFiles} evidence @param {DataFile[]} data @param {Course} course
 * @returns {Promise<{check: Check, sums: Map<string, Uint8Array> | null}>}
 */
async function checkFolder(deployment, { files }, data, course) {
  const id = "deployment.files";
  if (data.length > MAX_DEPLOYED_FILES) {
    return { check: unchecked(id, "too-many-files", `the folder holds more than ${MAX_DEPLOYED_FILES} files`), sums: null };
  }
  const listing = files.get(TREE) ?? new Uint8Array();
  if (`blake3:${blake3Once(listing)}` !== deployment.tree) {
    // Without its list no file can be named; what they give together is signed, too.
    return { check: await checkBareFiles(parseId(deployment.files), data, course, id), sums: null };
  }
  const tree = attempt(() => Tree.parse(listing));
  if (tree instanceof Refusal) return { check: failed(id, tree.kind, `the list of files is malformed: ${quote(tree.message, 200)}`), sums: null };
  const summed = files.has(SIGNED_FILES);
  /** @type {Map<string, Uint8Array>} */
  const sums = new Map();
  const comparison = await compareData(tree, data, course, async (file) => {
    const { digest, sha256 } = await file.read(null, summed && tree.byPath.has(file.path));
    if (sha256) sums.set(file.path, sha256);
    return { digest };
  });
  return { check: checkFiles(comparison, id, true), sums: isComplete(comparison) ? sums : null };
}

/** @param {any} deployment @param {EvidenceOutcome} found @param {string} role @returns {any} */
const inputOf = (deployment, { inputs }, role) => inputsIn(deployment, role).slice(0, 1).map(({ id }) => inputs.get(id))[0];

/** @param {any} deployment @param {EvidenceOutcome} found */
function checkMadeFrom(deployment, found) {
  const { inputs, tree } = found;
  const problems = new Problems("deployment.made-from");
  const readme = tree?.byPath.get(README)?.blake3 ?? null;
  for (const { code, text } of madeFromFaults(deployment, (id) => inputs.get(id), readme)) problems.add(problems.bad, code, text);
  for (const { role, id } of deployment.inputs) {
    if (!inputs.has(id)) problems.add(problems.lost, "missing-file", `${role} ${short(parseId(id))} is not beside it, or not sound`);
  }
  const { body, name } = deployment;
  const rounded = body.quantization === "none" ? "" : `, in ${quote(body.quantization)}`;
  const [checkpoint, run] = ["checkpoint", "run"].map((role) => inputOf(deployment, found, role)).map((one) => one ? called(one) : "?");
  const limit = otherLimit(deployment, inputOf(deployment, found, "checkpoint"));
  const summary = `${name} for ${quote(body.loader)} (${body.target}${rounded}), from ${checkpoint}, made by ${run}, ` +
    counted(inputsIn(deployment, "evaluation").length, "evaluation") +
    (limit ? `, no answer below ${limit.served}, where its checkpoint says ${limit.sealed ?? "?"}` : "") +
    `, stated: ${comparedInWords(body.check)}`;
  return problems.close(summary, {
    deployment: name,
    target: body.target,
    inputs: deployment.inputs.map((/** @type {any} */ { role, id }) => ({ role, id, ...(inputs.has(id) ? { name: inputs.get(id).name } : {}) })),
    ...(limit ? { limit } : {}),
    ...(body.check === undefined ? {} : { compared: body.check }),
  });
}

/** @param {any} deployment @param {EvidenceOutcome} found @param {import("../delivery/alone.js").SignedAlone} signed @param {Uint8Array[]} later @param {{trust: import("../../credentials/trust.js").Trust, at: number}} judge */
function approvalOf(deployment, found, signed, later, judge) {
  const card = inputOf(deployment, found, "card");
  if (inputsIn(deployment, "card").length && !card) return unchecked("deployment.approval", "missing-file", "its card is not beside it");
  const makers = ["card", "checkpoint", "run"].map((role) => inputOf(deployment, found, role)).filter(Boolean);
  const approvals = inputsIn(deployment, "approval").map(({ id }) => found.inputs.get(id))
    .filter((one) => one && one.body.decision === "approve");
  // What a verifier has of later: an approval may have been withdrawn since.
  const since = later.map((bytes) => attempt(() => parseManifest(bytes))).filter((one) => !(one instanceof Refusal));
  return checkApproval(card, makers, [...approvals, ...since], signed, judge);
}
