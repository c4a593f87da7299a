import assert from "node:assert/strict";
import { test } from "node:test";
import { checkFew, checkFewStatements, maySpeak } from "../src/verify/delivery/siblings.js";
import { concat, unhex, utf8 } from "../src/canon/bytes.js";
import { Resolver } from "../src/credentials/did.js";
import { parseMultikey } from "../src/crypto/ed25519.js";
import { openAll, OpenedCredential } from "../src/credentials/opened.js";
import { statusUpdatesAmong } from "../src/verify/credential/status.js";
import { parse } from "../src/canon/json.js";
import { parseTimestamp } from "../src/canon/timestamps.js";
import { Trust } from "../src/credentials/trust.js";
import { DATASET } from "../src/credentials/credential.js";
import { verifyAlone } from "../src/verify/verify.js";
import { verifyPresentation } from "../src/w3c/profile/presentation.js";
import { verifyProofs } from "../src/w3c/proofs/proof_set.js";
import { Resources } from "../src/w3c/profile/resources.js";
import { verifyW3c } from "../src/w3c/profile/verify.js";
import { each, load, refuses } from "./vectors.js";

const strict = (/** @type {any} */ value) => parse(utf8(JSON.stringify(value)), { foreign: true });

/** Bytes as these vectors spell them: a text, hexadecimal, or parts of which some are repeated. @param {any} given */
function bytes(given) {
  if (typeof given === "string") return utf8(given);
  if (given.hex !== undefined) return unhex(given.hex);
  return concat(...given.map((/** @type {any} */ part) => utf8(typeof part === "string" ? part : part[0].repeat(part[1]))));
}

const beside = load("beside/words.json");
each("may speak", beside.cases, ({ file, words }) => assert.equal(maySpeak(bytes(file)), words));
test("more words than are read", () => {
  checkFew(4, beside.most, beside.most);
  refuses(() => checkFew(4, beside.most + 1, beside.most + 1), "too-many-files");
});
each("how much stores may say", beside.folders, (one) => {
  const files = one.files.flatMap((/** @type {[number, any]} */ [count, file]) => Array(count).fill(bytes(file)));
  if (one.few) checkFewStatements(files);
  else refuses(() => checkFewStatements(files), "too-many-files");
});
const { base, cases } = load("verdicts/hostile-w3c.json");
each("foreign", cases, async (one) => {
  const given = { ...base, ...one };
  const surroundings = {
    trust: Trust.parse(given.trust),
    at: parseTimestamp(given.at),
    resolver: new Resolver(),
    notices: statusUpdatesAmong(openAll(given.lists.map(bytes))),
    resources: new Resources(new Map(Object.entries(given.resources).map(([name, content]) => [name, bytes(content)]))),
  };
  const document = bytes(given.document);
  const begun = process.cpuUsage();
  const report = one.kind === "credential"
    ? await verifyW3c(document, surroundings)
    : await verifyPresentation(document, surroundings, one);
  assert.ok(process.cpuUsage(begun).user < 1_000_000, "takes a second");
  for (const [id, expected] of Object.entries(one.checks)) {
    const check = report.checks.find((made) => made.id === id);
    assert.equal(check?.detail.reason ?? check?.state, expected, JSON.stringify(check));
  }
  assert.equal(report.verdict, one.verdict, JSON.stringify(report.checks, null, 1));
  for (const [id, detail] of Object.entries(one.detail ?? {})) {
    const check = report.checks.find((made) => made.id === id);
    for (const [name, value] of Object.entries(detail)) assert.deepEqual(check?.detail[name], value);
  }
});

const ours = load("verdicts/hostile-lyrik.json");
each("hostile, of ours", ours.cases, async (one) => {
  const given = { ...ours.base, ...one };
  const begun = process.cpuUsage();
  const report = await verifyAlone(new OpenedCredential(bytes(given.document)), {
    files: [], kind: DATASET, notices: statusUpdatesAmong([]), trust: Trust.parse(given.trust), at: parseTimestamp(given.at),
  });
  assert.ok(process.cpuUsage(begun).user < 1_000_000, "takes a second");
  for (const [id, expected] of Object.entries(one.checks)) {
    const check = report.checks.find((made) => made.id === id);
    assert.equal(check?.detail.reason ?? check?.state, expected, JSON.stringify(check));
  }
  assert.equal(report.verdict, one.verdict);
});

const resolver = new Resolver();
/** @param {any} one */
const run = (one) => verifyProofs(strict(one.document), {
  ...one,
  at: parseTimestamp(one.at),
  purpose: one.purpose ?? "assertionMethod",
  resolve: (method, purpose) => resolver.find(method, purpose, parseTimestamp(one.at)).key,
});

each("proof set", load("proof-sets/jcs.json").cases, async (one) => {
  if (one.outcome === "verifies") await run(one);
  else await assert.rejects(run(one), (/** @type {any} */ error) => error.kind === one.outcome || error.stack);
});
each("RDF proof", load("rdf-proofs/rdfc.json").cases, async (one) => {
  if (one.outcome === "verifies") await run(one);
  else await assert.rejects(run(one), (/** @type {any} */ error) => {
    assert.equal(error.kind, one.outcome, error.stack);
    return true;
  });
});
// Of these only the fragment says the key: their controllers' documents are not published with them.
const byFragment = (/** @type {string} */ method) => parseMultikey(method.split("#")[1]);
each("W3C's own vectors", load("w3c-eddsa/cases.json").cases, ({ document }) => verifyProofs(strict(document), {
  at: parseTimestamp("2026-11-24T12:00:00Z"), purpose: "assertionMethod", resolve: byFragment,
}));
