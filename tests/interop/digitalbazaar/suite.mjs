/**
 * What the official suites hand to a verifier, made with the libraries they make it with.
 *
 *     node suite.mjs     JSON lines {name, suite, good, options, credential | presentation} out
 *
 * For each cryptosuite: a sound credential, the ways in which the suites spoil its proof before it
 * is signed (so that the signature holds over what is wrong) and after, and presentations.
 */
import { contexts } from "@digitalbazaar/credentials-context";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import * as jcs from "@digitalbazaar/eddsa-jcs-2022-cryptosuite";
import * as rdfc from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import * as base58 from "base58-universal";
import { createHash } from "node:crypto";

const V2 = "https://www.w3.org/ns/credentials/v2";
const EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2";
const DAY = 86400e3;
const key = await Ed25519Multikey.generate({ seed: Buffer.alloc(32, 9) });
const did = `did:key:${(await key.export({ publicKey: true })).publicKeyMultibase}`;
key.controller = did;
key.id = `${did}#${did.slice("did:key:".length)}`;

const documentLoader = async (url) => {
  const document = url === EXAMPLES ? { "@context": { "@vocab": "https://www.w3.org/ns/credentials/examples#" } } : contexts.get(url);
  if (document === undefined) throw new Error(`not offered: ${url}`);
  return { contextUrl: null, documentUrl: url, document };
};
const suites = {
  "eddsa-jcs-2022": () => new DataIntegrityProof({ signer: key.signer(), cryptosuite: jcs.createSignCryptosuite() }),
  "eddsa-rdfc-2022": () => new DataIntegrityProof({ signer: key.signer(), cryptosuite: rdfc.cryptosuite }),
};
const stamp = (milliseconds, tail = "Z") => new Date(Date.now() + milliseconds).toISOString().replace(/\.\d+Z$/, tail);
const base = (more) => ({ "@context": [V2], id: "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33", type: ["VerifiableCredential"], issuer: did, credentialSubject: { name: "Alice" }, ...more });

/** Signs a proof as it is given, whatever it lacks. */
async function sign(document, name, change, hash) {
  const dataIntegrityProof = suites[name]();
  const proof = { type: "DataIntegrityProof", created: stamp(0), verificationMethod: key.id, cryptosuite: name, proofPurpose: "assertionMethod" };
  if (name === "eddsa-jcs-2022") proof["@context"] = document["@context"];
  for (const [member, value] of Object.entries(change)) {
    if (value === null) delete proof[member];
    else proof[member] = value;
  }
  const cryptosuite = dataIntegrityProof._cryptosuite;
  const data = hash !== undefined
    ? createHash(hash).update(JSON.stringify(proof)).digest()
    : cryptosuite.createVerifyData !== undefined
      ? await cryptosuite.createVerifyData({ cryptosuite, document, proof, documentLoader, dataIntegrityProof })
      : await dataIntegrityProof.createVerifyData({ document, proof, documentLoader });
  const signature = await key.signer().sign({ data });
  return { ...document, proof: { ...proof, proofValue: `z${base58.encode(signature)}` } };
}

