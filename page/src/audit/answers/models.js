/** Answers about models: runs, predictions, reproductions, rules (spec §22.6). */
import { short } from "../../canon/digest.js";
import { inputsIn } from "../../history/manifests/manifest.js";
import { sorted } from "./data.js";
import { hexOf, listed, textOf } from "./known.js";
import { row } from "./tables.js";

/** @typedef {import("./known.js").Known} Known */
/** @typedef {import("./tables.js").Found} Found */
/** @typedef {import("./tables.js").Row} Row */

/** @param {Known} known @returns {Found} */
export function predictions(known) {
  return { tables: { predictions: known.manifests("prediction").map((one) => row([known.at(one)], known.called(inputsIn(one, "checkpoint")[0].id),
    ...["asked", "answered", "notKnown"].map((word) => textOf(one.body[word])), known.who(one.author), one.created)) } };
}

/** @param {Known} known @returns {Found} */
export function failed(known) {
  const [runs, models] = [known.manifests("run"), known.manifests("checkpoint")];
  const ended = new Set(models.flatMap((model) => inputsIn(model, "run").map(({ id }) => hexOf(id))));
  const tables = {
    runs: runs.filter(({ id }) => !ended.has(id)).map((one) => row([known.at(one)], known.called(one.id), known.who(one.author), one.created)),
    candidates: models.flatMap((model) => candidatesOf(known, model)),
    flagged: flaggedIn(known),
  };
  return { tables, because: runs.length && !Object.values(tables).some((rows) => rows.length) ? "all" : "" };
}

/** @param {Known} known @param {any} model @returns {Row[]} */
function candidatesOf(known, model) {
  const { chosen = {} } = model.body;
  return (chosen.candidates ?? []).map((/** @type {any} */ one) => {
    const figures = sorted(one.metrics ?? {}).map(([name, value]) => `${name} ${value}`);
    const reason = one.reason ?? (one.taken ? chosen.reason : "");
    return row([known.at(model)], known.called(model.id), textOf(one.format), listed(figures), one.taken ? "yes" : "no", textOf(reason));
  });
}

/** @param {Known} known @returns {Row[]} */
const flaggedIn = (known) => known.opened.table.flagged.map(({ index, id, reason }) => {
  const one = known.get(id);
  return one === undefined ? row([index], "", short(id), "", reason) : row([index], one.kind, known.called(id), known.who(one.author), reason);
});

/** @param {Known} known @returns {Found} */
export function reproduced(known) {
  const reproductions = known.manifests("reproduction").map((one) => row([known.at(one)], known.called(inputsIn(one, "run")[0].id),
    one.body.verdict, one.body.method, known.who(one.author), one.created));
  const runs = known.manifests("run").map((run) => {
    const { seed, code = {}, order = {}, tolerances } = run.body;
    const program = ["package", "version", "digest"].filter((word) => Object.hasOwn(code, word)).map((word) => textOf(code[word]));
    return row([known.at(run)], known.called(run.id), textOf(seed), textOf(order.function), listed(program), textOf(tolerances));
  });
  return { tables: { reproductions, runs }, because: runs.length && !reproductions.length ? "untried" : "" };
}

/** @param {Known} known @returns {Found} */
export function rules(known) {
  const packs = known.manifests("rules").map((one) => row([known.at(one)], known.called(one.id), `${one.body.name} ${one.body.packVersion}`,
    textOf(one.body.ruleCount), textOf(one.body.reviewed), one.created));
  const decisions = known.manifests("decision").map((one) => row([known.at(one)], `${one.body.action} ${known.called(one.id)}`, one.body.answer,
    listed((one.body.lifted ?? []).map((/** @type {any} */ { rule, resource }) => `${rule} (${resource})`)), known.who(one.author), one.created));
  const waivers = known.manifests("waiver").map((one) => {
    const [about] = [...inputsIn(one, "dataset"), ...inputsIn(one, "checkpoint")];
    return row([known.at(one)], known.called(about.id), ...["rule", "until", "reason", "liable"].map((word) => one.body[word]), known.who(one.author));
  });
  return { tables: { packs, decisions, waivers } };
}
