import assert from "node:assert/strict";
import { utf8 } from "../src/canon/bytes.js";
import { checkCredential } from "../src/verify/credential/credential.js";
import { blake3 } from "../src/canon/digest.js";
import { parseTimestamp } from "../src/canon/timestamps.js";
import { OpenedCredential } from "../src/credentials/opened.js";
import { statusUpdatesAmong } from "../src/verify/credential/status.js";
import { Trust } from "../src/credentials/trust.js";
import { territoryWords } from "../src/credentials/territory.js";
import { each, load } from "./vectors.js";

const run = async (/** @type {string} */ credential, /** @type {string} */ at) => {
  const given = { trust: new Trust(), at: parseTimestamp(at), notices: statusUpdatesAmong([]) };
  return (await checkCredential(new OpenedCredential(utf8(credential)), given)).checks;
};

each("territory", load("terms/territories.json").cases, ({ codes, words }) => assert.deepEqual(territoryWords(codes), words));

const refused = load("credentials/refused.json");
each("credential refused", refused.cases, async (one) => {
  const check = (await run(one.credential, refused.at)).find(({ id }) => id === one.check);
  assert.equal(check?.state, "fail", JSON.stringify(check));
});
each("credential issued", load("credentials/issued.json").cases, async (one) => {
  assert.equal(blake3(utf8(one.credential)), one.blake3);
  for (const check of await run(one.credential, one.created)) {
    const idle = ["issuer.document", "trust.allowed", "status", "regulatory"].includes(check.id);
    const expected = check.id === "trust.issuer" ? "warn" : idle ? "n/a" : check.id === "terms" ? "stated" : "pass";
    assert.equal(check.state, expected, JSON.stringify(check));
  }
});
