/** The page: takes files, verifies them, shows the answer. */
import { verifyDeployment } from "../src/verify/deployment/deployment.js";
import { readEvidence } from "../src/verify/deployment/folder.js";
import { LEAVES, TREE } from "../src/verify/deployment/layout.js";
import { checkFew, checkFewStatements, maySpeak, namedIn } from "../src/verify/delivery/siblings.js";
import { CREDENTIAL_PROOF } from "../src/verify/credential/issuer_key.js";
import { isTextName } from "../src/verify/credential/terms.js";
import { text } from "../src/canon/bytes.js";
import { blake3, parseUrn } from "../src/canon/digest.js";
import { lineage } from "../src/verify/delivery/lineage.js";
import { OpenedCredential } from "../src/credentials/opened.js";
import { isObject, parse } from "../src/canon/json.js";
import { parseTimestamp } from "../src/canon/timestamps.js";
import { Tree } from "../src/history/trees/tree.js";
import { Trust } from "../src/credentials/trust.js";
import { isOfDataset } from "../src/verify/verify.js";
import { verifyFile } from "../src/verify_file.js";
import { carried } from "./carried.js";
import { showClaims } from "./claims.js";
import { nameOf, showDeployed } from "./deployed.js";
import { Files } from "./files.js";
import { add, candidates, chosen, dropped, sortOut, titleOf } from "./given.js";
import { Hashing } from "./hashing.js";
import { lineageView } from "./lineage.js";
import { settingOf } from "./record.js";
import { countedText, pageText } from "./texts.js";
import { byId, element, grouped, showReport, showText } from "./view.js";
import { MAX_CREDENTIAL_BYTES, MAX_JSON_BYTES, MAX_RESOURCE_BYTES, MAX_STATEMENTS_BYTES, MAX_TRUST_FILE_BYTES } from "../generated/limits.js";

const DRAWN_EVERY = 250; // milliseconds
const SAID_EVERY = 10_000;

/** @typedef {import("./given.js").Item} Item */

const inside = carried();
/** @type {Item[]} */
let items = [];
/** @type {File | null} */
let trustFile = null;
/** @type {AbortController | null} Of the verification that is going on. */
let running = null;
const hashing = new Hashing();
const files = new Files();

/** @param {Item[]} more */
function give(more) {
  running?.abort(); // what it judges is no longer what is given
  items = add(items, more);
  const target = byId("target");
  const options = candidates(items, inside.items).map((item) => element("option", { value: item.path }, titleOf(item)));
  target.replaceChildren(...options);
  byId("which").hidden = options.length < 2;
  showGiven();
}

function showGiven() {
  const found = sortOut(items, inside.items, byId("target").value);
  showText("given", found === null ? nothing() : described(found));
  byId("verify").disabled = found === null;
  byId("clear").hidden = items.length === 0 && trustFile === null;
}

/** What was given, in words. @param {import("./given.js").Given} given */
function described(given) {
  const { siblings, data, folder } = given;
  if ("evidence" in given) {
    return pageText("verification.given-folder", { folder, files: countedText("verification.files", given.data.length), evidence: countedText("verification.files", given.evidence.length) });
  }
  const beside = countedText("verification.files", siblings.length);
  return data === null ? pageText("verification.given-credential", { beside })
    : pageText("verification.given-delivery", { beside, data: countedText("verification.files", data.length), folder });
}

const nothing = () => (items.length ? countedText("verification.given-other", items.length) : pageText("verification.given-nothing"));

function believed() {
  const did = byId("did").value.trim();
  let words = pageText("verification.believed-nobody");
  if (trustFile !== null) words = pageText("verification.believed-file", { name: trustFile.name });
  else if (did) words = pageText("verification.believed-key");
  else if (inside.trust !== null) words = pageText("verification.believed-inside");
  showText("believed", words);
}

