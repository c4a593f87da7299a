/** What vectors give a verifier, and what they expect of it. */
import assert from "node:assert/strict";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, unhex, utf8 } from "../src/canon/bytes.js";
import { blake3 } from "../src/canon/digest.js";
import { Records } from "../src/history/records/records.js";
import { LineEndsWriter } from "../src/verify/delivery/line_ends.js";

export const bytes = (/** @type {any} */ given) => (typeof given === "string" ? utf8(given) : unhex(given.hex));
const present = (/** @type {any} */ parts) => Object.entries(parts).filter(([, value]) => value !== null);

/** @param {any} given @returns {Map<string, Uint8Array>} */
export const filesOf = (given) => new Map(present(given).map(([name, value]) => [name, bytes(value)]));

/** Records of bytes that come in chunks. @param {import("../src/history/records/records.js").Reading} reading @param {Uint8Array} content @param {number} chunk */
export function read(reading, content, chunk) {
  const records = new Records(reading);
  for (let at = 0; at < content.length; at += chunk) records.update(content.subarray(at, at + chunk));
  return records.end(blake3(content));
}

/** @param {Map<string, Uint8Array>} files @returns {import("../src/verify/delivery/dataset.js").DataFile[]} */
export const dataOf = (files) => [...files].map(([path, content]) => ({
  path,
  size: content.length,
  read: async (reading, summed = false) => ({
    digest: blake3(content),
    sha256: summed ? sha256(content) : null,
    records: reading && read(reading, content, content.length || 1),
  }),
  digestWith: async (ends) => {
    const writer = new LineEndsWriter(ends);
    return blake3(concat(...[...content].map((byte) => writer.update(Uint8Array.of(byte))), writer.end()));
  },
}));

/** @param {import("../src/verify/report.js").Report} report @param {any} expected */
export function answers(report, { verdict, checks, details = {} }) {
  for (const [id, members] of Object.entries(details)) {
    const { detail = {} } = report.checks.find((one) => one.id === id) ?? {};
    for (const [name, value] of Object.entries(members)) assert.deepEqual(detail[name], value);
  }
  for (const [id, expected] of Object.entries(checks)) {
    const check = report.checks.find((one) => one.id === id);
    assert.equal(check?.detail.reason ?? check?.state, expected, JSON.stringify(check));
  }
  assert.equal(report.verdict, verdict, JSON.stringify(report.checks.filter((one) => one.state !== "pass"), null, 1));
}
