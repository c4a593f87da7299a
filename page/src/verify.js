/**
 * Verification of a delivery (spec/11-verification.md §4): the same checks, in the same order, with
 * the same words as the command line. No DOM, no network; everything comes in as arguments.
 */
import { hex, same } from "./bytes.js";
import { checkFiles, compare, isComplete } from "./comparison.js";
import { checkCredential, CREDENTIAL_CHECKS } from "./credential.js";
import { blake3, parseId, short } from "./digest.js";
import { keysFor, profileOf } from "./envelope.js";
import { Refusal } from "./errors.js";
import { isProof, leaf, parseProof, verifyProof } from "./log.js";
import { attachmentsIn, inputsIn, parseManifest } from "./manifest.js";
import { parseGenesis } from "./policy.js";
import { hasReader, ID_BYTES, orderRoot, SALT_BYTES } from "./records.js";
import { decide, failed, notApplicable, passed, quote, unchecked, warned } from "./report.js";
import { noticesAmong } from "./status.js";
import { canonical } from "./strictjson.js";
import { formatTimestamp } from "./timestamps.js";
import { Tree } from "./tree.js";
import { isPresentation, verifyPresentation } from "./w3c/presentation.js";
import { Resources } from "./w3c/resources.js";
import { verifyW3c } from "./w3c/verify.js";

const MAX_PROOFS = 16;
export const DELIVERY_CHECKS = [
  ...CREDENTIAL_CHECKS,
  "manifest", "manifest.signature", "data.files", "data.tree", "records.root",
  "log.inclusion", "log.anchor", "log.witness", "log.memory",
];
const REQUIRED = DELIVERY_CHECKS.filter((id) => id !== "log.memory");
const NOT_PROVEN = [
  "that the claims are true: a signature shows who says something, not that it is so",
  "that the data was obtained lawfully, or that the licence was the issuer's to give",
  "that the data is accurate, unbiased, free of personal data or of poisoning",
  "that anything happened at its date: a log shows an order, and no witness countersigned it",
  "that everybody is shown the same log",
  "that the keys involved were in their owners' hands alone",
];
const NO_REVOCATION = "that the issuer still stands by it: it names no status list, so it cannot be revoked";

/** @typedef {import("./report.js").Check} Check */
/** @typedef {import("./credential.js").Claims} Claims */
/** @typedef {(digest: string) => Uint8Array | undefined} Find */
/** @typedef {import("./records.js").RecordIds} RecordIds */
/** @typedef {{path: string, size: number, read: (reader: string | null) => Promise<{digest: string, records: RecordIds | null}>}} DataFile `read`: the file's digest and, given a reader, its records, in one read. */
/** @typedef {{checks: Check[], records: Uint8Array[] | null, problem: string}} Content `records`: ids, file by file; or why there are none. */

/**
 * Return the report on whatever a file is: a delivery of profile `lyrik`, or a credential or
 * presentation of others, of profile `w3c` (spec/17-w3c-profile.md §17.1).
 *
 * @param {Uint8Array} document
 * @param {Parameters<typeof verifyDelivery>[1] & {challenge?: string, domain?: string}} given
 */
export async function verifyFile(document, given) {
  if (profileOf(document) === "lyrik") return verifyDelivery(document, given);
  const { siblings, trust, at, challenge, domain } = given;
  const notices = noticesAmong(siblings.values());
  const surroundings = { trust, at, resolver: keysFor(trust, notices), lists: notices.lists, resources: new Resources(siblings) };
  return isPresentation(document)
    ? verifyPresentation(document, surroundings, { challenge, domain })
    : verifyW3c(document, surroundings);
}

/**
 * Return the report on a delivery. Never throws for bad input.
 *
 * @param {Uint8Array} credential
 * @param {object} given
 * @param {Map<string, Uint8Array>} given.siblings The files beside it; names do not matter.
 * @param {DataFile[] | null} given.data The data; null leaves `data.files` unchecked.
 * @param {import("./trust.js").Trust} given.trust
 * @param {number} given.at The moment to judge for, in milliseconds.
 * @param {(file: DataFile, digest: string) => void} [given.told] Told of every file hashed.
 * @returns {Promise<import("./report.js").Report>}
 */