/** @param {(digest: string) => Uint8Array | undefined} find Gives a DID document that it pins, wherever it lies. */
async function readTrust(find) {
  const did = byId("did").value.trim();
  if (trustFile === null && did) return { trust: Trust.of(did), believed: { words: pageText("verification.trust-key", { did }), name: null, bytes: null } };
  const file = trustFile ?? inside.trust;
  if (file === null) return { trust: new Trust(), believed: { words: pageText("verification.trust-none"), name: null, bytes: null } };
  const bytes = await bytesOf(file, MAX_TRUST_FILE_BYTES + 1);
  const words = file === inside.trust ? pageText("verification.trust-inside") : pageText("verification.trust-file", { name: file.name });
  return {
    trust: Trust.parse(text(bytes, "bad-trust"), (_, digest) => find(digest)),
    believed: { words, name: trustFile === null ? null : file.name, bytes },
  };
}

/** @param {File} file @param {number} limit */
async function bytesOf(file, limit) {
  try {
    return new Uint8Array(await file.slice(0, limit).arrayBuffer());
  } catch {
    throw new Error(pageText("verification.unreadable", { name: file.name }));
  }
}

async function verify() {
  const given = sortOut(items, inside.items, byId("target").value);
  if (given === null || running !== null) return;
  const control = new AbortController();
  running = control;
  busy();
  byId("answer").hidden = true;
  byId("kept").hidden = true;
  say("");
  control.signal.onabort = () => hashing.stop(control.signal.reason);
  try {
    await ("evidence" in given ? judgeDeployed : judge)(/** @type {any} */ (given), control.signal);
    say("");
  } catch (error) {
    files.list([]);
    say(control.signal.aborted ? pageText("verification.stopped") : /** @type {Error} */ (error).message, "problem");
  } finally {
    running = null;
    busy();
  }
}

/** @param {string} words @param {string} [kind] */
function say(words, kind = "quiet") {
  byId("progress").className = kind;
  showText("progress", words);
}

function busy() {
  const stopped = document.activeElement === byId("stop");
  // A button that is disabled loses the focus, and with it a screen reader its place.
  byId("verify").setAttribute("aria-disabled", String(running !== null));
  byId("stop").hidden = running === null;
  if (running !== null) return;
  byId("bar").hidden = true;
  byId("hashed").hidden = true;
  if (stopped) byId("verify").focus();
}

/** The moment that is asked about, as entered. */
function asked() {
  const at = byId("at").value.trim();
  return { at, moment: at ? parseTimestamp(at) : Date.now() };
}

/** @param {import("./given.js").Deployed} given @param {AbortSignal} signal */
async function judgeDeployed(given, signal) {
  const { at, moment } = asked();
  const below = given.evidence.map(({ path, file }) => ({ path, size: file.size, bytes: () => bytesOf(file, file.size) }));
  const evidence = await readEvidence(below);
  const statusFiles = await readLater(given.siblings);
  const byDigest = new Map([...evidence.files.values(), ...statusFiles].map((bytes) => [blake3(bytes), bytes]));
  const { trust, believed } = await readTrust((digest) => byDigest.get(digest));
  signal.throwIfAborted();
  files.list(entriesOf(evidence.files.get(TREE)));
  const meter = new Meter(given.data);
  const data = given.data.map((item) => dataFile(item, meter, signal));
  const hashed = (/** @type {{path: string}} */ { path }, /** @type {string} */ digest) => files.hashed(path, digest);
  const report = await verifyDeployment(evidence, data, { trust, at: moment, statusFiles, filesAlone: true, hashed, signal });
  signal.throwIfAborted();
  showDeployed(report, evidence);
  const setting = { given: described(given), target: given.folder, folder: null, at, title: nameOf(report) };
  showReport(report, [], settingOf(report, null, setting, believed));
  files.settle(report);
  keep(report);
}

/** What issuers said later, and stores of keys, given apart from a deployed folder. @param {Item[]} items */
async function readLater(items) {
  checkFew(items.length, 0, 0);
  const may = await Promise.all(items.filter(({ file }) => file.size <= MAX_JSON_BYTES)
    .map(async ({ path, file }) => ({ path, bytes: await bytesOf(file, file.size) })));
  const read = may.filter(({ path, bytes }) => path === LEAVES || maySpeak(bytes)).map(({ bytes }) => bytes);
  checkFew(read.length, 0, read.reduce((sum, { length }) => sum + length, 0));
  checkFewStatements(read);
  return read;
}

