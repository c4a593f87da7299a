/** The kinds of manifest that lie in a delivery, and what each may point at (spec §6.4). */

import { MAX_INPUTS } from "../../../generated/limits.js";

/** `since` is the format version that brought the role. @typedef {Map<string, {kind: string, least: number, most: number, since?: number}>} Rules */
/**
 * `described` are members of the body; with one of them, there is exactly one attachment in the role that is called
 * like it. `newest` is the newest format version that the kind has a schema of.
 *
 * @typedef {{prefix: string, tree: boolean, inputs: Rules, origins?: Map<string, Rules>, attachments: string[], described?: string[], newest: number}} Kind
 */

/** @type {Rules} */
const NOTHING = new Map();

/** How the names of all kinds begin, of those too that lie in no delivery. */
export const PREFIXES = new Set([
  "approvals", "cards", "checkpoints", "datasets", "deployments", "evaluations", "filters", "policies", "records", "reproductions",
  "retentions", "runs",
]);

/** @type {Map<string, Kind>} */
export const KINDS = new Map([
  ["genesis", { prefix: "policies", tree: false, inputs: NOTHING, attachments: [], newest: 1 }],
  ["policy", { prefix: "policies", tree: false, inputs: NOTHING, attachments: [], newest: 2 }],
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
        ["against", { kind: "dataset", least: 0, most: MAX_INPUTS, since: 2 }],
        ["opt-out", { kind: "dataset", least: 0, most: MAX_INPUTS, since: 2 }],
      ])],
      ["generated", new Map([
        ["generator", { kind: "checkpoint", least: 0, most: MAX_INPUTS, since: 2 }],
        ["source", { kind: "dataset", least: 0, most: MAX_INPUTS, since: 2 }],
      ])],
    ]),
    attachments: [],
    described: ["skipped"],
    newest: 2,
  }],
  ["records", {
    prefix: "records",
    tree: false,
    inputs: new Map([["dataset", { kind: "dataset", least: 1, most: 1 }]]),
    attachments: ["salts"],
    newest: 1,
  }],
]);
