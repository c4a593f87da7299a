import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, hex, unhex, utf8 } from "../src/canon/bytes.js";
import { blake3 } from "../src/canon/digest.js";
import { checkFiles, compare, markRewritten } from "../src/verify/delivery/compare_files.js";
import { compare as inOrder } from "../src/history/trees/paths.js";
import { measure } from "../src/verify/delivery/measures.js";
import { Measured } from "../src/verify/delivery/quality.js";
import { orderRoot, recordId } from "../src/history/records/records.js";
import { addRow, merge, noStatistics, rolesOf, statsOf } from "../src/history/records/statistics.js";
import { decide } from "../src/verify/report.js";
import { parseTimestamp } from "../src/canon/timestamps.js";
import { Trust } from "../src/credentials/trust.js";
import { GRANT } from "../src/credentials/credential.js";
import { openAll, OpenedCredential } from "../src/credentials/opened.js";
import { statusUpdatesAmong } from "../src/verify/credential/status.js";
import { line, Tree } from "../src/history/trees/tree.js";
import { verifyAlone, verifyDelivery } from "../src/verify/verify.js";
import { verifyFile } from "../src/verify_file.js";
import { answers, bytes, dataOf, filesOf, read } from "./given.js";
import { each, load } from "./vectors.js";

each("departures of files", load("files/departures.json").cases, async ({ listed, found, answer, detail }) => {
  const entries = Object.entries(listed).map(([path, content]) => ({ path, bytes: utf8(content).length, blake3: blake3(utf8(content)) }));
  const tree = new Tree(entries.sort((left, right) => inOrder(left.path, right.path)));
  const data = dataOf(filesOf(found));
  const there = await Promise.all(data.map(async (file) =>
    /** @type {const} */ ([file.path, { kind: /** @type {const} */ ("file"), bytes: file.size, blake3: (await file.read(null)).digest }])));
  const comparison = compare(tree, new Map(there));
  await markRewritten(tree, comparison, new Map(data.map((file) => [file.path, file])));
  const check = checkFiles(comparison);
  assert.equal(check.detail.reason ?? check.state, answer);
  for (const [name, value] of Object.entries(detail)) assert.deepEqual(check.detail[name] ?? null, value);
});

for (const name of ["deliveries", "resold", "rows", "figures", "attestations", "attester-keys", "recompute"]) {
  const { base, cases } = load(`verdicts/${name}.json`);
  each(`verdict on ${name}`, cases, async (one) => {
    const { changes } = one;
    const report = await verifyDelivery(new OpenedCredential(utf8(changes.credential ?? base.credential)), {
      siblings: filesOf({ ...base.siblings, ...changes.siblings }),
      data: "data" in changes && changes.data === null ? null : dataOf(filesOf({ ...base.data, ...changes.data })),
      recompute: changes.recompute,
      trust: Trust.parse(changes.trust ?? base.trust),
      at: parseTimestamp(changes.at ?? base.at),
    });
    answers(report, one);
    if (one.issuers) {
      const shown = report.checks.find(({ id }) => id === "attestations")?.detail.attestations;
      assert.deepEqual(shown.map((/** @type {any} */ attested) => attested.issuer ?? null), one.issuers);
    }
  });
}
/** @param {any} base @param {any} changes */
function shown(base, changes) {
  const given = { ...base, ...changes, files: { ...base.files, ...changes.files } };
  return { ...given, files: filesOf(given.files), trust: Trust.parse(given.trust), at: parseTimestamp(given.at) };
}
for (const name of ["grants", "grant-keys"]) {
  const { base, cases } = load(`verdicts/${name}.json`);
  each(`verdict on ${name}`, cases, async (one) => {
    const { target, files: found, trust, at, holder = null } = shown(base, one.changes);
    const [files, given] = [openAll(found.values()), new OpenedCredential(bytes(target))];
    answers(await verifyAlone(given, { files, kind: GRANT, notices: statusUpdatesAmong(files), trust, at, holder }), one);
  });
}
const shows = load("verdicts/presented.json");
each("verdict on a presentation", shows.cases, async (one) => {
  const { target, files: siblings, trust, at, challenge, domain } = shown(shows.base, one.changes);
  const report = await verifyFile(new OpenedCredential(bytes(target)), {
    siblings, data: null, trust, at, challenge: challenge ?? undefined, domain: domain ?? undefined,
  });
  answers(report, one);
  const part = report.parts?.find(({ checks }) => checks.some(({ id }) => id === "grant"));
  for (const [id, expected] of Object.entries(one.grant ?? {})) {
    const check = part?.checks.find((made) => made.id === id);
    assert.equal(check?.detail.reason ?? check?.state, expected, JSON.stringify(check));
  }
});
const keys = load("verdicts/keys.json");
each("verdict on keys", keys.cases, async (one) => {
  const report = await verifyFile(new OpenedCredential(bytes(one.credential)), {
    siblings: filesOf(one.siblings),
    data: dataOf(filesOf(one.data ?? keys.data)),
    trust: Trust.parse(one.trust ?? keys.trust),
    at: parseTimestamp(one.at ?? keys.at),
  });
  answers(report, one);
});

