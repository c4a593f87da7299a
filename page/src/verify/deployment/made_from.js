/** Whether what a deployment was made from fits together (spec §14.7.7). */
import { short } from "../../canon/digest.js";
import { same } from "../../canon/bytes.js";
import { canonical } from "../../canon/json.js";
import { inputsIn } from "../../history/manifests/manifest.js";
import { credentialsOf, leftOut, renewedBy } from "./credentials.js";

/** Members of a deployment's body that repeat what its checkpoint says, beside `decision`. */
const SAID_OF_IT = ["task", "format"];
export const README = "README.md";

/** @typedef {{code: string, text: string}} Fault */

/**
 * What does not fit of a deployment and its inputs, in order.
 *
 * @param {any} deployment
 * @param {(id: string) => any} manifestOf Gives one of its inputs; undefined: it is not at hand, and whoever asks says so.
 * @param {string | null} readme Digest of `README.md` in its tree; null: there is none, or no tree at hand.
 * @returns {Fault[]}
 */
export function madeFromFaults(deployment, manifestOf, readme) {
  /** @type {Fault[]} */
  const faults = [];
  const add = (/** @type {string} */ code, /** @type {string} */ text) => faults.push({ code, text });
  const only = (/** @type {string} */ role) => inputsIn(deployment, role).slice(0, 1).map(({ id }) => manifestOf(id))[0];
  const checkpoint = only("checkpoint");
  if (checkpoint) faults.push(...ofCheckpoint(deployment, checkpoint));
  const run = only("run");
  if (run && [...leftOut(deployment)].some((id) => !credentialsOf(run, renewedBy(deployment)).includes(id))) {
    add("disagrees", "it leaves out credentials that its run does not rest on");
  }
  if ((deployment.body.cardStatus !== undefined) !== inputsIn(deployment, "card").length > 0) {
    add("disagrees", "it states the status of a card that it does not have, or none of the one it has");
  }
  const model = idsIn(deployment, "checkpoint");
  for (const { id } of inputsIn(deployment, "evaluation")) {
    const evaluation = manifestOf(id);
    if (evaluation && idsIn(evaluation, "checkpoint") !== model) {
      add("other-checkpoint", `evaluation ${called(evaluation)} is of another checkpoint`);
    }
  }
  const card = only("card");
  if (card) {
    if (idsIn(card, "checkpoint") !== model) add("other-checkpoint", `card ${called(card)} is about another checkpoint`);
    if (readme !== null && !card.attachments.some((/** @type {any} */ { id }) => id === `blake3:${readme}`)) {
      add("other-card", `${README} is no text of card ${called(card)}`);
    }
  }
  for (const { id } of inputsIn(deployment, "decision")) {
    const decision = manifestOf(id);
    if (!decision) continue;
    // ATTACK A172: the decision about another model, or about another use, lies beside it.
    if (idsIn(decision, "checkpoint") !== model) add("other-checkpoint", `decision ${called(decision)} is about another checkpoint`);
    else if (decision.body.action !== "deploy") add("disagrees", `decision ${called(decision)} is about another use`);
  }
  for (const { id } of inputsIn(deployment, "approval")) {
    const approval = manifestOf(id);
    if (!approval) continue;
    if (idsIn(approval, "card") !== idsIn(deployment, "card")) add("other-card", `approval ${called(approval)} is of another card`);
    else if (approval.body.decision !== "approve") add("withdrawn", `approval ${called(approval)} withdraws one`);
  }
  return faults;
}

/** @param {any} deployment @param {any} checkpoint @returns {Fault[]} */
function ofCheckpoint(deployment, checkpoint) {
  const label = `checkpoint ${called(checkpoint)}`;
  const [said, sealed] = [deployment.body, checkpoint.body];
  const faults = ["run", "base"].filter((role) => idsIn(checkpoint, role) !== idsIn(deployment, role))
    .map((role) => ({ code: `other-${role}`, text: `${label} has another ${role}` }));
  const wrong = SAID_OF_IT.filter((name) => !alike(said[name], sealed[name]));
  if (!decidesAs(said.decision, sealed.decision)) wrong.push("decision");
  if (said.unlike && !alike(said.unlike, sealed.unlike)) wrong.push("unlike");
  const most = sealed.text?.maxTokens;
  if (most !== undefined && said.limits.maxTokens !== most) wrong.push("limits");
  if (wrong.length) faults.push({ code: "disagrees", text: `it and ${label} disagree about ${wrong.join(", ")}` });
  return faults;
}

/**
 * Whether a deployment decides as its checkpoint, but for a limit that it calls its own.
 *
 * @param {any} served
 * @param {any} sealed
 */
function decidesAs(served, sealed) {
  // ATTACK A139: a limit, or a threshold, that nobody set for it is served as the checkpoint's.
  if (!served || !sealed || served.limitFrom !== "deployment" || served.abstainBelow === undefined) return alike(served, sealed);
  const [one, other] = [served, sealed].map(({ abstainBelow, limitFrom, ...rest }) => rest);
  return alike(one, other);
}

/**
 * The limit below which a deployment answers nothing, where it set one of its own; `sealed` is that of the checkpoint.
 *
 * @param {any} deployment
 * @param {any} checkpoint Its manifest; undefined: it is not at hand.
 * @returns {{served: string, sealed?: string} | null}
 */
export function otherLimit(deployment, checkpoint) {
  const { decision } = deployment.body;
  if (decision?.limitFrom !== "deployment" || decision.abstainBelow === undefined) return null; // without a limit it decides otherwise than its checkpoint
  const sealed = checkpoint?.body.decision?.abstainBelow;
  return { served: decision.abstainBelow, ...(sealed === undefined ? {} : { sealed }) };
}

/** The ids of the inputs in a role, as one text. @param {any} manifest @param {string} role */
const idsIn = (manifest, role) => inputsIn(manifest, role).map(({ id }) => id).sort().join();
/** @param {any} manifest */
export const called = ({ name, id }) => `${name} (${short(id)})`;
/** @param {any} left @param {any} right */
const alike = (left, right) => left === undefined || right === undefined ? left === right : same(canonical(left), canonical(right));
