import assert from "node:assert/strict";
import { hex, utf8 } from "../src/canon/bytes.js";
import { blake3 } from "../src/canon/digest.js";
import { leaf, openCheckpoint, openNote, parseLogKey, parseProof, verifyProof } from "../src/history/log/log.js";
import { leafHash, root } from "../src/history/log/merkle.js";
import { checkPaths, offence } from "../src/history/trees/paths.js";
import { Tree } from "../src/history/trees/tree.js";
import { each, load, refuses } from "./vectors.js";

each("path good", load("paths/good.json").cases, (one) => assert.equal(offence(one.path), ""));
each("path refused", load("paths/refused.json").cases, (one) => assert.equal(offence(one.path), one.offence));
each("paths together", load("paths/together.json").cases, (one) => {
  const run = () => checkPaths(one.paths.toSorted());
  if (one.offence) refuses(run);
  else run();
});
each("tree good", load("trees/good.json").cases, (one) => {
  assert.equal(blake3(utf8(one.tree)), one.blake3);
  assert.equal(Tree.parse(utf8(one.tree)).filesId, one.filesBlake3);
});
each("tree refused", load("trees/refused.json").cases, (one) =>
  refuses(() => Tree.parse(utf8(one.tree)), one.kind));

const notes = load("notes/notes.json");
const key = parseLogKey(notes.vkey);
each("note good", notes.good, (one) => assert.equal(openNote(utf8(one.note), [key]).text, one.text));
each("note bad", notes.bad, (one) => refuses(() => openNote(utf8(one.note), [key])));

const proofs = load("tlog-proof/proofs.json");
const keys = [parseLogKey(proofs.vkey)];
each("log proof good", proofs.good, (one) => verifyProof(parseProof(utf8(one.proof)), utf8(one.entry), keys));
each("log proof bad", proofs.bad, (one) =>
  refuses(() => verifyProof(parseProof(utf8(one.proof)), utf8(one.entry), keys)));

const store = load("stores/end-to-end.json");
const stored = (/** @type {string} */ path) => new Uint8Array(Buffer.from(store.files[path], "base64"));
each("whole store", [store], ({ logKey, report }) => {
  const signed = openCheckpoint(stored("log/checkpoint"), [parseLogKey(logKey)]);
  const bundle = stored(`log/tile/entries/000.p/${signed.size}`);
  const entries = [];
  for (let at = 0; at < bundle.length; at += 2 + entries[entries.length - 1].length) {
    entries.push(bundle.slice(at + 2, at + 2 + 256 * bundle[at] + bundle[at + 1]));
  }
  assert.equal(entries.length, signed.size);
  assert.equal(hex(root(entries.map(leafHash))), hex(signed.root));
  assert.deepEqual(entries[0], leaf("manifest", report.subject.replace("blake3:", "")));
});
