/** Whether manifest, tree, records and files are those named (spec §11.4.2-11.4.4). */
import { same } from "../../canon/bytes.js";
import { checkFiles, compare, isComplete, isLitter, markRewritten } from "./compare_files.js";
import { isPinned, parseId, short } from "../../canon/digest.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { counted } from "../../canon/text.js";
import { policyFor } from "../credential/issuer_key.js";
import { attachmentsIn, inputsIn, parseManifest } from "../../history/manifests/manifest.js";
import { compare as inOrder } from "../../history/trees/paths.js";
import { Meters } from "../../history/records/meters.js";
import { hasReader, ID_BYTES, orderRoot, SALT_BYTES } from "../../history/records/records.js";
import { nameSome, quote } from "../../canon/quoting.js";
import { failed, notApplicable, passed, unchecked, warned } from "../report.js";
import { canonical } from "../../canon/json.js";
import { parseDay } from "../../canon/timestamps.js";
import { Tree } from "../../history/trees/tree.js";
import { MAX_NAMED } from "../../../generated/limits.js";

const FILE = /^urn:blake3:([0-9a-f]{64})$/;

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../credential/credential.js").Claims} Claims */
/** @typedef {(digest: string) => Uint8Array | undefined} Find */
/** @typedef {import("../../history/records/records.js").RecordIds} RecordIds */
/** @typedef {{path: string, size: number, read: (reading: import("../../history/records/records.js").Reading | null, summed?: boolean) => Promise<{digest: string, sha256: Uint8Array | null, records: RecordIds | null}>, digestWith: (ends: import("./line_ends.js").LineEnds) => Promise<string>}} DataFile `read`: the file's digest, its SHA-256 where it is to be `summed` and, where it is to be read as records, those, in one read; `digestWith`: that of what it holds with other line ends. */
/** @typedef {{hashed: (file: DataFile, digest: string) => void, signal?: AbortSignal}} Course `hashed`: of every file hashed; `signal`: ends the work, with an error. */
/** @typedef {{checks: Check[], tree: Tree | null, records: (RecordIds & {path: string})[] | null, problem: string}} Content `records`: file by file; or why there are none. */

/**
 * @param {Claims} claims
 * @param {any[]} related What the credential pins.
 * @param {Find} find
 * @param {import("../../history/policy/policy.js").Policy | null} policy
 * @returns {{checks: Check[], body: any, reader: string | null, companions: Set<string>}} `body`: null unless the credential says what it says; `companions`: paths of files without records.
 */
export function checkManifest(claims, related, find, policy) {
  const bytes = find(claims.manifest);
  if (bytes === undefined) {
    const summary = `manifest ${short(claims.manifest)} is not beside the credential`;
    return {
      checks: ["manifest", "manifest.signature"].map((id) => unchecked(id, "missing-file", summary)),
      ...NOTHING,
    };
  }
  const manifest = attempt(() => parseManifest(bytes));
  if (manifest instanceof Refusal) {
    const { kind, message } = manifest;
    const unsigned = ["bad-signature", "bad-proof", "wrong-author", "bad-key", "weak-key"].includes(kind);
    const checks = unsigned
      ? [unchecked("manifest", "no-signature", "not looked at: its signature does not hold"),
        failed("manifest.signature", kind, quote(message, 200))]
      : [failed("manifest", kind, `not a manifest: ${quote(message, 200)}`),
        unchecked("manifest.signature", "malformed", "not looked at: no manifest")];
    return { checks, ...NOTHING };
  }
  const signature = checkAuthor("manifest.signature", manifest, policy);
  const wrong = disagreements(claims, manifest);
  if (wrong.length) {
    const summary = `the credential and its manifest disagree about ${wrong.join(", ")}`;
    return { checks: [failed("manifest", "disagrees", summary, { members: wrong }), signature], ...NOTHING };
  }
  const other = ofTwoFiles(related, find);
  if (other !== undefined) {
    const summary = `the digests of ${quote(other)} in relatedResource name different files`;
    return { checks: [failed("manifest", "disagrees", summary, { members: ["relatedResource"] }), signature], ...NOTHING };
  }
  const summary = `manifest ${short(manifest.id)} of ${manifest.name} says what the credential says`;
  const detail = { manifest: `blake3:${manifest.id}`, name: manifest.name };
  const { body } = manifest;
  const { reader, companions = [] } = body;
  return { checks: [passed("manifest", summary, detail), signature], body, reader, companions: new Set(companions) };
}

/** What no manifest says. @type {{body: null, reader: null, companions: Set<string>}} */
const NOTHING = { body: null, reader: null, companions: new Set() };

/**
 * One file by BLAKE3, another by SHA-2: what one program takes for the text signed, another refuses (A20, A49).
 *
 * @param {any[]} related
 * @param {Find} find
 * @returns {string | undefined}
 */