export async function verifyDelivery(credential, { siblings, data, trust, at, told = () => {} }) {
  const outcome = await checkCredential(credential, { trust, at, notices: noticesAmong(siblings.values()) });
  const { claims } = outcome;
  if (claims === null) {
    const rest = DELIVERY_CHECKS.slice(CREDENTIAL_CHECKS.length)
      .map((id) => unchecked(id, "malformed", "not looked at: the credential is malformed"));
    return report(outcome, [...outcome.checks, ...rest], at);
  }
  const byDigest = new Map([...siblings.values()].map((bytes) => [blake3(bytes), bytes]));
  /** @type {Find} */
  const find = (digest) => byDigest.get(digest);
  const ordered = [...siblings.keys()].sort().map((name) => /** @type {Uint8Array} */ (siblings.get(name)));
  const log = checkLog(claims, find, ordered.filter(isProof), trust, at);
  const manifest = checkManifest(claims, find, log.policy);
  const content = await checkData(claims, find, data, manifest.reader, told);
  const records = await checkRecords(claims, find, content, log.policy);
  return report(outcome, [
    ...withLicence(outcome.checks, claims, find),
    ...manifest.checks, ...content.checks, records, ...log.checks,
  ], at);
}

/** @param {any} outcome @param {Check[]} checks @param {number} at @returns {import("./report.js").Report} */
function report(outcome, checks, at) {
  const status = /** @type {Check} */ (checks.find((check) => check.id === "status"));
  let open = [NO_REVOCATION];
  if (status.state !== "n/a") {
    const since = status.detail.asOf;
    open = since ? [`that the issuer still stands by it after ${since}, when its status lists were made`] : [];
  }
  const { issuer, claims } = outcome;
  const printable = issuer !== null && /^did:[!-~]{1,296}$/.test(issuer);
  return {
    verdict: decide(checks, REQUIRED),
    checks,
    subject: claims === null ? "unreadable credential" : `urn:blake3:${claims.tree}`,
    ...(printable ? { issuer } : {}),
    at: formatTimestamp(at),
    notProven: [...NOT_PROVEN, ...open],
    profile: "lyrik",
  };
}

/** @param {Check[]} checks @param {Claims} claims @param {Find} find */
function withLicence(checks, claims, find) {
  if (claims.licenceText === null) return checks;
  const terms = /** @type {Check} */ (checks.at(-1));
  const judged = find(claims.licenceText) === undefined
    ? unchecked("terms", "missing-file",
      `${terms.summary}; the licence text is not beside the credential`, terms.detail)
    : passed("terms", `${terms.summary}; the licence text is the one named`, terms.detail);
  return [...checks.slice(0, -1), judged];
}

/**
 * @param {Claims} claims
 * @param {Find} find
 * @param {import("./policy.js").Policy | null} policy
 * @returns {{checks: Check[], reader: string | null}}
 */
function checkManifest(claims, find, policy) {
  const bytes = find(claims.manifest);
  if (bytes === undefined) {
    const summary = `manifest ${short(claims.manifest)} is not beside the credential`;
    return {
      checks: ["manifest", "manifest.signature"].map((id) => unchecked(id, "missing-file", summary)),
      reader: null,
    };
  }
  let manifest;
  try {
    manifest = parseManifest(bytes);
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    const unsigned = ["bad-signature", "bad-proof", "wrong-author", "bad-key", "weak-key"].includes(kind);
    const checks = unsigned
      ? [unchecked("manifest", "no-signature", "not looked at: its signature does not hold"),
        failed("manifest.signature", kind, quote(message, 200))]
      : [failed("manifest", kind, `not a manifest: ${quote(message, 200)}`),
        unchecked("manifest.signature", "malformed", "not looked at: no manifest")];
    return { checks, reader: null };
  }
  const signature = checkAuthor("manifest.signature", manifest, policy);
  const wrong = disagreements(claims, manifest);
  if (wrong.length) {
    const summary = `the credential and its manifest disagree about ${wrong.join(", ")}`;
    return { checks: [failed("manifest", "disagrees", summary, { members: wrong }), signature], reader: null };
  }
  const summary = `manifest ${short(manifest.id)} of ${manifest.name} says what the credential says`;
  const detail = { manifest: `blake3:${manifest.id}`, name: manifest.name };
  return { checks: [passed("manifest", summary, detail), signature], reader: manifest.body.reader };
}

/** @param {string} id @param {any} manifest @param {import("./policy.js").Policy | null} policy */
function checkAuthor(id, manifest, policy) {
  const { author, kind, name } = manifest;
  if (policy === null) {
    return unchecked(id, "no-policy", "signed, but which keys this store lets sign is not established");
  }
  return policy.allows(author, kind, name)
    ? passed(id, `signed by ${author}, as the store's policy allows`, { author })
    : failed(id, "unauthorised", `signed by ${author}, whom the store's policy does not let sign it`, { author });
}

