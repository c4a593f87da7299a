import assert from "node:assert/strict";
import { utf8 } from "../src/canon/bytes.js";
import { parseManifest } from "../src/history/manifests/manifest.js";
import { matches, parseGenesis, Policy } from "../src/history/policy/policy.js";
import { each, load, refuses } from "./vectors.js";

const good = [...load("manifests/good.json").cases, ...load("manifests/good-2.json").cases];

each("manifest good", good, (one) =>
  assert.equal(parseManifest(utf8(one.manifest)).id, one.blake3));
each("manifest refused", load("manifests/refused.json").cases, (one) =>
  refuses(() => parseManifest(utf8(one.manifest))));
each("manifest of version 2 refused", load("manifests/refused-2.json").cases, (one) =>
  refuses(() => parseManifest(utf8(one.manifest)), one.kind));
each("pattern", load("refs/patterns.json").cases, (one) =>
  assert.equal(matches(one.pattern, one.name), one.matches));
each("genesis", [load("refs/refs.json")], (one) => {
  const genesis = parseManifest(utf8(one.genesis));
  assert.equal(`blake3:${genesis.id}`, one.store);
  assert.ok(parseGenesis(genesis.body).policy.allows(genesis.author, "genesis", genesis.name));
});

each("misdated", load("refs/refs.json").cases.filter((/** @type {any} */ one) => one.id.startsWith("misdated")), (one) => {
  let policy = parseGenesis(parseManifest(utf8(load("refs/refs.json").genesis)).body).policy;
  const flagged = new Set(one.flagged.map((/** @type {any} */ { index }) => index));
  one.manifests.forEach((/** @type {string} */ text, /** @type {number} */ at) => {
    const stated = JSON.parse(text);
    if (stated.kind !== "policy") return;
    const follows = () => {
      const next = new Policy(parseManifest(utf8(text)).body.policy);
      return next.mayFollow(policy) ? next : null;
    };
    if (!flagged.has(at + 1)) policy = /** @type {Policy} */ (follows());
    else try { assert.equal(follows(), null); } catch (error) { assert.equal(/** @type {any} */ (error).kind, "bad-policy"); }
  });
  assert.ok(policy);
});