function ofTwoFiles(related, find) {
  for (const item of related) {
    const [, digest = ""] = FILE.exec(item.id) ?? []; // a context and a DID document have other names
    const bytes = find(digest);
    if (bytes !== undefined && !isPinned(item, bytes)) return item.id;
  }
  return undefined;
}

/** Whether the policy lets the author of a manifest say this. @param {string} id Of the check. @param {any} manifest Its signature holds already: it was parsed. @param {import("../../history/policy/policy.js").Policy | null} policy @returns {Check} */
export function checkAuthor(id, manifest, policy) {
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
  const text = body.licence?.textDigest;
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
    ["licence", claims.terms.licence ?? "", body.licence?.expression ?? ""],
    ["licence text", true, text === undefined || claims.terms.texts.has(parseId(text))],
    ["age", subject.age, ageOf(manifest)],
    ["derivedFrom", subject.derivedFrom ?? [], sources],
    ["descriptor", subject.descriptor, fields],
  ];
  return pairs.filter(([, claimed, found]) => !same(canonical(claimed), canonical(found))).map(([name]) => name);
}

/**
 * @param {Claims} claims
 * @param {Find} find
 * @param {DataFile[] | null} data
 * @param {{reader: string | null, companions: Set<string>}} manifest What it says of files and records.
 * @param {{recipes: import("../../history/records/meters.js").Recipe[], roles: import("../../history/records/statistics.js").Roles | null}} measuring By what records are measured.
 * @param {Course} course
 * @returns {Promise<Content>}
 */
export async function checkData(claims, find, data, { reader, companions }, measuring, course) {
  const listing = find(claims.tree);
  if (listing === undefined) {
    const summary = `the list of files, tree ${short(claims.tree)}, is not beside the credential`;
    const bare = data === null
      ? unchecked("data.files", "no-data", "no data was given to compare with")
      : await checkBareFiles(claims.files, data, course);
    return { checks: [bare, unchecked("data.tree", "missing-file", summary)], tree: null, records: null, problem: "no list of files" };
  }
  const tree = attempt(() => Tree.parse(listing));
  if (tree instanceof Refusal) {
    const summary = `the list of files is malformed: ${quote(tree.message, 200)}`;
    const files = unchecked("data.files", "malformed", "no sound list of files to compare with");
    return { checks: [files, failed("data.tree", tree.kind, summary)], tree: null, records: null, problem: "no sound list of files" };
  }
  const treeCheck = checkTree(claims, tree);
  if (data === null) {
    const files = unchecked("data.files", "no-data", "no data was given to compare with");
    return { checks: [files, treeCheck], tree, records: null, problem: "no data was given" };
  }
  let problem = "";
  if (reader === null) problem = "no manifest names the reader";
  else if (!hasReader(reader)) problem = `this page has no reader ${quote(reader)}`;
  const reading = reader !== null && problem === "" ? { reader, ...measuring } : null;
  const readingOf = (/** @type {string} */ path) => tree.byPath.has(path) && !companions.has(path) ? reading : null;
  /** @type {Map<string, RecordIds>} */
  const records = new Map();
  const comparison = await compareData(tree, data, course, async (file) => {
    const read = await file.read(readingOf(file.path));
    if (read.records) records.set(file.path, read.records);
    return read;
  });
  if (!isComplete(comparison)) problem = "not all files are as listed";
  const { recipes } = measuring;
  const none = { ids: new Uint8Array(), problem: "", counts: new Meters(recipes).counts, statistics: null };
  const inOrder = tree.entries.map(({ path }) => ({ path, ...(records.get(path) ?? none) }));
  const bad = inOrder.find((file) => file.problem);
  if (problem === "" && bad) problem = `${quote(bad.path)}: ${quote(`${bad.path}: ${bad.problem}`, 200)}`;
  return { checks: [checkFiles(comparison), treeCheck], tree, records: problem === "" ? inOrder : null, problem };
}

/**
 * Return how data departs from a tree.
 *
 * @param {Tree} tree @param {DataFile[]} data @param {Course} course
 * @param {(file: DataFile) => Promise<{digest: string}>} read Reads a file whose length some listed file has.
 */
export async function compareData(tree, data, { hashed, signal }, read) {
  // A file of a length that no listed file has cannot be one of them: it need not be read.
  const lengths = new Set(tree.entries.map((entry) => entry.bytes));
  /** @type {Map<string, import("./compare_files.js").Found>} */
  const found = new Map();
  // All at once: whoever hashes decides how many really run.
  await Promise.all(data.map(async (file) => {
    try {
      const digest = lengths.has(file.size) ? (await read(file)).digest : null;
      found.set(file.path, { kind: "file", bytes: file.size, blake3: digest });
      hashed(file, digest ?? "");
    } catch {
      signal?.throwIfAborted();
      found.set(file.path, { kind: "unreadable", bytes: 0, blake3: null });
    }
  }));
  const comparison = compare(tree, found);
  await markRewritten(tree, comparison, new Map(data.map((file) => [file.path, file])));
  signal?.throwIfAborted();
  return comparison;
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
    `tree ${short(claims.tree)} lists ${counted(tree.entries.length, "file")}, ${counted(tree.totalBytes, "byte")}`,
    { tree: `blake3:${claims.tree}`, files: `blake3:${claims.files}` });
}

