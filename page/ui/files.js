/** The table of files: what is listed, how far each is hashed, how it ended; a page of it at a time. */
import { countedText, pageText } from "./texts.js";
import { byId, element, grouped, showText } from "./view.js";

const PAGE = 100;
const EVERY = 250;
const GOOD = pageText("verification.file-matches");
const LISTED = pageText("verification.file-listed");
const FILES = ["data.files", "deployment.files"];

/** @typedef {{path: string, bytes: number, blake3: string, state: string, bad: boolean}} Row */

export class Files {
  constructor() {
    /** @type {Row[]} */
    this.rows = [];
    /** @type {Map<string, Row>} */
    this.byPath = new Map();
    this.first = 0;
    this.last = 0;
    byId("earlier").onclick = () => this.turn(-PAGE);
    byId("later").onclick = () => this.turn(PAGE);
    byId("seek").oninput = () => this.turn(-Infinity);
    byId("wrong").onchange = () => this.turn(-Infinity);
  }

  /** Begin with what is listed. @param {{path: string, bytes: number, blake3: string}[]} entries */
  list(entries) {
    this.rows = entries.map(({ path, bytes, blake3 }) => ({ path, bytes, blake3, state: LISTED, bad: false }));
    this.byPath = new Map(this.rows.map((row) => [row.path, row]));
    this.turn(-Infinity);
    byId("files-shown").hidden = this.rows.length === 0;
  }

  /** Note how far a file is hashed. @param {string} path @param {number} done */
  progress(path, done) {
    const row = this.byPath.get(path);
    if (!row) return;
    row.state = pageText("verification.file-hashing", { percent: row.bytes ? Math.floor((100 * done) / row.bytes) : 100 });
    this.soon();
  }

  /** Note the digest of a file. @param {string} path @param {string} digest */
  hashed(path, digest) {
    const row = this.byPath.get(path);
    if (!row) return;
    row.bad = digest !== row.blake3;
    row.state = row.bad ? pageText("verification.file-differs") : GOOD;
    this.soon();
  }

  /** Say of every file what the report says. @param {import("../src/verify/report.js").Report} report */
  settle(report) {
    const { state: outcome = "", detail = {} } = report.checks.find(({ id }) => FILES.includes(id)) ?? {};
    const looked = detail.matching !== undefined || outcome === "pass";
    for (const row of this.rows) [row.state, row.bad] = looked ? [GOOD, false] : [LISTED, false];
    /** @param {string} path @param {string} state */
    const mark = (path, state) => {
      const row = this.byPath.get(path);
      if (row) [row.state, row.bad] = [state, true];
      else this.rows.push({ path, bytes: NaN, blake3: "", state, bad: true });
    };
    for (const { path, reason } of detail.differs ?? []) mark(path, pageText("verification.file-differs-by", { reason }));
    for (const [left, right] of detail.swapped ?? []) {
      mark(left, pageText("verification.file-swapped", { path: right }));
      mark(right, pageText("verification.file-swapped", { path: left }));
    }
    for (const { from, to } of detail.renamed ?? []) mark(from, pageText("verification.file-renamed", { path: to }));
    for (const { from, to } of detail.unicodeForm ?? []) {
      mark(from, pageText("verification.file-unicode"));
      mark(to, pageText("verification.file-unicode-listed"));
    }
    for (const path of detail.missing ?? []) mark(path, pageText("verification.file-missing"));
    for (const path of detail.unreadable ?? []) mark(path, pageText("verification.file-unreadable"));
    for (const path of detail.extra ?? []) mark(path, pageText("verification.file-not-listed"));
    this.rows = [...this.rows.filter((row) => row.bad), ...this.rows.filter((row) => !row.bad)];
    byId("files-shown").hidden = this.rows.length === 0;
    this.turn(-Infinity);
  }

  /** @param {number} by */
  turn(by) {
    this.first = Math.max(0, this.first + by);
    this.show();
  }

  soon() {
    if (performance.now() - this.last >= EVERY) this.show();
  }

  show() {
    this.last = performance.now();
    const sought = byId("seek").value;
    const chosen = this.rows.filter((row) => row.path.includes(sought) && (row.bad || !byId("wrong").checked));
    this.first = Math.min(this.first, Math.floor(Math.max(0, chosen.length - 1) / PAGE) * PAGE);
    const shown = chosen.slice(this.first, this.first + PAGE);
    const looked = this.rows.filter(({ state, bad }) => bad || state === GOOD).length;
    const found = looked ? pageText("verification.files-wrong", { wrong: this.rows.filter(({ bad }) => bad).length }) : pageText("verification.files-not-looked-at");
    const range = shown.length ? pageText("verification.files-range", { first: this.first + 1, last: this.first + shown.length, all: chosen.length }) : pageText("verification.none");
    showText("count", countedText("verification.files-count", this.rows.length, { found, range }));
    byId("earlier").disabled = this.first === 0;
    byId("later").disabled = this.first + PAGE >= chosen.length;
    byId("shards").replaceChildren(...shown.map(rowOf));
  }
}

/** @param {Row} row */
const rowOf = ({ path, bytes, blake3, state, bad }) => element("tr", { "data-path": path },
  element("th", { scope: "row" }, path),
  element("td", { class: bad ? "fail" : state === GOOD ? "pass" : "" }, state),
  element("td", { class: "number" }, Number.isNaN(bytes) ? "" : grouped(bytes)),
  element("td", { class: "digest" }, blake3)); // whole: the style cuts it short for the eye alone
