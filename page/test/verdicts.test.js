import assert from "node:assert/strict";
import { concat, hex, unhex, utf8 } from "../src/bytes.js";
import { blake3 } from "../src/digest.js";
import { orderRoot, recordId, Records } from "../src/records.js";
import { decide } from "../src/report.js";
import { parseTimestamp } from "../src/timestamps.js";
import { Trust } from "../src/trust.js";
import { verifyDelivery } from "../src/verify.js";
import { each, load } from "./vectors.js";

const { base, cases } = load("verdicts/deliveries.json");
const bytes = (/** @type {any} */ given) => (typeof given === "string" ? utf8(given) : unhex(given.hex));
const present = (/** @type {any} */ parts) => Object.entries(parts).filter(([, value]) => value !== null);

/** Records of bytes that come in pieces. @param {string} reader @param {Uint8Array} content @param {number} piece */
function read(reader, content, piece) {
  const records = new Records(reader);
  for (let at = 0; at < content.length; at += piece) records.update(content.subarray(at, at + piece));
  return records.end(blake3(content));
}

each("delivery", cases, async ({ verdict, checks, changes }) => {
  const siblings = new Map(present({ ...base.siblings, ...changes.siblings }).map(([name, value]) => [name, bytes(value)]));
  const data = "data" in changes && changes.data === null
    ? null
    : present({ ...base.data, ...changes.data }).map(([path, value]) => {
      const content = utf8(/** @type {string} */ (value));
      return {
        path,
        size: content.length,
        read: async (/** @type {string | null} */ reader) =>
          ({ digest: blake3(content), records: reader === null ? null : read(reader, content, content.length) }),
      };
    });
  const report = await verifyDelivery(utf8(changes.credential ?? base.credential), {
    siblings,
    data,
    trust: Trust.parse(changes.trust ?? base.trust),
    at: parseTimestamp(changes.at ?? base.at),
  });
  for (const [id, expected] of Object.entries(checks)) {
    const check = report.checks.find((one) => one.id === id);
    assert.equal(check?.detail.reason ?? check?.state, expected, JSON.stringify(check));
  }
  assert.equal(report.verdict, verdict, JSON.stringify(report.checks.filter((one) => one.state !== "pass"), null, 1));
});

const rules = load("verdicts/decide.json");
each("decide", rules.cases, (one) => {
  const states = Object.entries(one.states).map(([id, state]) => ({ id, state: /** @type {any} */ (state) }));
  assert.equal(decide(states, rules.required), one.verdict);
});

each("record id", load("records/ids.json").cases, (one) =>
  assert.equal(recordId(one.reader, unhex(one.record)), one.recordId));
/** Bytes as vectors spell long ones: parts, each repeated. @param {[string, number][]} parts */
const spelt = (parts) => unhex(parts.map(([part, times]) => part.repeat(times)).join(""));

for (const piece of [1, 2, 3, 4096]) {
  const short = (/** @type {any} */ { file }) => piece > 3 || spelt(file).length < 1000;
  each(`reader, ${piece} bytes at a time`, load("records/readers.json").cases.filter(short), (one) => {
    const { ids, problem } = read(one.reader, spelt(one.file), piece);
    if (one.records === undefined) assert.notEqual(problem, "");
    else {
      assert.equal(problem, "");
      const wanted = one.records.map((/** @type {any} */ record) => unhex(recordId(one.reader, spelt(record))));
      assert.equal(hex(ids), hex(concat(...wanted)));
    }
  });
}
each("order root", load("records/order-roots.json").cases, async (one) => {
  const records = one.records.map(unhex);
  assert.equal(await orderRoot(records, unhex(one.salts)), one.root);
  assert.equal(await orderRoot([concat(...records)], unhex(one.salts)), one.root);
});
