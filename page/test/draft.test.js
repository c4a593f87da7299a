import assert from "node:assert/strict";
import { test } from "node:test";
import { unhex, utf8 } from "../src/canon/bytes.js";
import { canonical, parse } from "../src/canon/json.js";
import { parseTimestamp } from "../src/canon/timestamps.js";
import { verifyProof } from "../src/crypto/proofs/eddsa_jcs.js";
import { problemsOf, sign } from "../src/draft/attestation.js";
import { closing, Draft } from "../src/draft/draft.js";
import { readEntered, written } from "../src/draft/entered.js";
import { fingerprint, keyWords, newSeed, signerOf } from "../src/draft/key.js";
import { openKey, sealKey } from "../src/draft/key_file.js";
import { each, load, refuses } from "./vectors.js";

const text = (/** @type {Uint8Array} */ bytes) => new TextDecoder().decode(bytes);
const [keys, answers, drafts] = ["keys", "answers", "drafts"].map((name) => load(`signing-page/${name}.json`));
const draft = new Draft(canonical(answers.draft));

each("key file", keys.cases, async (one) => {
  const signer = await openKey(utf8(one.file), one.passphrase);
  assert.equal(signer.did, one.did);
  const [salt, iv] = [one.salt, one.iv].map(unhex);
  assert.equal(text(await sealKey(unhex(one.seed), one.passphrase, { salt, iv })), one.file);
});
each("key file refused", keys.refused, (one) =>
  assert.rejects(openKey(utf8(one.file), one.passphrase), ({ kind }) => kind === one.kind));
test("a large file is not looked at", () =>
  assert.rejects(openKey(utf8(keys.cases[0].file.padEnd((1 << 16) + 1)), keys.cases[0].passphrase), ({ kind }) => kind === "bad-key-file"));
each("passphrase refused", [{ id: "short", text: "eleven char" }, { id: "long", text: "x".repeat(1001) }], (one) =>
  assert.rejects(sealKey(newSeed(), one.text), ({ kind }) => kind === `${one.id}-passphrase`));

test("two files of one key have nothing secret in common", async () => {
  const [one, other] = await Promise.all([0, 1].map(async () => parse(await sealKey(unhex(answers.seed), "a long sentence"))));
  for (const name of ["salt", "iv", "sealed"]) assert.notEqual(one[name], other[name]);
});

for (const native of [true, false]) each(`signed, ${native ? "by the platform" : "without its Ed25519"}`, answers.cases, async (one) => {
  assert.deepEqual(problemsOf(draft, one.entered), []);
  const signer = await signerOf(unhex(answers.seed), { native });
  const signed = await sign(draft, one.entered, signer, parseTimestamp(answers.at), answers.document);
  assert.equal(text(signed), one.signed);
  verifyProof(parse(signed));
});
each("not signed", answers.refused, (one) =>
  assert.deepEqual(problemsOf(draft, one.entered).map(({ field }) => field), [one.field]));
test("half a character is not signed", () => {
  const [{ entered }] = answers.cases;
  assert.deepEqual(problemsOf(draft, { ...entered, name: "\ud83d" }).map(({ field }) => field), ["name"]);
});

test("each document has an id of its own", async () => {
  const [{ entered }] = answers.cases;
  const signer = await signerOf(newSeed());
  const ids = await Promise.all([0, 1].map(async () => parse(await sign(draft, entered, signer, Date.now())).id));
  assert.notEqual(ids[0], ids[1]);
  for (const id of ids) assert.match(id, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a signature that does not verify leaves nothing", async () => {
  const [{ entered }] = answers.cases;
  const signer = { ...(await signerOf(newSeed())), sign: async () => new Uint8Array(64) };
  await assert.rejects(sign(draft, entered, signer, Date.now()), ({ kind }) => kind === "bad-signature");
});

test("what nobody would take in is not signed", async () => {
  const [{ entered }] = answers.cases;
  const signer = await signerOf(newSeed());
  const wrong = { ...entered, entries: [{ ...entered.entries[0], scope: "for ever" }] };
  await assert.rejects(sign(draft, wrong, signer, Date.now()), ({ kind }) => kind === "schema");
});

each("draft refused", drafts.refused, (one) => refuses(() => new Draft(utf8(one.text))));
test("open questions come first", () =>
  assert.deepEqual(draft.questions.map(({ id }) => id), ["risks", "contact", "personal-data"]));

test("a key is spelt as on the command line", async () => {
  const { did, words, fingerprint: printed } = keys.spelt;
  const signer = await signerOf(unhex(answers.seed));
  assert.equal(signer.did, did);
  assert.equal(keyWords(signer.public).join(" "), words);
  assert.equal(fingerprint(signer.public), printed);
});

test("what was entered is taken up again for the same card alone", () => {
  const [{ entered: given }] = answers.cases;
  const entered = { ...given, entries: given.entries.map((/** @type {any} */ one) => ({ ...one, choice: one.choice === "left over" ? "" : one.choice })) };
  const text = written(draft, entered, "2026-12-01T10:00:00Z");
  assert.deepEqual(readEntered(draft, text), { entered, at: "2026-12-01T10:00:00Z" });
  const saved = JSON.parse(text);
  const kindOf = (/** @type {any} */ other) => {
    try {
      return readEntered(draft, typeof other === "string" ? other : JSON.stringify(other));
    } catch (error) {
      return /** @type {any} */ (error).kind;
    }
  };
  assert.equal(kindOf({ ...saved, card: `blake3:${"0".repeat(64)}` }), "other-card");
  const [entry] = entered.entries;
  for (const wrong of [
    "", "{", "[]", { ...saved, more: 1 }, { ...saved, format: "lyrikstore-draft/2" },
    ...[{ kind: "signed" }, { name: 7 }, { entries: [{ ...entry, question: "harmless" }] }, { entries: [{ ...entry, state: "done" }] }, { challenges: ["none"] }]
      .map((more) => ({ ...saved, entered: { ...entered, ...more } })),
  ]) assert.equal(kindOf(wrong), "bad-saved");
});

each("closing answers", load("cards/closing.json").cases, (one) =>
  assert.deepEqual(closing(one.answers).map((/** @type {any} */ each) => one.answers.indexOf(each)), one.closing));
