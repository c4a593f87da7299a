/** The vectors of `spec/vectors`: the same files that the Python tests read. */
import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";

const FOLDER = new URL("../../spec/vectors/", import.meta.url);

/** @param {string} name @returns {any} */
export const load = (name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));

/**
 * One test per case.
 *
 * @param {string} title
 * @param {any[]} cases
 * @param {(one: any) => unknown} check
 */
export function each(title, cases, check) {
  assert.ok(cases.length, `${title}: no vectors`);
  for (const one of cases) test(`${title}: ${one.id ?? JSON.stringify(one).slice(0, 60)}`, async () => {
    await check(one);
  });
}

/**
 * @param {() => unknown} run
 * @param {string} [kind]
 */
export function refuses(run, kind) {
  assert.throws(run, (/** @type {any} */ error) => {
    assert.equal(error.constructor.name, "Refusal", error.stack);
    if (kind) assert.equal(error.kind, kind);
    return true;
  });
}