const rules = load("verdicts/decide.json");
each("decide", rules.cases, (one) => {
  const states = Object.entries(one.states).map(([id, state]) => ({ id, state: /** @type {any} */ (state), detail: one.details?.[id] }));
  assert.equal(decide(states, rules.required, one.withoutData), one.verdict);
});

each("record id", load("records/ids.json").cases, (one) =>
  assert.equal(recordId(one.reader, unhex(one.record)), one.recordId));
/** Bytes as vectors spell long ones: parts, each repeated. @param {[string, number][]} parts */
const spelt = (parts) => unhex(parts.map(([part, times]) => part.repeat(times)).join(""));

for (const chunk of [1, 2, 3, 4096]) {
  const short = (/** @type {any} */ { file }) => chunk > 3 || spelt(file).length < 1000;
  each(`reader, ${chunk} bytes at a time`, load("records/readers.json").cases.filter(short), (one) => {
    const { ids, problem } = read({ reader: one.reader, recipes: [], roles: null }, spelt(one.file), chunk);
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

test("sizes beyond what a double can count", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const tree = Tree.parse(utf8(["a", "b", "c"].map((path) => line({ path, bytes: most, blake3: "0".repeat(64) })).join("")));
  assert.equal(tree.totalBytes, 3n * BigInt(most));
});
each("recipe", load("records/measures.json").cases, async ({ reader, files: given, recipe, value }) => {
  const reading = { reader, recipes: [recipe], roles: null };
  const lines = given.map((/** @type {any} */ { path, content, meta }) =>
    line({ path, bytes: content.length / 2, blake3: blake3(unhex(content)), ...(meta ? { meta } : {}) }));
  for (const chunk of [1, 5, 4096]) {
    const files = given.map((/** @type {any} */ { content }) => read(reading, unhex(content), chunk));
    const [found] = await measure([recipe], { entries: Tree.parse(utf8(lines.join(""))).entries, files });
    assert.equal(found.problem ? undefined : found.text, value, found.problem);
  }
});
each("statistics", load("rows/statistics.json").cases, ({ lines, stats, label, labelSeparator, text }) => {
  const roles = rolesOf({ fields: { label, labelSeparator, text } });
  for (const parts of [1, 2, lines.length]) { // whatever the order of files, and however many there are
    const all = noStatistics();
    for (let part = parts - 1; part >= 0; part -= 1) {
      const some = noStatistics();
      lines.filter((/** @type {any} */ _, /** @type {number} */ at) => at % parts === part)
        .forEach((/** @type {string} */ row) => addRow(some, roles, utf8(row)));
      merge(all, some, roles);
    }
    assert.deepEqual(statsOf(all, roles), stats);
  }
});
each("claim", load("records/claims.json").cases, ({ hits, total, claimed, result }) =>
  assert.equal(new Measured({ hits, total: total ?? 1, problem: "" }, total !== null).agrees(claimed), result));