/** @param {Claims} claims @param {any} manifest @returns {string[]} */
function disagreements(claims, manifest) {
  if (manifest.kind !== "dataset") return ["kind"];
  const { subject } = claims;
  const { body } = manifest;
  const { licence } = subject;
  const sources = inputsIn(manifest, "source").concat(
    manifest.inputs.filter((/** @type {any} */ item) => item.kind === "dataset" && item.role !== "source"),
  ).map((/** @type {any} */ item) => ({ type: "SourceDataset", id: `urn:${item.id}`, role: item.role }));
  const fields = Object.keys(body.descriptor ?? {}).sort()
    .map((field) => ({ type: "DescriptorField", field, ...body.descriptor[field] }));
  /** @type {[string, any, any][]} */
  const pairs = [
    ["name", claims.name, manifest.name],
    ["store", `blake3:${claims.store}`, manifest.store],
    ["id", `blake3:${claims.tree}`, manifest.tree],
    ["files", `blake3:${claims.files}`, manifest.files],
    ["fileCount", subject.fileCount, body.fileCount],
    ["byteSize", subject.byteSize, String(body.bytes)],
    ["recordCount", subject.recordCount, String(body.records)],
    ["licence", licence.spdxExpression ?? "", body.licence?.expression ?? ""],
    ["licence text", claims.licenceText === null ? "" : `blake3:${claims.licenceText}`, body.licence?.textDigest ?? ""],
    ["derivedFrom", subject.derivedFrom ?? [], sources],
    ["descriptor", subject.descriptor, fields],
  ];
  return pairs.filter(([, claimed, found]) => !same(canonical(claimed), canonical(found))).map(([name]) => name);
}

/**
 * @param {Claims} claims
 * @param {Find} find
 * @param {DataFile[] | null} data
 * @param {string | null} reader
 * @param {(file: DataFile, digest: string) => void} told
 * @returns {Promise<Content>}
 */
async function checkData(claims, find, data, reader, told) {
  const listing = find(claims.tree);
  if (listing === undefined) {
    const summary = `the list of files, tree ${short(claims.tree)}, is not beside the credential`;
    const bare = await checkBareFiles(claims, data, told);
    return { checks: [bare, unchecked("data.tree", "missing-file", summary)], records: null, problem: "no list of files" };
  }
  let tree;
  try {
    tree = Tree.parse(listing);
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    const summary = `the list of files is malformed: ${quote(message, 200)}`;
    const files = unchecked("data.files", "malformed", "no sound list of files to compare with");
    return { checks: [files, failed("data.tree", kind, summary)], records: null, problem: "no sound list of files" };
  }
  const treeCheck = checkTree(claims, tree);
  if (data === null) {
    const files = unchecked("data.files", "no-data", "no data was given to compare with");
    return { checks: [files, treeCheck], records: null, problem: "no data was given" };
  }
  let problem = "";
  if (reader === null) problem = "no manifest names the reader";
  else if (!hasReader(reader)) problem = `this page has no reader ${quote(reader)}`;
  const { found, records } = await look(tree, data, problem === "" && claims.records !== null ? reader : null, told);
  const comparison = compare(tree, found);
  if (!isComplete(comparison)) problem = "not all files are as listed";
  const inOrder = tree.entries.map(({ path }) => ({ path, ...(records.get(path) ?? NO_RECORDS) }));
  const bad = inOrder.find((file) => file.problem);
  if (problem === "" && bad) problem = `${quote(bad.path)}: ${quote(`${bad.path}: ${bad.problem}`, 200)}`;
  const ids = problem === "" ? inOrder.map((file) => file.ids) : null;
  return { checks: [checkFiles(comparison), treeCheck], records: ids, problem };
}

/** @type {RecordIds} */
const NO_RECORDS = { ids: new Uint8Array(), problem: "" };

