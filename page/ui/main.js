/** The page: takes files, verifies them, shows the answer. */
import { text } from "../src/bytes.js";
import { blake3, parseUrn } from "../src/digest.js";
import { parse } from "../src/strictjson.js";
import { Tree } from "../src/tree.js";
import { Trust } from "../src/trust.js";
import { verifyDelivery } from "../src/verify.js";
import { chosen, dropped, sortOut } from "./given.js";
import { Hashing } from "./hashing.js";
import { byId, showFiles, showReport } from "./view.js";

const MAX_CREDENTIAL = (1 << 20) + 1;

/** @type {import("./given.js").Item[]} */
let items = [];
/** @type {File | null} */
let trustFile = null;
const hashing = new Hashing();

/** @param {import("./given.js").Item[]} more */
function give(more) {
  items = [...items, ...more];
  const found = sortOut(items);
  byId("given").textContent = found === null
    ? `${items.length} files, but no credential.json among them.`
    : `A credential, ${found.siblings.length} files beside it, ` +
      `${found.data === null ? "no data" : `${found.data.length} files of data`}.`;
  byId("verify").disabled = found === null;
}

async function readTrust() {
  const did = byId("did").value.trim();
  if (trustFile !== null) return Trust.parse(text(await bytesOf(trustFile, 1 << 20), "bad-trust"));
  return did ? Trust.of(did) : new Trust();
}

/** @param {File} file @param {number} limit */
async function bytesOf(file, limit) {
  return new Uint8Array(await file.slice(0, limit).arrayBuffer());
}

async function verify() {
  const given = sortOut(items);
  if (given === null) return;
  byId("verify").disabled = true;
  byId("answer").hidden = true;
  try {
    const trust = await readTrust();
    const credential = await bytesOf(given.credential, MAX_CREDENTIAL);
    const siblings = new Map();
    for (const { path, file } of given.siblings) siblings.set(path, await bytesOf(file, file.size));
    const meter = new Meter(given.data ?? []);
    const data = given.data === null ? null : given.data.map(({ path, file }) => dataFile(path, file, meter));
    const report = await verifyDelivery(credential, { siblings, data, trust, at: Date.now() });
    meter.end();
    const document = readable(credential);
    showReport(report, document, sibling(siblings, document, "manifest"));
    showFiles(fileRows(siblings, document, report));
  } catch (error) {
    byId("progress").textContent = /** @type {Error} */ (error).message;
  } finally {
    byId("verify").disabled = false;
  }
}

/** @param {string} path @param {File} file @param {Meter} meter @returns {import("../src/verify.js").DataFile} */
function dataFile(path, file, meter) {
  return { path, size: file.size, read: (reader) => hashing.read(file, reader, meter.of(path)) };
}

/** Progress over all files. */
class Meter {
  /** @param {import("./given.js").Item[]} files */
  constructor(files) {
    this.total = files.reduce((sum, { file }) => sum + file.size, 0);
    /** @type {Map<string, number>} */
    this.done = new Map();
    this.sum = 0;
    this.last = 0;
  }

  /** @param {string} path @returns {(bytes: number) => void} */
  of(path) {
    return (bytes) => {
      this.sum += bytes - (this.done.get(path) ?? 0);
      this.done.set(path, bytes);
      const percent = this.total ? Math.floor((this.sum / this.total) * 100) : 100;
      this.say(`hashing: ${percent}% of ${this.total} bytes`);
    };
  }

  /** @param {string} words */
  say(words) {
    // A screen reader would read every change.
    if (performance.now() - this.last < 250) return;
    this.last = performance.now();
    byId("progress").textContent = words;
  }

  end() {
    byId("progress").textContent = "";
  }
}

/** @param {Uint8Array} bytes */
function readable(bytes) {
  try {
    return parse(bytes);
  } catch {
    return null;
  }
}

/** @param {Map<string, Uint8Array>} siblings @param {any} credential @param {string} member */
function sibling(siblings, credential, member) {
  const bytes = find(siblings, credential?.credentialSubject?.[member]);
  return bytes === null ? null : readable(bytes);
}

/** @param {Map<string, Uint8Array>} siblings @param {any} urn */
function find(siblings, urn) {
  try {
    const digest = parseUrn(urn);
    return [...siblings.values()].find((bytes) => blake3(bytes) === digest) ?? null;
  } catch {
    return null;
  }
}

/** @param {Map<string, Uint8Array>} siblings @param {any} credential @param {import("../src/report.js").Report} report */
function fileRows(siblings, credential, report) {
  const bytes = find(siblings, credential?.credentialSubject?.id);
  const check = report.checks.find(({ id }) => id === "data.files");
  const { detail = {} } = check ?? {};
  /** @type {Map<string, string>} */
  const state = new Map();
  for (const { path, reason } of detail.differs ?? []) state.set(path, `differs (${reason})`);
  for (const [left, right] of detail.swapped ?? []) {
    state.set(left, `holds the content of ${right}`).set(right, `holds the content of ${left}`);
  }
  for (const { from, to } of detail.renamed ?? []) state.set(from, `renamed to ${to}`);
  for (const path of detail.missing ?? []) state.set(path, "missing");
  for (const path of detail.unreadable ?? []) state.set(path, "unreadable");
  const extra = (detail.extra ?? []).map((/** @type {string} */ path) => ({ path, bytes: 0, blake3: "", state: "not listed" }));
  let tree = null;
  try {
    tree = bytes === null ? null : Tree.parse(bytes);
  } catch {
    // the check data.tree says why
  }
  const looked = detail.matching !== undefined;
  const rows = (tree?.entries ?? []).map((entry) => ({
    ...entry, state: state.get(entry.path) ?? (looked ? "matches" : "listed"),
  }));
  const wrong = rows.filter((row) => row.state !== "matches" && row.state !== "listed");
  return [...wrong, ...extra, ...rows.filter((row) => !wrong.includes(row))];
}

byId("folder").onchange = () => give(chosen(byId("folder").files));
byId("files").onchange = () => give(chosen(byId("files").files));
byId("clear").onclick = () => {
  items = [];
  trustFile = null;
  byId("answer").hidden = true;
  for (const id of ["folder", "files", "trust", "did"]) byId(id).value = "";
  byId("believed").textContent = "Nobody yet: at best the verdict is “valid”.";
  give([]);
};
byId("trust").onchange = () => {
  trustFile = byId("trust").files[0] ?? null;
  byId("believed").textContent = trustFile ? `Whom ${trustFile.name} names.` : "Nobody yet.";
};
byId("did").oninput = () => {
  byId("believed").textContent = byId("did").value.trim() ? "The key you gave, for everything." : "Nobody yet.";
};
byId("verify").onclick = verify;
const drop = byId("drop");
drop.ondragover = (/** @type {DragEvent} */ event) => {
  event.preventDefault();
  drop.classList.add("over");
};
drop.ondragleave = () => drop.classList.remove("over");
drop.ondrop = async (/** @type {DragEvent} */ event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer) give(await dropped(event.dataTransfer));
};
if (location.protocol !== "file:") byId("origin").textContent = `This copy was loaded from ${location.origin}.`;
