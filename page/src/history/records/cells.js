/**
 * The rows of a CSV text that comes in chunks (spec §9.1), as RFC 4180 has them and
 * nothing looser: what one program repairs, another reads as other cells.
 */
import { refuse } from "../../canon/errors.js";
import { MAX_CELL } from "../../../generated/limits.js";

const RUNS = new Map([[",", /[^",\r\n]*/y], [";", /[^";\r\n]*/y], ["\t", /[^"\t\r\n]*/y]]);
const QUOTED = /[^"\r\n]*/y;

/** @typedef {"row" | "cell" | "bare" | "quoted" | "quote"} State What was read last: the start of a row or of a cell, … a quote within quotes. */

/** A reader of rows. */
export class Cells {
  /**
   * @param {number} maxRow Characters of one row, about; whoever takes it measures exactly.
   * @param {(row: string[]) => void} take
   */
  constructor(maxRow, take) {
    this.maxRow = maxRow;
    this.take = take;
    /** One of those in RUNS; what reads the first row sets it. */
    this.separator = ",";
    /** @type {State} */
    this.state = "row";
    /** @type {string[]} */
    this.row = [];
    this.cell = "";
    this.pairs = 0;
    this.counted = 0;
    this.size = 0;
    this.line = 1;
    this.returned = false; // the last character was a carriage return: a line feed ends the same line
    this.begun = false; // something of the line was read
  }

  /** @param {string} text */
  update(text) {
    for (let at = 0; at < text.length;) {
      const run = this.state === "quoted" ? QUOTED : /** @type {RegExp} */ (RUNS.get(this.separator));
      if (this.state !== "quote") {
        run.lastIndex = at;
        const found = /** @type {RegExpExecArray} */ (run.exec(text))[0];
        at += found.length;
        if (found) {
          this.append(found);
          [this.returned, this.begun] = [false, true];
        }
        if (at === text.length) return;
      }
      this.mark(text[at]);
      at += 1;
    }
  }

  end() {
    if (this.state === "quoted") {
      if (!this.begun && this.line > 1) this.line -= 1;
      this.fail("unexpected end of data");
    }
    if (this.state !== "row") this.endRow();
  }

  /** @param {string} run Characters that mean themselves. */
  append(run) {
    if (this.state === "row" || this.state === "cell") this.state = "bare";
    this.cell += run;
    this.grow(run.length);
    if (this.cell.length <= MAX_CELL) return;
    // The limit counts code points; only a long cell needs counting, and each part of it once.
    this.pairs += (this.cell.slice(this.counted).match(/[\udc00-\udfff]/g) ?? []).length;
    this.counted = this.cell.length;
    if (this.counted - this.pairs > MAX_CELL) this.fail(`field larger than field limit (${MAX_CELL})`);
  }

  /** @param {number} length */
  grow(length) {
    this.size += length;
    if (this.size > this.maxRow) this.fail(`a row is longer than ${this.maxRow} bytes`);
  }

  /** @param {string} character One that may mean something: a quote, a separator, an end of line, or anything after a quote. */
  mark(character) {
    const { state } = this;
    const ends = character === "\n" || character === "\r";
    if (state === "quoted") {
      if (character === '"') this.state = "quote";
      else this.append(character);
    } else if (character === '"' && state === "quote") {
      this.state = "quoted";
      this.append(character);
    } else if (character === '"' && state === "bare") {
      this.append(character);
    } else if (character === '"') {
      this.state = "quoted";
    } else if (character === this.separator) {
      this.endCell();
      this.state = "cell";
    } else if (!ends) {
      this.fail(`'${this.separator}' expected after '"'`);
    } else if (state !== "row") {
      this.endRow();
    }
    this.count(character, ends);
  }

  /** @param {string} character @param {boolean} ends */
  count(character, ends) {
    if (ends && !(character === "\n" && this.returned)) this.line += 1;
    this.returned = character === "\r";
    this.begun = !ends;
  }

  endCell() {
    this.row.push(this.cell);
    [this.cell, this.pairs, this.counted] = ["", 0, 0];
    this.grow(1);
  }

  endRow() {
    this.endCell();
    this.take(this.row);
    [this.row, this.size, this.state] = [[], 0, "row"];
  }

  /** @param {string} why @returns {never} */
  fail(why) {
    return refuse("bad-record", `line ${this.line}: ${why}`);
  }
}
