/**
 * LearnCard's DIDKit (SpruceID's Rust library, as WebAssembly) asked about our credentials, offline.
 *
 *     node peer.mjs verify    JSON lines {credential, contexts} in, {verified, error} out
 *     node peer.mjs issue     JSON lines {credential, contexts, seed} in, the credential out
 *
 * Only its WebAssembly and the glue beside it are loaded: what its package installs besides is for
 * wallets.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import * as didkit from "./package/dist/didkit/didkit_wasm.js";

didkit.initSync({ module: readFileSync(new URL("./package/dist/didkit/didkit_wasm_bg.wasm", import.meta.url)) });
const texts = (contexts) => JSON.stringify(Object.fromEntries(Object.entries(contexts).map(([url, document]) => [url, JSON.stringify(document)])));

async function verify({ credential, contexts }) {
  const result = JSON.parse(await didkit.verifyCredential(JSON.stringify(credential), "{}", texts(contexts)));
  return { verified: result.errors.length === 0 && result.checks.includes("proof"), error: result.errors.join("; ") };
}

async function issue({ credential, contexts, seed }) {
  const key = didkit.generateEd25519KeyFromBytes(Buffer.from(seed, "hex"));
  const verificationMethod = await didkit.keyToVerificationMethod("key", key);
  credential.issuer = didkit.keyToDID("key", key);
  const options = { type: "DataIntegrityProof", cryptosuite: "eddsa-rdfc-2022", verificationMethod, proofPurpose: "assertionMethod" };
  return JSON.parse(await didkit.issueCredential(JSON.stringify(credential), JSON.stringify(options), key, texts(contexts)));
}

const command = process.argv[2] === "issue" ? issue : verify;
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await command(JSON.parse(line)).catch((error) => ({ verified: false, error: String(error) }))));
}