/** @param {import("./given.js").Delivered} given @param {AbortSignal} signal */
async function judge(given, signal) {
  const { at, moment } = asked();
  const opened = new OpenedCredential(await bytesOf(given.credential, MAX_CREDENTIAL_BYTES + 1));
  if (!isOfDataset(opened)) {
    // ATTACK: whatever data, beside a genuine credential that is about other data or none.
    if (given.data !== null && given.credential.name === "credential.json") {
      throw new Error(pageText("verification.no-dataset"));
    }
    given = { ...given, data: null }; // that of the delivery which a grant rests on
  }
  const siblings = await readBeside(given.siblings, opened, signal);
  const byDigest = new Map([...siblings.values()].map((bytes) => [blake3(bytes), bytes]));
  const find = (/** @type {string} */ digest) => byDigest.get(digest);
  const document = opened.stated;
  const { trust, believed } = await readTrust(find);
  signal.throwIfAborted();
  files.list(listed(document, find));
  const meter = new Meter(given.data ?? []);
  const data = given.data === null ? null : given.data.map((item) => dataFile(item, meter, signal));
  const hashed = (/** @type {{path: string}} */ { path }, /** @type {string} */ digest) => files.hashed(path, digest);
  const wanted = { challenge: byId("challenge").value || undefined, domain: byId("domain").value || undefined };
  const report = await verifyFile(opened, { siblings, data, trust, at: moment, hashed, signal, ...wanted });
  signal.throwIfAborted();
  showClaims(report, document);
  const setting = settingOf(report, document, {
    given: described(given), target: given.credential.name, folder: given.data && given.folder, at, ...wanted,
  }, believed);
  showReport(report, isObject(document?.credentialSubject?.contentRoot) ? lineageView(lineage(document, find)) : [], setting);
  files.settle(report);
  keep(report);
}

/**
 * The files beside a credential that may say something, and those that one of them names.
 *
 * @param {Item[]} items
 * @param {OpenedCredential} credential
 * @param {AbortSignal} signal
 */
async function readBeside(items, credential, signal) {
  const size = items.reduce((sum, { file }) => sum + file.size, 0);
  checkFew(items.length, size, 0);
  /** @type {Map<string, Uint8Array>} */
  const siblings = new Map();
  const named = new Set(namedIn(credential.bytes));
  let words = 0;
  /** @type {Item[]} */
  const rest = [];
  for (const item of items) {
    const bytes = item.file.size <= MAX_JSON_BYTES ? await bytesOf(item.file, item.file.size) : new Uint8Array();
    if (!maySpeak(bytes)) {
      rest.push(item);
      continue;
    }
    words += bytes.length;
    checkFew(items.length, size, words);
    for (const digest of namedIn(bytes)) named.add(digest);
    siblings.set(item.path, bytes);
  }
  checkFewStatements(siblings.values());
  // ATTACK: half a gigabyte that nothing names, to fill the memory. A foreign document pins by digests
  // of other kinds what is small.
  const foreign = credential.profile === "w3c";
  let texts = 0;
  for (const { path, file } of rest) {
    let kept = foreign ? file.size <= MAX_RESOURCE_BYTES : named.has((await hashing.read(file, {})).digest);
    signal.throwIfAborted();
    if (!kept && (isTextName(path) || path === CREDENTIAL_PROOF) && file.size <= MAX_JSON_BYTES) {
      texts += file.size; // it was altered: to be said, not to count
      kept = texts <= MAX_STATEMENTS_BYTES;
    }
    if (kept) siblings.set(path, await bytesOf(file, file.size));
  }
  return siblings;
}

/** @param {Item} item @param {Meter} meter @param {AbortSignal} signal @returns {import("../src/verify/verify.js").DataFile} */
function dataFile({ path, file }, meter, signal) {
  const read = async (/** @type {import("../src/history/records/records.js").Reading | null} */ reading, summed = false) => {
    signal.throwIfAborted();
    return hashing.read(file, { reading, summed }, meter.of(path));
  };
  const digestWith = async (/** @type {import("../src/verify/delivery/line_ends.js").LineEnds} */ ends) => {
    signal.throwIfAborted();
    return (await hashing.read(file, { ends })).digest;
  };
  return { path, size: file.size, read, digestWith };
}

