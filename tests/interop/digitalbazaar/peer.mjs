/**
 * @digitalbazaar/vc asked about our credentials, offline.
 *
 *     node peer.mjs verify    JSON lines {credential, lists: {URL: list}, contexts, now} in,
 *                             {verified, status, error} out
 *     node peer.mjs issue     JSON lines {credential, contexts, suite, seed} in, the credential out
 *     node peer.mjs rate      one line {credential, contexts} in, {issue, verify} per second out
 */
import { contexts as published } from "@digitalbazaar/credentials-context";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { driver } from "@digitalbazaar/did-method-key";
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

/** Everything the library may load: published contexts, ours, did:key documents, the lists given. */
function loader({ lists = {}, contexts = {} }) {
  return async (url) => {
    const document = published.get(url) ?? contexts[url] ?? lists[url] ??
      (url.startsWith("did:key:") ? await dids.get({ url }) : undefined);
    if (document === undefined) throw new Error(`not offered: ${url}`);
    return { contextUrl: null, documentUrl: url, document: structuredClone(document) };
  };
}

async function verify(line) {
  const documentLoader = loader(line);
  const { credential } = line;
  const result = await vc.verifyCredential({
    credential,
    suite: suite(),
    documentLoader,
    now: line.now,
    checkStatus: credential.credentialStatus === undefined
      ? undefined
      : (options) => checkStatus({ ...options, documentLoader, suite: suite(), verifyBitstringStatusListCredential: true }),
  });
  // Whether a bit is set is for its caller to look at.
  const status = result.statusResult?.results?.map(({ status: raised }) => raised) ?? [];
  return { verified: result.verified, status, error: result.error ? String(result.error.errors ?? result.error) : "" };
}

async function issue(line) {
  const [key, did] = await keyed(line.seed);
  const credential = { ...line.credential, issuer: did };
  return vc.issue({ credential, suite: signing(key, line.suite), documentLoader: loader(line) });
}

async function rate(line) {
  const { proof, ...unsigned } = line.credential;
  const [key, did] = await keyed();
  unsigned.issuer = did;
  delete unsigned.credentialStatus;
  const documentLoader = loader(line);
  const make = () => vc.issue({ credential: structuredClone(unsigned), suite: signing(key, "eddsa-jcs-2022"), documentLoader });
  const credential = await make();
  const check = async () => {
    const { verified, error } = await vc.verifyCredential({ credential, suite: suite(), documentLoader });
    if (!verified) throw error;
  };
  return { issue: await perSecond(make), verify: await perSecond(check) };
}

async function perSecond(task) {
  for (let warm = 0; warm < 50; warm += 1) await task();
  const begin = performance.now();
  let count = 0;
  for (; performance.now() - begin < SECONDS * 1000; count += 1) await task();
  return count / ((performance.now() - begin) / 1000);
}

const command = { issue, rate, verify }[process.argv[2]];
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await command(JSON.parse(line)).catch((error) => ({ verified: false, status: [], error: String(error) }))));
}
