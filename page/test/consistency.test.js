import assert from "node:assert/strict";
import { unhex, utf8 } from "../src/canon/bytes.js";
import { Consistency, ConsistencyFiles, parseConsistency } from "../src/history/log/consistency.js";
import { each, load, refuses } from "./vectors.js";

const files = load("consistency/files.json");
each("consistency file good", files.good, (one) => {
  const { heads, leaves } = parseConsistency(utf8(one.file));
  assert.deepEqual(heads.map(({ size }) => size).sort((left, right) => left - right), one.sizes);
  assert.equal(leaves?.size, one.leaves);
});
each("consistency file bad", files.bad, (one) => refuses(() => parseConsistency(utf8(one.file)), one.kind));

const relations = load("consistency/relations.json");
const head = (/** @type {any} */ { size, root }) => ({ origin: relations.origin, size, root: unhex(root), signers: [] });
const atHand = (/** @type {any} */ one) => new Consistency(relations.origin,
  new ConsistencyFiles([...one.files.map((/** @type {string} */ name) => utf8(relations.files[name])), unhex(relations.leaves)]));
each("log checkpoints", relations.cases, (one) => {
  const [left, right] = [head(one.left), head(one.right)];
  assert.equal(atHand(one).relation(left, right), one.relation);
  assert.equal(atHand(one).relation(right, left), one.relation);
});
each("places", relations.places, (one) => {
  const places = one.places.map((/** @type {any} */ place) => ({ index: place.index, signed: head(place) }));
  const { index, shown } = atHand(one).place(unhex(one.leaf), places, one.anchors.map(head));
  assert.deepEqual([index, shown], [one.index, one.shown]);
});
