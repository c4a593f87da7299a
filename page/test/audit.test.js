import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { answersOf } from "../src/audit/answers/answers.js";
import { Known } from "../src/audit/answers/known.js";
import { verifyEvidence } from "../src/audit/check.js";
import { parseEvidence, unpackEvidence } from "../src/audit/evidence.js";
import { OpenedEvidence } from "../src/audit/opened.js";
import { text, unbase64 } from "../src/canon/bytes.js";
import { canonical, parse } from "../src/canon/json.js";
import { parseTimestamp } from "../src/canon/timestamps.js";
import { Trust } from "../src/credentials/trust.js";
import { answers } from "./given.js";
import { each, load, refuses } from "./vectors.js";

const vectors = load("audit/files.json");
const evidence = new Uint8Array(gunzipSync(unbase64(vectors.evidence, "bad-vector")));
const given = { trust: Trust.parse(vectors.trust), at: parseTimestamp(vectors.at) };
const read = (/** @type {Uint8Array} */ bytes) => new OpenedEvidence(parseEvidence(bytes)).read(() => undefined);

/** The evidence after the edit of a case. @param {any} one */
function edited({ set = [], drop = [] }) {
  const document = parse(evidence, { maxBytes: evidence.length });
  const inside = (/** @type {any[]} */ path) => path.slice(0, -1).reduce((value, step) => value[step], document);
  for (const [path, value] of set) inside(path)[path.at(-1)] = value;
  for (const path of drop) inside(path).splice(path.at(-1), 1);
  return canonical(document);
}

each("evidence", vectors.cases, async (one) => {
  if (one.refused) {
    refuses(() => parseEvidence(edited(one)), one.refused);
    return;
  }
  const report = verifyEvidence(await read(edited(one)), given);
  const others = Object.fromEntries(report.checks.filter(({ state }) => state !== "pass").map(({ id, state, detail }) => [id, detail.reason ?? state]));
  assert.deepEqual(others, one.checks);
  answers(report, one);
});

test("answers are the same bytes", async () => {
  const found = answersOf(new Known(await read(evidence)));
  assert.deepEqual(found, vectors.answers);
  assert.equal(text(canonical(found), "bad-json"), text(canonical(vectors.answers), "bad-json"));
});

test("a page that holds no evidence is refused", () => {
  assert.deepEqual(unpackEvidence(vectors.evidence), parseEvidence(evidence));
  const packed = unbase64(vectors.evidence, "bad-vector");
  const spelt = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString("base64");
  for (const bad of ["", "@", `${vectors.evidence}\n`, spelt(packed.slice(0, -9)), spelt(Buffer.concat([packed, packed])), spelt(evidence),
    spelt(gzipSync(Buffer.alloc(1 << 27)))]) refuses(() => unpackEvidence(bad), "bad-audit");
});