/**
 * Whether files give a files id, where the list of them is missing. None can be named then.
 *
 * @param {string} wanted @param {DataFile[]} data @param {Course} course @param {string} [id] Of the check.
 */
export async function checkBareFiles(wanted, data, { hashed, signal }, id = "data.files") {
  /** @type {import("../../history/trees/tree.js").Entry[]} */
  const entries = [];
  let found;
  try {
    for (const file of data) {
      const { digest } = await file.read(null);
      hashed(file, digest);
      entries.push({ path: file.path, bytes: file.size, blake3: digest });
    }
    entries.sort((left, right) => inOrder(left.path, right.path));
    found = new Tree(entries).filesId;
  } catch (error) {
    signal?.throwIfAborted();
    const { kind = "bad-tree", message } = /** @type {Refusal} */ (error);
    return failed(id, kind, quote(message, 200));
  }
  const named = "the files are those named";
  const files = `blake3:${wanted}`;
  if (found === wanted) return passed(id, named, { files });
  const litter = entries.map(({ path }) => path).filter(isLitter);
  if (new Tree(entries.filter(({ path }) => !isLitter(path))).filesId === wanted) {
    return warned(id, "litter", `${named}; ${litter.length} desktop litter: ${nameSome(litter)}`,
      { files, litter: litter.slice(0, MAX_NAMED), litterCount: litter.length });
  }
  return failed(id, "differs",
    "the files are not those named; which ones differ cannot be said without the list");
}

/**
 * @param {Claims} claims
 * @param {Find} find
 * @param {Content} content
 * @param {import("../../history/policy/key_history.js").KeyHistory | null} history
 * @param {number | null} loggedAt Where the credential is shown to be logged.
 * @param {AbortSignal} [signal]
 */
export async function checkRecords(claims, find, content, history, loggedAt, signal) {
  const id = "records.root";
  if (claims.records === null) return notApplicable(id, "the credential commits to no records");
  const { manifest: wanted, root, count } = claims.records;
  const bytes = find(wanted);
  if (bytes === undefined) {
    return unchecked(id, "missing-file", `records manifest ${short(wanted)} is not beside the credential`);
  }
  const manifest = attempt(() => parseManifest(bytes));
  if (manifest instanceof Refusal) return failed(id, manifest.kind, `the records manifest: ${quote(manifest.message, 200)}`);
  const about = inputsIn(manifest, "dataset").map((/** @type {any} */ item) => item.id);
  const roots = (manifest.body.roots ?? []).filter((/** @type {any} */ item) => item.type === "order");
  if (manifest.kind !== "records" || manifest.store !== `blake3:${claims.store}` ||
      about.join() !== `blake3:${claims.manifest}` || roots.length !== 1 ||
      roots[0].root !== root || roots[0].count !== count) {
    return failed(id, "disagrees", "the credential and its records manifest disagree");
  }
  const policy = history && policyFor(history, claims.logIndex, loggedAt, manifest.author);
  const author = checkAuthor(id, manifest, policy);
  if (author.state !== "pass") return author;
  const salts = find(parseId(attachmentsIn(manifest, "salts")[0].id));
  if (salts === undefined) return unchecked(id, "missing-file", "the salts are not beside the credential");
  if (content.records === null) return unchecked(id, "not-recomputed", `not recomputed: ${content.problem}`);
  const files = content.records.map(({ ids }) => ids);
  const here = files.reduce((sum, ids) => sum + ids.length / ID_BYTES, 0);
  if (salts.length !== here * SALT_BYTES) {
    return failed(id, "bad-salts", quote(`${counted(salts.length, "byte")} of salts do not fit ${counted(here, "record")}`));
  }
  if (here !== count) return failed(id, "records-differ", quote(`there are ${counted(here, "record")}, not ${count}`));
  return (await orderRoot(files, salts, signal)) === root
    ? passed(id, `recomputed over ${counted(count, "record")}`, { root, count })
    : failed(id, "records-differ", quote("the records or their order are not those signed"));
}

/** The `age` of a credential about a manifest: what its author claims in it. @param {any} manifest */
function ageOf(manifest) {
  const { start, end } = manifest.body.descriptor?.collectedDuring?.value ?? {};
  const days = /** @type {[string, any][]} */ ([["collectedFrom", start], ["collectedUntil", end]])
    .map(([member, day]) => [member, typeof day === "string" ? day.slice(0, 10) : ""])
    .filter(([, day]) => !Number.isNaN(parseDay(day)));
  return { type: "DataAge", snapshotAt: manifest.created, ...Object.fromEntries(days) };
}
