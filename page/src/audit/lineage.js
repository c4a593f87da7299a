/** The checks `lineage`, and of what deliveries and withdrawals name (spec §8.6, §6.4.2), from the evidence alone. */
import { parseId, short } from "../canon/digest.js";
import { attempt, Refusal, refuse } from "../canon/errors.js";
import { quote } from "../canon/quoting.js";
import { inputsIn } from "../history/manifests/manifest.js";
import { entriesOf, holds, readList } from "../verify/credential/status.js";
import { keyIn, signerOf } from "./opened.js";

/** @typedef {import("./opened.js").OpenedEvidence} OpenedEvidence */
/** @typedef {import("../verify/problems.js").Problems} Problems */

/** Decision of a withdrawal to the purpose of the list, and whether the credential's bit is set. @type {Map<string, [string, boolean]>} */
const DECISIONS = new Map([
  ["revoke", ["revocation", true]], ["supersede", ["revocation", true]], ["suspend", ["suspension", true]], ["reinstate", ["suspension", false]],
]);

/** The manifests with effect, and all that they were made from, as far as it is there; and the ids that are not. @param {OpenedEvidence} opened */
function closure({ effective, manifests }) {
  const nodes = new Map(effective.map((one) => [one.id, one]));
  /** @type {Set<string>} */
  const absent = new Set();
  for (const { inputs } of nodes.values()) { // which grows
    for (const input of inputs) {
      const id = parseId(input.id);
      const found = manifests.get(id);
      if (found === undefined) absent.add(id);
      else if (!nodes.has(id)) nodes.set(id, found);
    }
  }
  for (const { parents } of nodes.values()) for (const parent of parents) if (!manifests.has(parseId(parent))) absent.add(parseId(parent));
  return { nodes, absent };
}

/**
 * Add every link that does not lead to an earlier manifest of the kind that it names; return how many manifests have links.
 *
 * @param {OpenedEvidence} opened @param {Problems} problems
 */
export function noteLinks(opened, problems) {
  const { nodes, absent } = closure(opened);
  for (const id of absent) {
    if (opened.indexOf(id) === undefined) problems.bad.push(`${short(id)} is named and is not a logged manifest`);
    else problems.lost.push(`manifest ${short(id)} is not in the file`);
  }
  const indexOf = (/** @type {string} */ id) => /** @type {number} */ (opened.indexOf(id));
  for (const { id, name, parents, inputs } of nodes.values()) {
    for (const text of parents) {
      const before = opened.manifests.get(parseId(text));
      if (before === undefined) continue;
      if (before.name !== name) problems.bad.push(`${name} names a version of ${before.name} as its earlier version`);
      if (indexOf(before.id) >= indexOf(id)) problems.bad.push(`an earlier version of ${name} is logged after the later one`);
    }
    for (const input of inputs) {
      const parent = nodes.get(parseId(input.id));
      if (parent === undefined) continue;
      if (parent.kind !== input.kind) problems.bad.push(`${name} uses ${short(parent.id)} as ${input.kind}; it is a ${parent.kind}`);
      if (indexOf(parent.id) >= indexOf(id)) problems.bad.push(`${parent.name} is logged after ${name}, which was made from it`);
    }
  }
  return nodes.size;
}

/** Add each object that a delivery or withdrawal names wrongly. @param {OpenedEvidence} opened @param {Problems} problems */
export function noteEvents(opened, problems) {
  for (const one of opened.effective) {
    const judge = one.kind === "delivery" ? faultOfDelivery : one.kind === "withdrawal" ? faultOfWithdrawal : () => "";
    const label = `${one.name} (${short(one.id)})`;
    const wrong = attempt(() => judge(opened, one));
    if (wrong instanceof Refusal) (wrong.kind === "left-out" ? problems.lost : problems.bad).push(`${label}: ${quote(wrong.message, 300)}`);
    else if (wrong) problems.bad.push(`${label}: ${wrong}`);
  }
}

/** @param {OpenedEvidence} opened @param {any} delivery */
function faultOfDelivery(opened, delivery) {
  const named = delivery.body.credential;
  if (named === undefined) return "";
  const about = credentialNamed(opened, delivery, named).document?.credentialSubject;
  const [dataset] = inputsIn(delivery, "dataset");
  return about?.manifest === `urn:${dataset.id}` ? "" : "its credential is not about what was handed over";
}

/** @param {OpenedEvidence} opened @param {any} withdrawal */
function faultOfWithdrawal(opened, withdrawal) {
  const { credential: named, list, decision, successor } = withdrawal.body;
  const credential = credentialNamed(opened, withdrawal, named);
  const listed = credentialNamed(opened, withdrawal, list);
  const found = readList(listed, keyIn);
  // ATTACK A142: somebody else's words, shown as the reason of whoever revoked it.
  if (signerOf(listed) !== withdrawal.author) return "its author did not sign the status list that it names";
  const [purpose, value] = DECISIONS.get(decision) ?? refuse("bad-manifest", "an unknown decision");
  const entry = entriesOf(credential).find((one) => one.purpose === purpose);
  if (entry === undefined || found.url !== entry.url || found.purpose !== purpose || found.issuer !== credential.issuer) {
    return "the status list that it names is not that of the credential";
  }
  if (holds(found.bits, entry.index) !== value) return `the status list that it names does not ${decision} the credential`;
  if (decision === "supersede" && credentialNamed(opened, withdrawal, successor).supersedes !== `urn:${named}`) {
    return "the credential that it names does not take the place of the other";
  }
  return "";
}

/** A credential that was logged before the manifest that names it. @param {OpenedEvidence} opened @param {any} by @param {string} named */
function credentialNamed(opened, by, named) {
  const id = parseId(named);
  const index = opened.indexOf(id, "credential");
  // ATTACK A142: it names a credential that came later, or one of which nobody knows.
  if (index === undefined || index > /** @type {number} */ (opened.indexOf(by.id))) {
    return refuse("not-logged", `it names credential ${short(id)}, which is not logged before it`);
  }
  return opened.credentials.get(id) ?? refuse("left-out", `credential ${short(id)} is not in the file`);
}