/** @param {Tree} tree @param {DataFile[]} data @param {string | null} reader @param {(file: DataFile, digest: string) => void} told */
async function look(tree, data, reader, told) {
  // A file of a length that no listed file has cannot be one of them: it need not be read.
  const lengths = new Set(tree.entries.map((entry) => entry.bytes));
  /** @type {Map<string, import("./comparison.js").Found>} */
  const found = new Map();
  /** @type {Map<string, RecordIds>} */
  const records = new Map();
  // All at once: whoever hashes decides how many really run.
  await Promise.all(data.map(async (file) => {
    try {
      const read = lengths.has(file.size) ? await file.read(tree.byPath.has(file.path) ? reader : null) : null;
      found.set(file.path, { kind: "file", bytes: file.size, blake3: read?.digest ?? null });
      if (read?.records) records.set(file.path, read.records);
      told(file, read?.digest ?? "");
    } catch {
      found.set(file.path, { kind: "unreadable", bytes: 0, blake3: null });
    }
  }));
  return { found, records };
}

/** @param {Claims} claims @param {Tree} tree */
function checkTree(claims, tree) {
  const { subject } = claims;
  const wrong = /** @type {[string, any, any][]} */ ([
    ["files", claims.files, tree.filesId],
    ["fileCount", subject.fileCount, tree.entries.length],
    ["byteSize", subject.byteSize, String(tree.totalBytes)],
  ]).filter(([, claimed, found]) => claimed !== found).map(([name]) => name);
  if (wrong.length) {
    const summary = `the credential and its list of files disagree about ${wrong.join(", ")}`;
    return failed("data.tree", "disagrees", summary, { members: wrong });
  }
  return passed("data.tree",
    `tree ${short(claims.tree)} lists ${tree.entries.length} files, ${tree.totalBytes} bytes`,
    { tree: `blake3:${claims.tree}`, files: `blake3:${claims.files}` });
}

/** @param {Claims} claims @param {DataFile[] | null} data @param {(file: DataFile, digest: string) => void} told */
async function checkBareFiles(claims, data, told) {
  if (data === null) return unchecked("data.files", "no-data", "no data was given to compare with");
  let found;
  try {
    const entries = [];
    for (const file of data) {
      const { digest } = await file.read(null);
      told(file, digest);
      entries.push({ path: file.path, bytes: file.size, blake3: digest });
    }
    entries.sort((left, right) => (left.path < right.path ? -1 : 1));
    found = new Tree(entries).filesId;
  } catch (error) {
    const { kind = "bad-tree", message } = /** @type {Refusal} */ (error);
    return failed("data.files", kind, quote(message, 200));
  }
  return found === claims.files
    ? passed("data.files", "the files are those named", { files: `blake3:${found}` })
    : failed("data.files", "differs",
      "the files are not those named; which ones differ cannot be said without the list");
}

/**
 * @param {Claims} claims
 * @param {Find} find
 * @param {Content} content
 * @param {import("./policy.js").Policy | null} policy
 */
async function checkRecords(claims, find, content, policy) {
  const id = "records.root";
  if (claims.records === null) return notApplicable(id, "the credential commits to no records");
  const { manifest: wanted, root, count } = claims.records;
  const bytes = find(wanted);
  if (bytes === undefined) {
    return unchecked(id, "missing-file", `records manifest ${short(wanted)} is not beside the credential`);
  }
  let manifest;
  try {
    manifest = parseManifest(bytes);
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    return failed(id, kind, `the records manifest: ${quote(message, 200)}`);
  }
  const about = inputsIn(manifest, "dataset").map((/** @type {any} */ item) => item.id);
  const roots = (manifest.body.roots ?? []).filter((/** @type {any} */ item) => item.type === "order");
  if (manifest.kind !== "records" || manifest.store !== `blake3:${claims.store}` ||
      about.join() !== `blake3:${claims.manifest}` || roots.length !== 1 ||
      roots[0].root !== root || roots[0].count !== count) {
    return failed(id, "disagrees", "the credential and its records manifest disagree");
  }
  const author = checkAuthor(id, manifest, policy);
  if (author.state !== "pass") return author;
  const salts = find(parseId(attachmentsIn(manifest, "salts")[0].id));
  if (salts === undefined) return unchecked(id, "missing-file", "the salts are not beside the credential");
  if (content.records === null) return unchecked(id, "not-recomputed", `not recomputed: ${content.problem}`);
  const here = content.records.reduce((sum, ids) => sum + ids.length / ID_BYTES, 0);
  if (salts.length !== here * SALT_BYTES) {
    return failed(id, "bad-salts", quote(`${salts.length} bytes of salts do not fit ${here} records`));
  }
  if (here !== count) return failed(id, "records-differ", quote(`there are ${here} records, not ${count}`));
  return (await orderRoot(content.records, salts)) === root
    ? passed(id, `recomputed over ${count} records`, { root, count })
    : failed(id, "records-differ", quote("the records or their order are not those signed"));
}

