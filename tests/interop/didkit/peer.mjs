/**
 * LearnCard's DIDKit (SpruceID's Rust library, as WebAssembly) asked about our credentials, offline.
 *
 *     node peer.mjs verify    JSON lines {document, challenge, domain, contexts} in,
 *                             {verified, error} out
 *     node peer.mjs issue     JSON lines {document, contexts, seed} in, the credential out
 *     node peer.mjs present   JSON lines {document, contexts, seed, challenge, domain} in, the
 *                             presentation out
 *
 * Only its WebAssembly and the glue beside it are loaded: what its package installs besides is for
 * wallets.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import * as didkit from "./package/dist/didkit/didkit_wasm.js";

didkit.initSync({ module: readFileSync(new URL("./package/dist/didkit/didkit_wasm_bg.wasm", import.meta.url)) });
const texts = (contexts) => JSON.stringify(Object.fromEntries(Object.entries(contexts).map(([url, document]) => [url, JSON.stringify(document)])));

async function verify({ document, contexts, challenge, domain }) {
  const [text, known] = [JSON.stringify(document), texts(contexts)];
  const asked = { challenge, domain, proofPurpose: "authentication" };
  const result = JSON.parse(challenge
    ? await didkit.verifyPresentation(text, JSON.stringify(asked), known)
    : await didkit.verifyCredential(text, "{}", known));
  return { verified: result.errors.length === 0 && result.checks.includes("proof"), error: result.errors.join("; ") };
}

async function signed(seed, proofPurpose, more, sign) {
  const key = didkit.generateEd25519KeyFromBytes(Buffer.from(seed, "hex"));
  const verificationMethod = await didkit.keyToVerificationMethod("key", key);
  const options = { type: "DataIntegrityProof", cryptosuite: "eddsa-rdfc-2022", verificationMethod, proofPurpose, ...more };
  return JSON.parse(await sign(didkit.keyToDID("key", key), JSON.stringify(options), key));
}

const issue = ({ document, contexts, seed }) => signed(seed, "assertionMethod", {}, (issuer, options, key) =>
  didkit.issueCredential(JSON.stringify({ ...document, issuer }), options, key, texts(contexts)));
const present = ({ document, contexts, seed, challenge, domain }) =>
  signed(seed, "authentication", { challenge, domain }, (_did, options, key) =>
    didkit.issuePresentation(JSON.stringify(document), options, key, texts(contexts)));

const command = { issue, present, verify }[process.argv[2]];
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await command(JSON.parse(line)).catch((error) => ({ verified: false, error: String(error) }))));
}
