/** Readers, record ids, and the order root over them (spec/09-records.md). */
import { Hasher } from "../../canon/blake3.js";
import { concat, hex, unhex } from "../../canon/bytes.js";
import { attempt, refuse } from "../../canon/errors.js";
import { leafHash, Roots } from "../log/merkle.js";
import { Meters } from "./meters.js";
import { Rows, Table } from "./rows.js";
import { addRow, noStatistics } from "./statistics.js";
import { MAX_RECORD_BYTES, MAX_SIBLING_BYTES } from "../../../generated/limits.js";

export const SALT_BYTES = 16;
export const ID_BYTES = 32;
const CONTEXT = "lyrikstore 2026-11 record id ";
const DOCUMENT = "document/1";
const MAX_RECORDS = MAX_SIBLING_BYTES / SALT_BYTES; // as many salts as a file beside a credential holds
const AT_ONCE = 1 << 14;

/** @param {string} reader Id and version of the reader that gave the bytes. @param {Uint8Array} bytes */
export const recordId = (reader, bytes) => new Hasher(CONTEXT + reader).update(bytes).digest();

/** Record ids, one after another in one block of memory: 32 bytes each, not an object each. */
class Ids {
  /** @param {string} reader */
  constructor(reader) {
    this.reader = reader;
    this.bytes = new Uint8Array(ID_BYTES);
    this.size = 0;
  }

  /** @param {Uint8Array} record The bytes of the next one. */
  add(record) {
    if (record.length > MAX_RECORD_BYTES) refuse("bad-record", `a record is longer than ${MAX_RECORD_BYTES} bytes`);
    if (this.size === MAX_RECORDS * ID_BYTES) refuse("bad-record", `more than ${MAX_RECORDS} records`);
    if (this.size === this.bytes.length) {
      const larger = new Uint8Array(2 * this.size);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(unhex(recordId(this.reader, record)), this.size);
    this.size += ID_BYTES;
  }
}

/** `jsonl/1`: the lines, without their ends. */
class Lines {
  /** @param {Take} take */
  constructor(take) {
    this.take = take;
    /** @type {Uint8Array[]} */
    this.begun = [];
    this.size = 0;
    this.number = 1;
  }

  /** @param {Uint8Array} bytes */
  update(bytes) {
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      this.line(bytes.subarray(start, end));
      start = end + 1;
    }
    const rest = bytes.slice(start);
    this.size += rest.length;
    if (this.size > MAX_RECORD_BYTES + 1) this.fail(`is longer than ${MAX_RECORD_BYTES} bytes`);
    if (rest.length) this.begun.push(rest);
  }

  end() {
    if (this.begun.length) this.line(new Uint8Array());
  }

  /** @param {Uint8Array} last The last part of a line. */
  line(last) {
    const whole = this.begun.length ? concat(...this.begun, last) : last;
    const line = whole.at(-1) === 13 ? whole.subarray(0, -1) : whole;
    if (!line.length) this.fail("is empty");
    if (line.length > MAX_RECORD_BYTES) this.fail(`is longer than ${MAX_RECORD_BYTES} bytes`);
    this.take(line);
    [this.begun, this.size, this.number] = [[], 0, this.number + 1];
  }

  /** @param {string} why @returns {never} */
  fail(why) {
    return refuse("bad-record", `line ${this.number} ${why}`);
  }
}

/** @typedef {import("./rows.js").Cut} Cut */
/** @typedef {import("./rows.js").Take} Take */
/** @typedef {{update: (bytes: Uint8Array) => void, end: () => void}} Reader */
const READERS = new Map(/** @type {[string, new (take: Take) => Reader][]} */ ([
  ["jsonl/1", Lines], ["csv/1", Rows], ["csv/2", Table],
]));

/** Whether the records of a reader are JSON objects. @param {string} reader */
export const isOfRows = (reader) => reader === "jsonl/1" || reader === "csv/2";

/** Whether this verifier has a reader. @param {string} reader */
export const hasReader = (reader) => reader === DOCUMENT || READERS.has(reader);

/** The ids of one file's records, and what is counted in them, while its bytes pass. */
export class Records {
  /** @param {Reading} reading With a reader that it has. */
  constructor({ reader, recipes, roles }) {
    this.ids = new Ids(reader);
    this.meters = new Meters(recipes);
    this.roles = roles;
    this.statistics = roles && noStatistics();
    const Reader = READERS.get(reader);
    this.reader = Reader ? new Reader((record, cut) => this.add(record, cut)) : null;
    this.problem = "";
  }

  /** @param {Uint8Array} record @param {Cut} [cut] */
  add(record, cut) {
    this.ids.add(record);
    if (this.roles && this.statistics) addRow(this.statistics, this.roles, record);
    if (!this.meters.any) return;
    this.meters.text(cut ? cut.text() : record);
    this.meters.end(cut && !cut.members ? null : record);
  }

  /** @param {Uint8Array} bytes */
  update(bytes) {
    if (!this.reader) this.meters.text(bytes);
    else if (!this.problem) this.attempt(() => this.reader?.update(bytes));
  }

  /** @param {string} digest Of the whole file: of a document its record's bytes. @returns {RecordIds} */
  end(digest) {
    const { reader } = this;
    if (!reader) {
      this.ids.add(unhex(digest));
      this.meters.end(null);
    } else if (!this.problem) this.attempt(() => reader.end());
    const ids = this.problem ? new Uint8Array() : this.ids.bytes.slice(0, this.ids.size);
    return { ids, problem: this.problem, counts: this.meters.counts, statistics: this.statistics };
  }

  /** @param {() => void} run */
  attempt(run) {
    attempt(run, ({ message }) => { this.problem = message; });
  }
}

/** @typedef {{reader: string, recipes: import("./meters.js").Recipe[], roles: import("./statistics.js").Roles | null}} Reading How files are records, and what is counted in them; `roles`: of rows that are measured. */
/** @typedef {{ids: Uint8Array, problem: string, counts: (import("./meters.js").Count | null)[], statistics: import("./statistics.js").Statistics | null}} RecordIds `problem`: why the file has no records, or nothing; `counts`: recipe by recipe. */

/**
 * Return the order root over the record ids of files.
 *
 * @param {Uint8Array[]} files The record ids of each, in storage order.
 * @param {Uint8Array} salts 16 bytes for each record.
 * @param {AbortSignal} [signal]
 */
export async function orderRoot(files, salts, signal) {
  const tree = new Roots();
  let position = 0;
  for (const ids of files) {
    for (let at = 0; at < ids.length; at += ID_BYTES) {
      const salt = salts.subarray(position * SALT_BYTES, (position + 1) * SALT_BYTES);
      tree.add(leafHash(concat(salt, ids.subarray(at, at + ID_BYTES))));
      position += 1;
      if (position % AT_ONCE === 0) {
        await new Promise((resolve) => setTimeout(resolve)); // a page must still answer
        signal?.throwIfAborted();
      }
    }
  }
  return hex(tree.root());
}