/**
 * @param {Claims} claims
 * @param {Find} find
 * @param {Uint8Array[]} proofs
 * @param {import("./trust.js").Trust} trust
 * @param {number} at
 */
function checkLog(claims, find, proofs, trust, at) {
  const rest = [checkWitness(trust), notApplicable("log.memory", "no memory of earlier log checkpoints is kept")];
  const { failure, founder, genesis } = readGenesis(claims, find);
  if (failure) {
    const inclusion = unchecked("log.inclusion", "no-anchor", "the log's keys are not established");
    return { checks: [inclusion, failure, ...rest], policy: null };
  }
  const { check, signed } = checkInclusion(claims, genesis, proofs);
  const pinned = signed === null ? undefined : trust.pinned(signed.signers);
  return { checks: [check, judgeAnchor(claims, founder, pinned, trust, at), ...rest], policy: genesis.policy };
}

/** Whether the witnesses that the trust file demands countersigned. @param {import("./trust.js").Trust} trust */
function checkWitness(trust) {
  return trust.demandsWitness
    ? unchecked("log.witness", "no-witness",
      "your trust file demands a witness; this version cannot judge countersignatures")
    : notApplicable("log.witness", "your trust file demands no witness");
}

/** @param {Claims} claims @param {Find} find @returns {any} */
function readGenesis(claims, find) {
  const id = "log.anchor";
  const bytes = find(claims.store);
  if (bytes === undefined) {
    const summary = `the genesis manifest of store ${short(claims.store)} is not beside the credential`;
    return { failure: unchecked(id, "missing-file", summary) };
  }
  try {
    const founder = parseManifest(bytes);
    if (founder.kind !== "genesis") {
      return { failure: failed(id, "wrong-kind", "what the store's id names founds no store") };
    }
    const genesis = parseGenesis(founder.body);
    if (genesis.origin !== claims.logOrigin) {
      return { failure: failed(id, "other-log", "the credential names another log than the store's own") };
    }
    if (!genesis.policy.allows(founder.author, "genesis", founder.name)) {
      return { failure: failed(id, "unauthorised", "the genesis manifest is not signed by its own owner") };
    }
    return { founder, genesis };
  } catch (error) {
    const { kind, message } = /** @type {Refusal} */ (error);
    return { failure: failed(id, kind, `the genesis manifest: ${quote(message, 200)}`) };
  }
}

/** @param {Claims} claims @param {any} founder @param {any} pinned @param {import("./trust.js").Trust} trust @param {number} at */
function judgeAnchor(claims, founder, pinned, trust, at) {
  const detail = { store: `blake3:${claims.store}`, founder: founder.author };
  const entry = trust.matches(founder.author, claims.name, claims.store, at);
  if (entry) {
    const summary = `store ${short(claims.store)} was founded by ${quote(entry.nickname)}, whom you trust`;
    return passed("log.anchor", summary, detail);
  }
  if (pinned) return passed("log.anchor", `your trust file names the log ${quote(pinned.origin)}`, detail);
  const summary = `store ${short(claims.store)} was founded by ${founder.author}, whom you do not trust`;
  return warned("log.anchor", "unknown-founder", summary, detail);
}

/** @param {Claims} claims @param {any} genesis @param {Uint8Array[]} proofs */
function checkInclusion(claims, genesis, proofs) {
  const id = "log.inclusion";
  /** @type {Check | null} */
  let problem = null;
  for (const bytes of proofs.slice(0, MAX_PROOFS)) {
    try {
      const proof = parseProof(bytes);
      if (proof.index !== claims.logIndex) {
        problem ??= failed(id, "other-index",
          `the proof is for entry ${proof.index}, the credential names ${claims.logIndex}`);
        continue;
      }
      const signed = verifyProof(proof, leaf("manifest", claims.manifest), genesis.policy.logs);
      const summary = `the manifest is entry ${proof.index} of ${signed.size} in ${quote(signed.origin)}`;
      const detail = { origin: signed.origin, index: proof.index, size: signed.size, root: hex(signed.root) };
      return { check: passed(id, summary, detail), signed };
    } catch (error) {
      const { kind, message } = /** @type {Refusal} */ (error);
      problem ??= failed(id, kind, `the log proof does not hold: ${quote(message, 200)}`);
    }
  }
  return { check: problem ?? unchecked(id, "missing-file", "no log proof beside the credential"), signed: null };
}

