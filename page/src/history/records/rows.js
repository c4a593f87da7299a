/** Readers of tables: `csv/1` and `csv/2` (spec §9.1). */
import { utf8 } from "../../canon/bytes.js";
import { Cells } from "./cells.js";
import { counted } from "../../canon/text.js";
import { quote } from "../../canon/quoting.js";
import { refuse } from "../../canon/errors.js";
import { MAX_RECORD_BYTES } from "../../../generated/limits.js";

const SEPARATORS = [",", ";", "\t"];
const WHITE = /[\s\x85]/; // what §12.2.2 calls white space
const END = /[\r\n]/;

/** @typedef {{text: () => Uint8Array, members: boolean}} Cut `text`: of a record that is not its own text; `members`: whether the record is a JSON object. */
/** @typedef {(record: Uint8Array, cut?: Cut) => void} Take Without a cut the record is a line. */

/** A text that is decoded while its bytes pass. */
class Text {
  constructor() {
    this.decoder = new TextDecoder("utf-8", { fatal: true }); // skips one byte-order mark
    this.cells = new Cells(MAX_RECORD_BYTES, (row) => this.row(row));
  }

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.text(this.decode(bytes, true));
  }

  end() {
    this.text(this.decode(new Uint8Array(), false));
    this.cells.end();
  }

  /** @param {string} text */
  text(text) {
    this.cells.update(text);
  }

  /** @param {string[]} _row */
  row(_row) {}

  /** @param {Uint8Array} bytes @param {boolean} stream */
  decode(bytes, stream) {
    try {
      return this.decoder.decode(bytes, { stream });
    } catch {
      return refuse("bad-record", `not UTF-8 after line ${this.cells.line - 1}`);
    }
  }
}

/** `csv/1`: the rows that are not empty, as canonical arrays of their cells. */
export class Rows extends Text {
  /** @param {Take} take */
  constructor(take) {
    super();
    this.take = take;
  }

  /** @override @param {string[]} row */
  row(row) {
    this.take(utf8(JSON.stringify(row)), { text: () => utf8(row.join(" ")), members: false });
  }
}

/** `csv/2`: the rows below the header, as canonical objects of the cells that are not empty. */
export class Table extends Text {
  /** @param {Take} take */
  constructor(take) {
    super();
    this.take = take;
    /** The first line that is not empty, as far as it was read; null once it names the separator. @type {string[] | null} */
    this.first = [];
    this.length = 0;
    /** Of the columns, in the order of the file. @type {string[] | null} */
    this.names = null;
    /** The columns in the order of the canonical form. @type {[number, string][]} */
    this.order = [];
  }

  /** @override */
  end() {
    this.text(this.decode(new Uint8Array(), false));
    this.begin();
    this.cells.end();
  }

  /** @override @param {string} text */
  text(text) {
    if (this.first === null) return this.cells.update(text);
    let at = 0;
    while (!this.length && at < text.length && END.test(text[at])) at += 1;
    this.cells.update(text.slice(0, at)); // empty lines are no rows, whatever separates cells
    const rest = text.slice(at);
    const end = rest.search(END);
    this.first.push(rest);
    this.length += rest.length;
    if (end >= 0) this.begin(this.length - rest.length + end);
    else if (this.length > MAX_RECORD_BYTES) this.cells.fail(`a row is longer than ${MAX_RECORD_BYTES} bytes`);
  }

  /** Learn the separator from the first line, and read on. @param {number} [end] Where the line ends in what was read. */
  begin(end) {
    if (this.first === null) return;
    const text = this.first.join("");
    this.first = null;
    const outside = text.slice(0, end).split('"').filter((_, at) => at % 2 === 0).join("");
    const counts = SEPARATORS.map((separator) => outside.split(separator).length);
    this.cells.separator = SEPARATORS[counts.indexOf(Math.max(...counts))];
    this.cells.update(text);
  }

  /** @override @param {string[]} row */
  row(row) {
    if (row.every((cell) => cell === "")) return;
    if (this.names === null) return this.header(row);
    const { names } = this;
    if (row.length !== names.length) this.cells.fail(`${counted(row.length, "cell")} where the header has ${names.length}`);
    if (row.some((cell, at) => cell !== "" && names[at] === "")) this.cells.fail("a cell with content in a column without a name");
    const filled = this.order.filter(([at]) => row[at] !== "");
    const members = filled.map(([at, name]) => `${name}:${JSON.stringify(row[at])}`);
    this.take(utf8(`{${members.join(",")}}`), { text: () => utf8(filled.map(([at]) => row[at]).join(" ")), members: true });
  }

  /** @param {string[]} row */
  header(row) {
    this.names = row.map(trimmed);
    const seen = new Set();
    for (const name of this.names) {
      if (name !== "" && seen.has(name)) this.cells.fail(`the header names ${quote(name)} twice`);
      seen.add(name);
    }
    this.order = [...this.names.entries()]
      .sort(([, left], [, right]) => left < right ? -1 : Number(left > right))
      .map(([at, name]) => [at, JSON.stringify(name)]);
  }
}

/** Without white space at the ends; an expression would take the square of a long run of it. @param {string} cell */
function trimmed(cell) {
  let [start, end] = [0, cell.length];
  while (start < end && WHITE.test(cell[start])) start += 1;
  while (end > start && WHITE.test(cell[end - 1])) end -= 1;
  return cell.slice(start, end);
}