const write = (line) => console.log(JSON.stringify(line));
for (const suite of Object.keys(suites)) {
  const issue = (more = {}) => vc.issue({ credential: base(more), suite: suites[suite](), documentLoader });
  const good = await issue();
  write({ name: "sound", suite, good: true, credential: good });

  for (const [name, isGood, change, options] of [
    ["as signed here", true, {}],
    ["without created", true, { created: null }],
    ["created a year ago", true, { created: stamp(-365 * DAY) }],
    ["created without offset", true, { created: stamp(0, "") }],
    ["expires tomorrow, without offset", true, { expires: stamp(DAY, "") }],
    ["expired yesterday, without offset", false, { expires: stamp(-DAY, "") }],
    ["created is no date", false, { created: "invalidDate" }],
    ["without verificationMethod", false, { verificationMethod: null }],
    ["verificationMethod of nobody", false, { verificationMethod: "did:key:invalidVm" }],
    ["without purpose", false, { proofPurpose: null }],
    ["for authentication", false, { proofPurpose: "authentication" }],
    ["of an unknown cryptosuite", false, { cryptosuite: "unknown-cryptosuite-2017" }],
    ["another purpose is expected", false, {}, { expectedProofPurpose: "authentication" }],
    ["for another domain", false, { domain: "other.example", challenge: "1" }, { domain: "verifier.example", challenge: "1" }],
    ["over another challenge", false, { domain: "verifier.example", challenge: "2" }, { domain: "verifier.example", challenge: "1" }],
    ["for this domain and challenge", true, { domain: "verifier.example", challenge: "1" }, { domain: "verifier.example", challenge: "1" }],
    ["naming a previous proof that is not there", false, { previousProof: "urn:uuid:26329423-bec9-4b2e-88cb-a7c7d9dc4544" }],
  ]) write({ name, suite, good: isGood, options, credential: await sign(base(), suite, change) });
  for (const hash of ["sha256", "sha512"]) {
    write({ name: `over the text, ${hash}`, suite, good: false, credential: await sign(base(), suite, {}, hash) });
  }

  for (const [name, spoil] of [
    ["no proof", (document) => delete document.proof],
    ["null for a proof", (document) => { document.proof = null; }],
    ["no type", (document) => delete document.proof.type],
    ["another type", (document) => { document.proof.type = "UnknownProofType"; }],
    ["no proofValue", (document) => delete document.proof.proofValue],
    ["null for a proofValue", (document) => { document.proof.proofValue = null; }],
    ["no multibase", (document) => { document.proof.proofValue = document.proof.proofValue.slice(1); }],
    ["96 bytes", (document) => { document.proof.proofValue = `z${base58.encode(new Uint8Array(96).fill(7))}`; }],
    ["another claim", (document) => { document.credentialSubject.name = "Bob"; }],
    ["another suite named", (document) => { document.proof.cryptosuite = Object.keys(suites).find((other) => other !== suite); }],
  ]) {
    const credential = structuredClone(good);
    spoil(credential);
    write({ name, suite, good: false, credential });
  }

  const other = await issue({ id: "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc34", credentialSubject: { id: "did:example:subject" } });
  for (const [name, isGood, more] of [
    ["of nothing", true, {}],
    ["of an empty list", true, { verifiableCredential: [] }],
    ["of two", true, { verifiableCredential: [good, other] }],
    ["with an id", true, { id: "urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5", verifiableCredential: [good] }],
    ["with a holder", true, { holder: did, verifiableCredential: [good] }],
    ["with a holder as object", true, { holder: { id: did }, verifiableCredential: [good] }],
    ["with another holder", false, { holder: "did:example:acme", verifiableCredential: [good] }],
    ["of another type", true, { "@context": [V2, EXAMPLES], type: ["VerifiablePresentation", "ExamplePresentation"], holder: did, verifiableCredential: [good] }],
    ["with names of its own", true, { "@context": [V2, { ExampleOwn: "https://example.org/#ExampleOwn" }], type: ["VerifiablePresentation", "ExampleOwn"], verifiableCredential: [good] }],
    // Under RDF a name that is not the last part of its IRI is one of many for it, and is not taken.
    ["with another name for an IRI", suite === "eddsa-jcs-2022", { "@context": [V2, { ExampleOwn: "https://example.org/#Other" }], type: ["VerifiablePresentation", "ExampleOwn"], verifiableCredential: [good] }],
  ]) {
    const presentation = { "@context": [V2], type: ["VerifiablePresentation"], ...more };
    write({ name: `presentation ${name}`, suite, good: isGood, presentation: await vc.signPresentation({ presentation, suite: suites[suite](), challenge: "c", domain: "d", documentLoader }) });
  }
}
