/** The kinds of manifest that lie in a delivery, and what each may point at (spec §6.4). */

import { MAX_INPUTS } from "../../../generated/limits.js";

/** @typedef {Map<string, {kind: string, least: number, most: number}>} Rules */
/** @typedef {{prefix: string, tree: boolean, inputs: Rules, origins?: Map<string, Rules>, attachments: string[]}} Kind */

/** @type {Rules} */
const NOTHING = new Map();

/** How the names of all kinds begin, of those too that lie in no delivery. */
export const PREFIXES = new Set([
  "cards", "checkpoints", "datasets", "evaluations", "filters", "policies", "records", "retentions", "runs",
]);

/** @type {Map<string, Kind>} */
export const KINDS = new Map([
  ["genesis", { prefix: "policies", tree: false, inputs: NOTHING, attachments: [] }],
  ["policy", { prefix: "policies", tree: false, inputs: NOTHING, attachments: [] }],
  ["dataset", {
    prefix: "datasets",
    tree: true,
    inputs: NOTHING,
    origins: new Map([
      ["committed", NOTHING],
      ["imported", NOTHING],
      ["filtered", new Map([
        ["source", { kind: "dataset", least: 1, most: MAX_INPUTS }],
        ["filter", { kind: "filter", least: 1, most: MAX_INPUTS }],
      ])],
    ]),
    attachments: [],
  }],
  ["records", {
    prefix: "records",
    tree: false,
    inputs: new Map([["dataset", { kind: "dataset", least: 1, most: 1 }]]),
    attachments: ["salts"],
  }],
]);
