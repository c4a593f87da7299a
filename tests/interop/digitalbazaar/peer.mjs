/**
 * @digitalbazaar/vc asked about our credentials, offline.
 *
 *     node peer.mjs verify    JSON lines {document, lists: {URL: list}, dids: {DID: document},
 *                             challenge, domain, contexts, at} in, {verified, status, error} out
 *     node peer.mjs issue     JSON lines {document, contexts, suite, seed} in, the credential out
 *     node peer.mjs present   JSON lines {document, contexts, suite, seed, challenge, domain} in,
 *                             the presentation out
 *     node peer.mjs rate      one line {credentials: [text], contexts} in, {issue, verify} per
 *                             second of processor time out: from the unsigned object to text, from
 *                             text to a verdict
 */
import { contexts as published } from "@digitalbazaar/credentials-context";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { driver } from "@digitalbazaar/did-method-key";
import { CachedResolver } from "@digitalbazaar/did-io";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import * as jcs from "@digitalbazaar/eddsa-jcs-2022-cryptosuite";
import * as rdfc from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import { checkStatus } from "@digitalbazaar/vc-bitstring-status-list";
import { createInterface } from "node:readline";

const SECONDS = 2;
const dids = driver();
dids.use({ multibaseMultikeyHeader: "z6Mk", fromMultibase: Ed25519Multikey.from });

const suite = () => [
  new DataIntegrityProof({ cryptosuite: jcs.createVerifyCryptosuite() }),
  new DataIntegrityProof({ cryptosuite: rdfc.cryptosuite }),
];
const signing = (key, name) => new DataIntegrityProof({
  signer: key.signer(),
  cryptosuite: name === "eddsa-rdfc-2022" ? rdfc.cryptosuite : jcs.createSignCryptosuite(),
});

/** A key as a did:key; its issuer's id is the second value. */
async function keyed(seed) {
  const key = await Ed25519Multikey.generate({ seed: seed && Buffer.from(seed, "hex") });
  const did = `did:key:${(await key.export({ publicKey: true })).publicKeyMultibase}`;
  key.id = `${did}#${did.slice("did:key:".length)}`;
  key.controller = did;
  return [key, did];
}

/** Of a DID document, itself or the key that a URL names. */
function didPart(dids, url) {
  const [did, fragment] = url.split("#");
  if (dids[did] === undefined || fragment === undefined) return dids[did];
  const key = dids[did].verificationMethod.find(({ id }) => id === url);
  return key && { "@context": "https://w3id.org/security/multikey/v1", ...key };
}

/** Everything the library may load: published contexts, ours, DID documents, the lists given. */
function loader({ lists = {}, contexts = {}, dids: held = {} }) {
  return async (url) => {
    const document = published.get(url) ?? contexts[url] ?? lists[url] ?? didPart(held, url) ??
      (url.startsWith("did:key:") ? await dids.get({ url }) : undefined);
    if (document === undefined) throw new Error(`not offered: ${url}`);
    return { contextUrl: null, documentUrl: url, document: structuredClone(document) };
  };
}

async function verify(line) {
  const documentLoader = loader(line);
  const { document, challenge, domain, at: now } = line;
  const status = [];
  const options = {
    suite: suite(),
    documentLoader,
    now,
    // It must be there for who has a status. Whether a bit is set is for its caller to look at.
    checkStatus: async ({ credential }) => {
      if (credential.credentialStatus === undefined) return { verified: true };
      const result = await checkStatus({ credential, documentLoader, suite: suite(), verifyBitstringStatusListCredential: true });
      status.push(...(result.results ?? []).map(({ status: raised }) => raised));
      return result;
    },
  };
  const result = challenge
    ? await vc.verify({ ...options, presentation: document, challenge, domain })
    : await vc.verifyCredential({ ...options, credential: document });
  const why = result.error ?? result.presentationResult?.error ?? result.credentialResults?.find(({ error }) => error)?.error;
  return { verified: result.verified, status, error: why ? String(why.errors ?? why) : "" };
}

async function issue(line) {
  const [key, did] = await keyed(line.seed);
  const credential = { ...line.document, issuer: did };
  return vc.issue({ credential, suite: signing(key, line.suite), documentLoader: loader(line) });
}

async function present(line) {
  const [key] = await keyed(line.seed);
  const { document: presentation, challenge, domain } = line;
  return vc.signPresentation({ presentation, challenge, domain, suite: signing(key, line.suite), documentLoader: loader(line) });
}

async function rate(line) {
  const [key, did] = await keyed();
  const unsigned = line.credentials.map((text) => {
    const { proof, ...document } = JSON.parse(text);
    return { ...document, issuer: did };
  });
  // As a program would that verifies many: documents of issuers are kept, suites made once.
  const resolver = new CachedResolver();
  resolver.use(dids);
  const documentLoader = async (url) => ({
    contextUrl: null,
    documentUrl: url,
    document: published.get(url) ?? line.contexts[url] ?? await resolver.get({ url }),
  });
  const signer = signing(key, "eddsa-jcs-2022");
  const make = async (credential) => JSON.stringify(await vc.issue({ credential, suite: signer, documentLoader }));
  const suites = suite();
  const check = async (text) => {
    const { verified, error } = await vc.verifyCredential({ credential: JSON.parse(text), suite: suites, documentLoader });
    if (!verified) throw error;
  };
  const issued = [];
  for (const credential of unsigned) issued.push(await make(credential));
  return { issue: await perSecond(make, unsigned), verify: await perSecond(check, issued) };
}

async function perSecond(task, items) {
  for (let warm = 0; warm < 1000; warm += 1) await task(items[warm % items.length]);
  const begin = process.cpuUsage();
  for (let count = 0; ; count += items.length) {
    const { user, system } = process.cpuUsage(begin);
    if (user + system > SECONDS * 1e6) return count / ((user + system) / 1e6);
    for (const item of items) await task(item);
  }
}

const command = { issue, present, rate, verify }[process.argv[2]];
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await command(JSON.parse(line)).catch((error) => ({ verified: false, status: [], error: String(error) }))));
}
