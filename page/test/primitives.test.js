import assert from "node:assert/strict";
import { test } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, hex, includes, unhex, utf8 } from "../src/canon/bytes.js";
import { blake3 } from "../src/canon/digest.js";
import { didKey, isSoundKey, judgeTogether, parseDidKey, parseMultikey, parseVerificationMethod, verify } from "../src/crypto/ed25519.js";
import { leafHash, root, verifyInclusion } from "../src/history/log/merkle.js";
import { chunks } from "../src/history/records/chunks.js";
import { verifyProof } from "../src/crypto/proofs/eddsa_jcs.js";
import { quote } from "../src/canon/quoting.js";
import { canonical, parse, parseCanonical } from "../src/canon/json.js";
import { each, load, refuses } from "./vectors.js";

const text = (/** @type {Uint8Array} */ bytes) => new TextDecoder().decode(bytes);
const strict = (/** @type {any} */ value) => parse(utf8(JSON.stringify(value)));

each("json accept", load("canonical-json/accept.json").cases, (one) => {
  const value = parse(utf8(one.input), { foreign: one.profile === "foreign" });
  assert.equal(text(canonical(value)), one.canonical);
});
each("json refuse", load("canonical-json/refuse.json").cases, (one) => {
  refuses(() => parse(unhex(one.inputHex)), "bad-json");
  if (one.profile === "foreign") refuses(() => parse(unhex(one.inputHex), { foreign: true }), "bad-json");
});
each("json not canonical", load("canonical-json/not-canonical.json").cases, (one) =>
  refuses(() => parseCanonical(utf8(one.input))));

each("quoted", load("quoting/quoted.json").cases, (one) => assert.equal(quote(one.text, one.limit), one.quoted));

each("ed25519 good", load("ed25519/sign.json").cases, (one) => {
  assert.ok(isSoundKey(unhex(one.publicKey)));
  assert.ok(verify(unhex(one.publicKey), unhex(one.signature), unhex(one.message)));
});
each("ed25519 weak key", load("ed25519/bad-keys.json").cases, (one) =>
  assert.equal(isSoundKey(unhex(one.publicKey)), false));
each("ed25519 bad signature", load("ed25519/bad-signatures.json").cases, (one) =>
  assert.equal(verify(unhex(one.publicKey), unhex(one.signature), unhex(one.message)), false));

test("keys judged together are judged as each by itself", () => {
  const { Point } = ed25519;
  const torsion = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
  const made = Array.from({ length: 200 }, (_, at) => Point.BASE.multiply(BigInt(at + 2)));
  for (const [wrong, at] of [[[], 0], [[7], 1], [[0, 1, 99, 199], 2], [made.map((_, at) => at), 3]]) {
    // Another list each time: what was judged once is remembered.
    const keys = made.map((point) => point.multiply(BigInt(1000 * (Number(at) + 1))));
    for (const one of /** @type {number[]} */ (wrong)) keys[one] = keys[one].add(torsion);
    const dids = keys.map((point) => didKey(point.toBytes()));
    judgeTogether([...dids, "did:key:z", null, didKey(torsion.toBytes()), dids[3]]);
    dids.forEach((did, one) => {
      if (/** @type {number[]} */ (wrong).includes(one)) refuses(() => parseDidKey(did), "weak-key");
      else parseDidKey(did);
    });
    refuses(() => parseDidKey(didKey(torsion.toBytes())), "weak-key");
  }
});

each("multikey good", load("multikey/good.json").cases, (one) => {
  assert.equal(hex(parseMultikey(one.multikey)), one.publicKey);
  assert.equal(hex(parseDidKey(one.did)), one.publicKey);
  assert.equal(hex(parseVerificationMethod(one.verificationMethod)), one.publicKey);
  assert.equal(didKey(unhex(one.publicKey)), one.did);
});
each("multikey refused", load("multikey/refuse.json").cases, (one) => {
  refuses(() => parseVerificationMethod(one.text));
});

each("proof good", load("proofs/good.json").cases.filter((/** @type {any} */ c) => c.profile === "lyrik"), (one) => {
  assert.deepEqual(text(canonical(verifyProof(strict(one.document)).document)), text(canonical(one.verifiedDocument)));
});
each("proof of the wider profile", load("proofs/good.json").cases.filter((/** @type {any} */ c) => c.profile === "w3c"), (one) =>
  refuses(() => verifyProof(strict(one.document))));
each("proof bad", load("proofs/bad.json").cases, (one) =>
  refuses(() => verifyProof(strict(one.document)), one.kind));

each("merkle root", load("merkle/roots.json").cases, (one) =>
  assert.equal(hex(root(one.entries.map((/** @type {string} */ entry) => leafHash(unhex(entry))))), one.root));
each("merkle inclusion", load("merkle/inclusion.json").cases, (one) => {
  const run = () => verifyInclusion(
    leafHash(unhex(one.entry)), one.index, one.size, one.proof.map(unhex), unhex(one.root));
  if (one.valid) run();
  else refuses(run, "bad-inclusion");
});

const content = Uint8Array.from({ length: 3_000_001 }, (_, at) => (at * at) >> 7);
const streams = new Map([
  ["as a byte stream", () => new Blob([content]).stream()],
  ["as a plain stream", () => new Blob([content]).stream().pipeThrough(new TransformStream())],
  ["that is empty", () => new Blob([]).stream()],
]);
for (const [name, stream] of streams) test(`chunks of a file ${name}`, async () => {
  const seen = [];
  for await (const chunk of chunks(/** @type {any} */ ({ stream }))) seen.push(chunk.slice());
  assert.equal(blake3(concat(...seen)), blake3(name === "that is empty" ? new Uint8Array() : content));
});

test("a text is found wherever it stands in bytes, and what looks alike is not", () => {
  const large = new Uint8Array((1 << 20) + 40).fill(0x41);
  for (const at of [0, (1 << 20) - 3, (1 << 20), large.length - 6]) {
    const bytes = large.slice();
    assert.equal(includes(bytes, "needle"), false);
    bytes.set(utf8("needle"), at);
    assert.equal(includes(bytes, "needle"), true, `${at}`);
  }
  assert.equal(includes(new Uint8Array([0xff, 0x6e, 0xc3, 0xa9]), "n"), true);
  assert.equal(includes(new Uint8Array([0x6e, 0xff, 0x65]), "ne"), false);
  assert.equal(includes(new Uint8Array(), "n"), false);
});
