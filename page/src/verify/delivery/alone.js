/**
 * A signed manifest and the evidence beside it, judged without its store (spec §14.6.1): who signed it, and
 * where in whose log it stands.
 */
import { blake3Once } from "../../canon/digest.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { quote } from "../../canon/quoting.js";
import { parseManifest } from "../../history/manifests/manifest.js";
import { checkGenesis } from "../../history/policy/policy.js";
import { unlessUnproven, whereLogged } from "../credential/issuer_key.js";
import { Statements } from "../credential/key_statements.js";
import { failed, notApplicable, unchecked } from "../report.js";
import { checkAuthor } from "./dataset.js";
import { checkFounder } from "./founder.js";
import { checkWitness, included } from "./log.js";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../history/policy/key_history.js").KeyHistory} KeyHistory */
/** @typedef {import("../credential/key_statements.js").Proofs} Proofs */
/** @typedef {import("../../history/log/consistency.js").Place} Place */
/** @typedef {{history: KeyHistory | null, proofs: Proofs | null}} Known The policies of a store, and what shows where in its log things are; null where nothing establishes them. */
/** @typedef {Known & {checks: Check[]}} SignedAlone `checks`: `store.genesis`, `manifest.signature`, `log.inclusion`, `log.witness`, `log.memory`. */

/**
 * @param {any} manifest Its signature holds already: it was parsed.
 * @param {Iterable<Uint8Array>} files What is beside it; each is found by what it is.
 * @param {import("../../credentials/trust.js").Trust} trust
 * @param {number} at
 * @returns {SignedAlone}
 */
export function judgeAlone(manifest, files, trust, at) {
  const { check, ...known } = establish(manifest, new Statements(files), trust, at);
  const { logged, check: author } = judgeAuthor(manifest, known);
  const memory = notApplicable("log.memory", "no memory of earlier log checkpoints is kept");
  return { ...known, checks: [check, author, checkLogged(logged), checkWitness(trust), memory] };
}

/**
 * Where a manifest of a store is logged, and `manifest.signature`.
 *
 * @param {any} manifest Its signature holds already: it was parsed.
 * @param {Known} known
 * @returns {{logged: Place | null, check: Check}}
 */
export function judgeAuthor(manifest, { history, proofs }) {
  const id = "manifest.signature";
  const { author } = manifest;
  if (history === null || proofs === null || history.forked) return { logged: null, check: checkAuthor(id, manifest, null) };
  const { index, shown } = whereLogged("manifest", manifest.id, author, history, proofs);
  const logged = proofs.of("manifest", manifest.id, history).find((place) => place.index === index) ?? null;
  let check = checkAuthor(id, manifest, index === null ? null : history.inForce(index));
  // ATTACK A27: a stolen key signs in an old copy of the log.
  if (check.state === "pass" && shown !== "same") {
    const what = `that entry ${index} was signed before the key ${author} was compromised`;
    check = shown === "fork"
      ? failed(id, "fork", `${what} is shown by another history of the log alone`)
      : unchecked(id, "no-consistency", `nothing here shows ${what}`);
  }
  // ATTACK: whoever hands it over takes away the log proof of the policy which says that the key was stolen.
  return { logged, check: unlessUnproven(check, history) };
}

/** @param {any} manifest @param {Statements} statements @param {import("../../credentials/trust.js").Trust} trust @param {number} at @returns {Known & {check: Check}} */
function establish(manifest, statements, trust, at) {
  const id = "store.genesis";
  const nothing = { history: null, proofs: null };
  const bytes = statements.geneses.find((one) => `blake3:${blake3Once(one)}` === manifest.store);
  if (bytes === undefined) return { check: unchecked(id, "missing-file", "the genesis manifest of its store is not beside it"), ...nothing };
  const found = attempt(() => {
    const founder = parseManifest(bytes);
    return { founder, genesis: checkGenesis(founder) };
  });
  if (found instanceof Refusal) return { check: failed(id, found.kind, `the genesis manifest: ${quote(found.message, 200)}`), ...nothing };
  const { founder, genesis } = found;
  const read = attempt(() => {
    const { history, proofs } = statements.readStore(founder, genesis);
    const places = [...history.policies.flatMap((one) => one.places), ...proofs.of("manifest", manifest.id, history)];
    return { history: proofs.consistency.isTorn(places.map(({ signed }) => signed)) ? history.torn() : history, proofs };
  });
  if (read instanceof Refusal) return { check: unchecked(id, read.kind, read.message), ...nothing };
  const { history, proofs } = read;
  const check = history.forked
    ? failed(id, "fork", "what is beside it shows two histories of the store: a forked log")
    : checkFounder(founder, history, (key) => key === manifest.author, trust, at);
  return { check, history, proofs };
}

/** @param {Place | null} logged */
function checkLogged(logged) {
  return logged === null
    ? unchecked("log.inclusion", "missing-file", "no log proof of its manifest that holds is beside it")
    : included("its manifest", logged);
}
