import assert from "node:assert/strict";
import { hex, utf8 } from "../src/canon/bytes.js";
import { parseId } from "../src/canon/digest.js";
import { known, Resolver, webUrl } from "../src/credentials/did.js";
import { parseMultikey } from "../src/crypto/ed25519.js";
import { parseTimestamp } from "../src/canon/timestamps.js";
import { Trust } from "../src/credentials/trust.js";
import { each, load, refuses } from "./vectors.js";

each("did:web name", load("dids/names.json").cases, (one) => {
  if (one.error) refuses(() => webUrl(one.did), one.error);
  else assert.equal(webUrl(one.did), one.url);
});

const documents = load("dids/documents.json");
each("DID document", documents.cases, (one) => {
  const run = () => new Resolver([known(utf8(one.document), "pinned")])
    .find(one.method, one.purpose, parseTimestamp(documents.at));
  if (one.error) refuses(run, one.error);
  else assert.equal(hex(run().key), hex(parseMultikey(one.key)));
});

each("trust file", load("trust/files.json").cases, (one) => {
  const files = new Map(Object.entries(one.files ?? {}));
  const run = () => Trust.parse(one.trust, (path) => (files.has(path) ? utf8(files.get(path)) : undefined));
  if (one.error) {
    refuses(run, one.error);
    return;
  }
  const trust = run();
  for (const { did, role, claim, name, store, at, believed } of one.asked) {
    const [moment, where] = [parseTimestamp(at), store === undefined ? null : parseId(store)];
    const entry = claim === undefined
      ? trust.matches(did, name, where, moment, role)
      : trust.believes(did, claim, name, where, moment);
    assert.equal(entry?.nickname ?? null, believed);
  }
});