/** Offer the report as a file: the JSON that the command line writes. @param {import("../src/verify/report.js").Report} report */
function keep(report) {
  const link = byId("kept");
  if (link.href) URL.revokeObjectURL(link.href);
  const document = { schema: "lyrikstore/cli/verify/v2", ...report };
  link.href = URL.createObjectURL(new Blob([JSON.stringify(document, null, 2), "\n"], { type: "application/json" }));
  link.hidden = false;
}

/** Progress over all files. */
class Meter {
  /** @param {Item[]} data */
  constructor(data) {
    this.total = data.reduce((sum, { file }) => sum + file.size, 0);
    this.sum = 0;
    this.drawn = -Infinity;
    this.said = -Infinity;
    byId("bar").hidden = this.total === 0;
    byId("hashed").hidden = this.total === 0;
    byId("hashed").textContent = "";
    byId("bar").value = 0;
  }

  /** @param {string} path @returns {(bytes: number) => void} Takes note of further bytes. */
  of(path) {
    let done = 0;
    return (bytes) => {
      done += bytes;
      this.sum += bytes;
      files.progress(path, done);
      const now = performance.now();
      if (now - this.drawn < DRAWN_EVERY) return; // drawing takes what hashing needs
      this.drawn = now;
      byId("bar").value = this.sum / this.total;
      const words = pageText("verification.hashing", { percent: Math.floor((this.sum / this.total) * 100), total: grouped(this.total) });
      byId("hashed").textContent = words; // for the eye alone
      if (now - this.said < SAID_EVERY) return; // a screen reader reads every change
      this.said = now;
      say(words, "heard");
    };
  }
}

/** The files that a credential's own list names. @param {any} credential @param {(digest: string) => Uint8Array | undefined} find */
function listed(credential, find) {
  try {
    return entriesOf(find(parseUrn(credential?.credentialSubject?.id)));
  } catch {
    return []; // it names none
  }
}

/** @param {Uint8Array | undefined} listing */
function entriesOf(listing) {
  try {
    return listing === undefined ? [] : Tree.parse(listing).entries;
  } catch {
    return []; // a check says why
  }
}

// Buttons of our own: a screen reader would say of an emptied input that nothing is chosen.
for (const id of ["folder", "files", "trust"]) byId(`choose-${id}`).onclick = () => byId(id).click();
byId("folder").onchange = () => give(chosen(byId("folder")));
byId("files").onchange = () => give(chosen(byId("files")));
byId("target").onchange = showGiven;
byId("clear").onclick = () => {
  items = [];
  trustFile = null;
  byId("answer").hidden = true;
  files.list([]);
  for (const id of ["did", "at", "challenge", "domain", "seek"]) byId(id).value = "";
  believed();
  give([]);
};
byId("trust").onchange = () => {
  trustFile = chosen(byId("trust"))[0]?.file ?? null;
  believed();
  showGiven();
};
byId("print").onclick = () => print();
byId("did").oninput = believed;
byId("verify").onclick = verify;
byId("stop").onclick = () => running?.abort();
// Anywhere: what misses the box would else be opened by the browser, in the place of this page.
const drop = byId("drop");
document.ondragover = (event) => {
  event.preventDefault();
  drop.classList.add("over");
};
document.ondragleave = (event) => {
  if (event.relatedTarget === null) drop.classList.remove("over"); // it left the window
};
document.ondrop = async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const items = event.dataTransfer ? await dropped(event.dataTransfer).catch(() => []) : [];
  if (items.length) give(items);
  else showText("given", pageText("verification.dropped-nothing"));
};
if (location.protocol !== "file:") byId("origin").textContent = pageText("verification.origin", { origin: location.origin });
believed();
if (inside.items.length) {
  byId("carried").hidden = false;
  give([]);
  verify();
}
