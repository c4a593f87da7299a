/** Presentations: a holder shows credentials to one verifier, once (spec §17.9). */
import { attempt, Refusal } from "../../canon/errors.js";
import { counted } from "../../canon/text.js";
import { printable, printableDid, quote } from "../../canon/quoting.js";
import { failed, passed, reportOf, unchecked, warned } from "../../verify/report.js";
import { isOurs } from "../../credentials/credential.js";
import { openAll, OpenedCredential } from "../../credentials/opened.js";
import { checkDocument } from "../../verify/credential/envelope.js";
import { canonical, isObject } from "../../canon/json.js";
import { isEnveloped, judgeEnvelope, PRESENTATION } from "./enveloped.js";
import { checkPresentationModel, presented } from "./model.js";
import { modelFailed, securityProblem } from "../problems.js";
import { checkBinding, checkProofs, keyOf, signersOf } from "./proofs.js";
import { RDFC } from "../proofs/eddsa_rdfc.js";
import { idOf, itemsOf, statedIn, typesOf } from "../../canon/values.js";
import { verifyAlone } from "../../verify/verify.js";
import { judgeCredential, readObject } from "./verify.js";
import { MAX_PRESENTED } from "../../../generated/limits.js";

const NOBODY = "nobody who signed it"; // granted to no one
const VERDICTS = ["invalid", "incomplete", "valid", "trusted"];

/** @typedef {import("../../verify/report.js").Check} Check */
/** @typedef {import("../../verify/report.js").Report} Report */
/** @typedef {import("./verify.js").Surroundings} Surroundings */
/** @typedef {import("./proofs.js").Signed} Signed */
/** @typedef {import("../../verify/credential/grant.js").Holder} Holder */

/** @param {Uint8Array} bytes */
export function isPresentation(bytes) {
  const { document } = readObject(bytes);
  return document !== null && typesOf(document).some((type) => type === "VerifiablePresentation" || type === PRESENTATION);
}

/**
 * Return the report on a presentation, with one on each credential in it. Never throws for bad input.
 *
 * @param {Uint8Array} bytes
 * @param {Surroundings} surroundings
 * @param {{challenge?: string, domain?: string}} asked
 * @returns {Promise<Report>}
 */
export async function verifyPresentation(bytes, surroundings, { challenge, domain }) {
  const { at, resolver } = surroundings;
  const { document: given, check: read } = readObject(bytes);
  if (given === null) return report({}, [read], at);
  if (isEnveloped(given, PRESENTATION)) return judgeEnvelope(given, PRESENTATION, read, at);
  let document = given;
  const flaw = attempt(() => checkPresentationModel(document));
  if (flaw instanceof Refusal) return report(document, [read, modelFailed("presentation", flaw)], at);
  /** @type {Signed} */
  const signed = Object.hasOwn(document, "proof")
    ? await checkProofs(withoutNothing(document), "authentication", resolver, at)
    : { check: unchecked("proof", "no-proof", "nobody signed the presentation"), verified: null };
  const { binding, holder } = checkHolder(document, signed, resolver, at);
  document = signed.verified?.document ?? document;
  const asked = checkChallenge(signed, challenge, domain);
  const unverified = binding.state === "warn" ? String(binding.detail.reason) : "";
  const by = { did: holder ?? NOBODY, fresh: asked.state === "pass", unverified };
  const own = holder !== null && Object.hasOwn(document, "holder") ? signed : null;
  const { check, parts } = await checkPresented(presented(document), by, own, surroundings);
  const model = passed("model", "a presentation of the VC Data Model 2.0");
  return report(document, [read, model, signed.check, binding, asked, check], at, parts);
}

/** Presenting an empty list says what presenting none says; RDF has no empty list. @param {any} document */
function withoutNothing(document) {
  const { verifiableCredential: inner, ...rest } = document;
  const empty = Array.isArray(inner) && !inner.length;
  const rdf = statedIn(document, "proof").every((proof) => proof.cryptosuite === RDFC);
  return empty && rdf ? Object.assign(Object.create(null), rest) : document;
}

