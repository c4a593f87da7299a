/**
 * Recipes: numbers about a dataset that anybody who has it can measure again (spec §19.5).
 * What is in the records was counted while they were hashed; the rest follows from the list of files
 * and from the ids of the records.
 */
import { Measured } from "./quality.js";
import { ID_BYTES } from "../../history/records/records.js";
import { hasExactly } from "../../canon/json.js";

const AT_ONCE = 1 << 18;

/** @typedef {import("../../history/records/meters.js").Recipe} Recipe */
/** @typedef {import("../../history/records/meters.js").Count} Count */
/** @typedef {import("../../history/trees/tree.js").Entry} Entry */
/** @typedef {import("../../history/records/records.js").RecordIds} RecordIds */
/** @typedef {{entries: Entry[], files: RecordIds[], signal?: AbortSignal}} Dataset Of the files that hold records, in the order of the tree. */
/** @typedef {(dataset: Dataset, parameters: {[name: string]: string}) => Promise<Count> | Count} Look */

/** @type {Map<string, {names: string[], share: boolean, look: Look | null}>} */
const RECIPES = new Map();

/** @param {string} use @param {string[]} names Of its parameters. @param {{share?: boolean, look?: Look}} [more] `look`: of what is not counted in the records. */
function recipe(use, names, { share = true, look } = {}) {
  RECIPES.set(use, { names, share, look: look ?? null });
}

recipe("recordCount/1", [], { share: false, look: ({ files }) => count(recordsOf(files), 1) });
recipe("exactDuplicateRate/1", [], { look: duplicates });
recipe("emptyRate/1", []);
recipe("wordCount/1", [], { share: false });
recipe("characterCount/1", [], { share: false });
recipe("missingMetadataRate/1", ["column"], { look: ({ entries }, { column }) => cells(entries, column, undefined) });
recipe("metadataShare/1", ["column", "value"], { look: ({ entries }, { column, value }) => cells(entries, column, value) });
recipe("missingFieldRate/1", ["field"]);
recipe("fieldShare/1", ["field", "value"]);

/**
 * Return what each recipe gives.
 *
 * @param {Recipe[]} recipes
 * @param {Dataset} dataset
 * @returns {Promise<Measured[]>}
 */
export async function measure(recipes, dataset) {
  const found = [];
  for (const [at, { use, parameters = {} }] of recipes.entries()) {
    const kind = RECIPES.get(use);
    if (!kind || !hasExactly(parameters, kind.names) ||
        Object.values(parameters).some((value) => typeof value !== "string")) {
      found.push(new Measured({ ...count(0, 0), problem: "no recipe of this name, version and parameters is known" }, false));
      continue;
    }
    const counted = kind.look ? await kind.look(dataset, parameters) : sum(dataset.files, at);
    found.push(new Measured(counted, kind.share));
  }
  return found;
}

/** @param {number} hits @param {number} total @returns {Count} */
const count = (hits, total) => ({ hits, total, problem: "" });

/** @param {RecordIds[]} files */
const recordsOf = (files) => files.reduce((all, { ids }) => all + ids.length / ID_BYTES, 0);

/** @param {RecordIds[]} files @param {number} at Which recipe. */
function sum(files, at) {
  const all = count(0, 0);
  for (const { counts } of files) {
    const { hits, total, problem } = /** @type {Count} */ (counts[at]);
    all.hits += hits;
    all.total += total;
    all.problem ||= problem;
  }
  return all;
}

/** Files with that value of a column. @param {Entry[]} entries @param {string} column @param {string | undefined} value */
const cells = (entries, column, value) =>
  count(entries.filter(({ meta }) => meta?.[column] === value).length, entries.length);

/** Records whose id occurs earlier: a part of all ids at a time, so that memory is flat. @param {Dataset} dataset */
async function duplicates({ files, signal }) {
  const total = recordsOf(files);
  const parts = Math.ceil(total / AT_ONCE);
  let distinct = 0;
  for (let part = 0; part < parts; part += 1) {
    const seen = new Set();
    for (const { ids } of files) {
      for (let at = 0; at < ids.length; at += ID_BYTES) {
        if ((ids[at] | (ids[at + 1] << 8)) % parts === part) {
          seen.add(String.fromCharCode(...ids.subarray(at, at + ID_BYTES)));
        }
      }
    }
    distinct += seen.size;
    await new Promise((resolve) => setTimeout(resolve)); // a page must still answer
    signal?.throwIfAborted();
  }
  return count(total - distinct, total);
}
