/** The kinds of manifest, and what each may point at (spec §6.4). */

import { MAX_INPUTS } from "../../../generated/limits.js";

/** `since` is the format version that brought the role. @typedef {Map<string, {kind: string, least: number, most: number, since?: number}>} Rules */
/**
 * `either`: roles of which exactly one has an input. `described` are members of the body; with one of them, there is
 * exactly one attachment in the role that is called like it. `newest` is the newest format version that the kind has a
 * schema of, `first` the first one.
 *
 * @typedef {{prefix: string, tree: boolean, inputs: Rules, origins?: Map<string, Rules>, either?: string[], attachments: string[], described?: string[], newest: number, first?: number}} Kind
 */

/** @type {Rules} */
const NOTHING = new Map();

/** @param {string} kind @param {number} [least] @param {number} [most] @param {number} [since] */
const rule = (kind, least = 0, most = MAX_INPUTS, since = 1) => ({ kind, least, most, since });
const DATASETS = rule("dataset");

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
        ["source", rule("dataset", 1)],
        ["filter", rule("filter", 1)],
        ["against", rule("dataset", 0, MAX_INPUTS, 2)],
        ["opt-out", rule("dataset", 0, MAX_INPUTS, 2)],
      ])],
      ["generated", new Map([
        ["generator", rule("checkpoint", 0, MAX_INPUTS, 2)],
        ["source", rule("dataset", 0, MAX_INPUTS, 2)],
      ])],
    ]),
    attachments: [],
    described: ["skipped"],
    newest: 2,
  }],
  ["filter", { prefix: "filters", tree: false, inputs: NOTHING, attachments: [], newest: 2 }],
  ["retention", {
    prefix: "retentions",
    tree: false,
    inputs: new Map([
      ["dataset", DATASETS],
      ["checkpoint", rule("checkpoint")],
      ["evaluation", rule("evaluation", 0, MAX_INPUTS, 2)],
      ["card", rule("card", 0, MAX_INPUTS, 2)],
      ["deployment", rule("deployment", 0, MAX_INPUTS, 2)],
    ]),
    attachments: [],
    newest: 2,
  }],
  ["records", {
    prefix: "records", tree: false, inputs: new Map([["dataset", rule("dataset", 1, 1)]]), attachments: ["salts"], newest: 1,
  }],
  ["run", {
    prefix: "runs",
    tree: false,
    inputs: new Map([
      ["train", rule("dataset", 1)],
      ["validation", DATASETS],
      ["test", DATASETS],
      ["base", rule("checkpoint", 0, 1)],
      ["candidate", rule("checkpoint", 0, MAX_INPUTS, 2)],
    ]),
    attachments: [],
    newest: 2,
  }],
  ["checkpoint", {
    prefix: "checkpoints",
    tree: true,
    inputs: NOTHING,
    origins: new Map([
      ["imported", NOTHING],
      ["trained", new Map([
        ["run", rule("run", 1, 1)],
        ["base", rule("checkpoint", 0, 1)],
        ["train", rule("dataset", 1)],
        ["validation", DATASETS],
        ["filter", rule("filter")],
      ])],
      ["derived", new Map([
        ["source", rule("checkpoint", 1, MAX_INPUTS, 2)],
        ["base", rule("checkpoint", 0, 1, 2)],
        ["run", rule("run", 0, 1, 2)],
        ["train", rule("dataset", 0, MAX_INPUTS, 2)],
        ["validation", rule("dataset", 0, MAX_INPUTS, 2)],
        ["filter", rule("filter", 0, MAX_INPUTS, 2)],
      ])],
    ]),
    attachments: [],
    described: ["segments"],
    newest: 2,
  }],
  ["evaluation", {
    prefix: "evaluations",
    tree: false,
    inputs: new Map([
      ["checkpoint", rule("checkpoint", 1, 1)],
      ["test", rule("dataset", 1)],
      ["train", DATASETS],
      ["reference", rule("evaluation", 0, 1, 2)],
    ]),
    attachments: [],
    described: ["predictions", "outputs"],
    newest: 2,
  }],
  ["card", {
    prefix: "cards",
    tree: false,
    inputs: new Map([
      ["checkpoint", rule("checkpoint", 0, 1)],
      ["subject", rule("dataset", 0, 1, 2)],
      ["base", rule("checkpoint", 0, 1)],
      ["run", rule("run")],
      ["evaluation", rule("evaluation")],
      ["dataset", DATASETS],
      ["train", DATASETS],
      ["validation", DATASETS],
      ["test", DATASETS],
      ["filter", rule("filter")],
      ["records", rule("records")],
      ["reproduction", rule("reproduction", 0, MAX_INPUTS, 2)],
    ]),
    either: ["checkpoint", "subject"],
    attachments: ["card"],
    newest: 2,
  }],
  ["approval", {
    prefix: "approvals", tree: false, inputs: new Map([["card", rule("card", 1, 1, 2)]]), attachments: [], newest: 2, first: 2,
  }],
  ["reproduction", {
    prefix: "reproductions",
    tree: false,
    inputs: new Map([["run", rule("run", 1, 1, 2)], ["checkpoint", rule("checkpoint", 0, MAX_INPUTS, 2)]]),
    attachments: [],
    newest: 2,
    first: 2,
  }],
  ["deployment", {
    prefix: "deployments",
    tree: true,
    inputs: new Map([
      ["checkpoint", rule("checkpoint", 1, 1, 2)],
      ["run", rule("run", 1, 1, 2)],
      ["evaluation", rule("evaluation", 0, MAX_INPUTS, 2)],
      ["card", rule("card", 0, 1, 2)],
      ["base", rule("checkpoint", 0, 1, 2)],
      ["approval", rule("approval", 0, MAX_INPUTS, 2)],
    ]),
    attachments: ["report", "oms"],
    newest: 2,
    first: 2,
  }],
]);

/** How the names of all kinds begin. */
export const PREFIXES = new Set([...KINDS.values()].map(({ prefix }) => prefix));
