/** Answers about people: who signed and approved what, by which rule, and when (spec §22.6). */
import { attempt, Refusal, refuse } from "../../canon/errors.js";
import { inputsIn } from "../../history/manifests/manifest.js";
import { approvingRoles, countApprovals, lastDecisions, whose } from "../../history/policy/approving.js";
import { compare } from "../../history/trees/paths.js";
import { hexOf, listed, textOf } from "./known.js";
import { row } from "./tables.js";

/** @typedef {import("./known.js").Known} Known */
/** @typedef {import("./tables.js").Found} Found */
/** @typedef {import("./tables.js").Row} Row */
/** @typedef {import("../../history/policy/policy.js").Policy} Policy */
/** @typedef {import("../../history/policy/key_history.js").Ruled} Ruled */

/** @param {Known} known @returns {Found} */
export function signers(known) {
  const steps = known.effective.map((one) => row([known.at(one)], one.kind, known.called(one.id), known.who(one.author), one.created));
  return { tables: { people: peopleIn(known), steps } };
}

/** @param {Known} known @returns {Row[]} */
function peopleIn(known) {
  const { policies } = known.opened.table;
  const last = policies.at(-1)?.policy;
  if (last === undefined) return [];
  return [...known.people].map(([key, [words, index]]) => {
    const first = /** @type {Ruled} */ (policies.find((one) => one.index === index)).policy;
    const retired = last.retired.find((one) => one.key === key);
    if (retired === undefined) return row([index], key, rolesOf(first, key), words, rolesOf(last, key));
    const gone = /** @type {Ruled} */ (policies.find(({ policy }) => policy.retired.some((one) => one.key === key)));
    const now = retired.suspectFrom === null ? "replaced" : `in other hands since entry ${retired.suspectFrom}`;
    const { message } = known.get(gone.id);
    return row([index, gone.index], key, rolesOf(first, key), words, message ? `${now}: ${message}` : now);
  });
}

/** @param {Policy} policy @param {string} key */
const rolesOf = ({ roles }, key) => listed([...roles].filter(([, { keys }]) => keys.includes(key)).map(([name]) => name).sort(compare));

/** @param {Known} known @returns {Found} */
export function approvals(known) {
  return { tables: { approvals: known.manifests("approval").map((one) => {
    const { author, body, created, id } = one;
    const [card] = inputsIn(one, "card");
    const counts = countingOf(known, known.get(card.id)).some((other) => other.id === id);
    return row([known.at(one)], known.called(card.id), body.decision, known.who(author), created, textOf(body.statement),
      body.self ? "yes" : "no", counts ? "yes" : "no");
  }) } };
}

/** The approvals of a card that count by the policy in force now. @param {Known} known @param {any} card @returns {any[]} */
const countingOf = (known, card) => (card === undefined ? [] : attempt(() => countsOf(known, card).independent, () => []));

/** @param {Known} known @param {any} card */
function countsOf(known, card) {
  const { manifests, table } = known.opened;
  const policy = /** @type {Policy} */ (table.policy);
  const called = `approvals/${card.name.slice(card.name.indexOf("/") + 1)}`;
  /** @type {any[]} */
  const said = [];
  for (let state = table.refs.get(called) ?? null; state !== null; state = state.before) said.push(manifests.get(state.id));
  const about = said.reverse().filter((one) => hexOf(inputsIn(one, "card")[0].id) === card.id);
  return countApprovals(policy, called, lastDecisions(policy, about).approving, makersOf(known, card, policy));
}

/** The latest key of each maker of a card, of its subject and of its run. @param {Known} known @param {any} card @param {Policy} policy */
function makersOf(known, card, policy) {
  const read = (/** @type {any} */ { id }) => known.get(id) ?? refuse("no-blob", "it is not in the file");
  const subject = read(subjectsOf(card)[0]);
  // ATTACK: a card that leaves the run out among its own inputs.
  return new Set([card, subject, ...inputsIn(subject, "run").map(read)].map(({ author }) => whose(policy, author)));
}

/** @param {any} card */
const subjectsOf = (card) => [...inputsIn(card, "checkpoint"), ...inputsIn(card, "subject")];

/** @param {Known} known @returns {Found} */
export function rule(known) {
  const rows = known.manifests("approval").flatMap((one) => {
    const at = known.at(one);
    const since = known.opened.table.policies.findLast(({ index }) => index < at);
    if (since === undefined) return [];
    return approvingRoles(since.policy, one.name).map((role) => {
      const [name] = /** @type {[string, any]} */ ([...since.policy.roles].find(([, other]) => other === role));
      return row([at, since.index], known.called(one.id), name, String(role.threshold), listed(role.keys.map((key) => known.who(key))));
    });
  });
  return { tables: { rules: rows } };
}

/** @param {Known} known @returns {Found} */
export function card(known) {
  const rows = known.manifests("card").flatMap((one) => {
    const counted = attempt(() => countsOf(known, one));
    if (counted instanceof Refusal) return [];
    const uses = known.manifests("deployment").filter((each) => inputsIn(each, "card").some(({ id }) => hexOf(id) === one.id));
    const newest = known.opened.table.refs.get(one.name)?.id === one.id;
    return [row([one, ...counted.independent, ...uses].map((each) => known.at(each)), known.called(one.id), known.called(subjectsOf(one)[0].id),
      newest ? "yes" : "no", String(counted.count), String(counted.needed), counted.isEnough ? "yes" : "no", listed(uses.map(({ id }) => known.called(id))))];
  });
  return { tables: { cards: rows } };
}

/** @param {Known} known @returns {Found} */
export const dates = (known) => ({ tables: { times: known.manifests("timestamp").map((one) =>
  row([known.at(one)], textOf(one.body.size), one.body.time, one.body.by, Object.hasOwn(one.body, "response") ? "time stamp" : "cosignature")) } });
