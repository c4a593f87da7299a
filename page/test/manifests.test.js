import assert from "node:assert/strict";
import { utf8 } from "../src/bytes.js";
import { KINDS } from "../src/kinds.js";
import { parseManifest } from "../src/manifest.js";
import { matches, parseGenesis } from "../src/policy.js";
import { each, load, refuses } from "./vectors.js";

// Other kinds do not lie in deliveries: the page refuses to judge them.
const known = (/** @type {any} */ one) => KINDS.has(JSON.parse(one.manifest).kind);
const good = load("manifests/good.json").cases;

each("manifest good", good.filter(known), (one) =>
  assert.equal(parseManifest(utf8(one.manifest)).id, one.blake3));
each("manifest of another kind", good.filter((/** @type {any} */ one) => !known(one)), (one) =>
  refuses(() => parseManifest(utf8(one.manifest)), "unknown-kind"));
each("manifest refused", load("manifests/refused.json").cases, (one) =>
  refuses(() => parseManifest(utf8(one.manifest))));
each("pattern", load("refs/patterns.json").cases, (one) =>
  assert.equal(matches(one.pattern, one.name), one.matches));
each("genesis", [load("refs/refs.json")], (one) => {
  const genesis = parseManifest(utf8(one.genesis));
  assert.equal(`blake3:${genesis.id}`, one.store);
  assert.ok(parseGenesis(genesis.body).policy.allows(genesis.author, "genesis", genesis.name));
});