/** @param {any} document @param {Signed} signed @param {import("../../credentials/did.js").Resolver} resolver @param {number} at @returns {{binding: Check, holder: string | null}} */
function checkHolder(document, signed, resolver, at) {
  const id = "holder.binding";
  let named = Object.hasOwn(document, "holder") ? idOf(document.holder) : null;
  const [who, ...others] = new Set(signersOf(signed));
  let binding = checkBinding(id, named, signed);
  if (named === null && who !== undefined && !others.length) { // then the securing mechanism says who holds it
    named = who;
    binding = passed(id, `names no holder; ${quote(who, 120)} signed it`);
  }
  if (named === null || binding.state !== "pass") return { binding, holder: null };
  // ATTACK: a DID document of the buyer's DID beside the presentation, with a key of the thief's.
  const says = checkDocument(keyOf(signed, named, resolver, at));
  return { binding: says.state === "warn" ? { ...says, id, spec: binding.spec } : binding, holder: named };
}

/** @param {Signed} signed @param {string} [challenge] @param {string} [domain] */
function checkChallenge({ verified }, challenge, domain) {
  const id = "challenge";
  if (verified === null) return unchecked(id, "no-proof", "no sound signature over a challenge");
  const refused = (/** @type {string} */ what, /** @type {string} */ problem, /** @type {any} */ found) =>
    failed(id, `other-${what}`, `signed for another ${what}: ${quote(found)}; a replay, or not meant for you`, securityProblem(problem));
  for (const { options } of verified.proofs) {
    if (challenge !== undefined && options.challenge !== challenge) {
      return refused("challenge", "INVALID_CHALLENGE_ERROR", options.challenge);
    }
    if (domain !== undefined && !itemsOf(options.domain).includes(domain)) {
      return refused("domain", "INVALID_DOMAIN_ERROR", options.domain);
    }
  }
  const missing = [["challenge", challenge], ["domain", domain]].filter(([, value]) => value === undefined).map(([name]) => name);
  return missing.length
    ? warned(id, "not-asked", `you named no ${missing.join(" or ")}: it may be one that was made for somebody else, or before`)
    : passed(id, `signed for ${quote(domain)} over your challenge`);
}

/** @param {any[]} inner @param {Holder} holder @param {Signed | null} own What secures credentials of the holder's own. @param {Surroundings} surroundings @returns {Promise<{check: Check, parts: Report[]}>} */
async function checkPresented(inner, holder, own, surroundings) {
  const id = "presented";
  // ATTACK: with no credential there is no issuer whom a trust file would have to name.
  if (!inner.length) return { check: warned(id, "nothing", "presents no credential: there is nothing to trust"), parts: [] };
  if (inner.length > MAX_PRESENTED) return { check: failed(id, "too-many", `more than ${MAX_PRESENTED} credentials`), parts: [] };
  /** @type {Report[]} */
  const parts = [];
  // A grant is worth something only to the holder it names, under terms that are shown with it or lie beside.
  const spelt = inner.map((item) => new OpenedCredential(canonical(item)));
  const files = [...spelt, ...openAll(surroundings.resources.files)];
  for (const [number, item] of inner.entries()) {
    if (isOurs(item)) {
      parts.push(await verifyAlone(spelt[number], { files, ...surroundings, holder }));
    } else {
      const shown = !Object.hasOwn(item, "proof") && idOf(item.issuer) === holder.did ? own : null;
      parts.push(await judgeCredential(item, surroundings, passed("format", "part of the presentation"), shown));
    }
  }
  const verdicts = parts.map(({ verdict }) => verdict);
  const aboutHolder = inner.map((item) =>
    statedIn(item, "credentialSubject").some((one) => isObject(one) && one.id === holder.did));
  const detail = { verdicts, aboutHolder };
  const count = (/** @type {string} */ verdict) => verdicts.filter((one) => one === verdict).length;
  const said = VERDICTS.filter(count).map((verdict) => `${count(verdict)} ${verdict}`).join(", ");
  const summary = `${counted(parts.length, "credential")}: ${said}`;
  let check = passed(id, summary, detail);
  if (count("invalid")) check = failed(id, "invalid", summary, detail);
  else if (count("incomplete")) check = unchecked(id, "incomplete", summary, detail);
  else if (count("valid")) check = warned(id, "valid", summary, detail);
  return { check, parts };
}

/** @param {any} document @param {Check[]} checks @param {number} at @param {Report[]} parts @returns {Report} */
function report(document, checks, at, parts = []) {
  return reportOf("presentation", checks, {
    subject: printable(document.id) ?? "a presentation without an id",
    issuer: printableDid(idOf(document.holder)),
    at,
    open: parts.flatMap((part) => part.notProven),
    profile: "w3c",
    parts,
  });
}
