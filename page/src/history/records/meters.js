/** What is counted in the records of one file, while its bytes pass (spec §19.5). */
import { attempt } from "../../canon/errors.js";
import { isObject, parse } from "../../canon/json.js";

/** @typedef {{use: string, parameters?: {[name: string]: string}}} Recipe */
/** @typedef {{hits: number, total: number, problem: string}} Count `problem`: why there is no number, or nothing. */

/** Whether a byte is white space. @param {number} byte */
const isBlank = (byte) => byte === 32 || (byte >= 9 && byte <= 13);

/** Counts one thing. */
class Meter {
  /** @param {{[name: string]: string}} parameters */
  constructor(parameters) {
    this.parameters = parameters;
    this.hits = 0;
    this.total = 0;
    this.problem = "";
  }

  /** Look at a chunk of a record's text. @param {Uint8Array} _chunk */
  text(_chunk) {}

  /** Learn that a record has ended. */
  end() {}
}

class EmptyRecords extends Meter {
  full = false;

  /** @override @param {Uint8Array} chunk */
  text(chunk) {
    this.full ||= !chunk.every(isBlank);
  }

  /** @override */
  end() {
    this.total += 1;
    this.hits += Number(!this.full);
    this.full = false;
  }
}

class Words extends Meter {
  inside = false; // a word goes on from chunk to chunk

  /** @override @param {Uint8Array} chunk */
  text(chunk) {
    let { inside, hits } = this;
    for (let at = 0; at < chunk.length; at += 1) {
      const blank = isBlank(chunk[at]);
      if (inside === blank) {
        inside = !blank;
        hits += Number(inside);
      }
    }
    [this.inside, this.hits] = [inside, hits];
  }

  /** @override */
  end() {
    this.inside = false;
  }
}

class Characters extends Meter {
  decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  /** @override @param {Uint8Array} chunk */
  text(chunk) {
    this.decode(chunk, true);
    let { hits } = this;
    for (let at = 0; at < chunk.length; at += 1) hits += Number((chunk[at] & 0xc0) !== 0x80);
    this.hits = hits;
  }

  /** @override */
  end() {
    this.decode(new Uint8Array(), false);
  }

  /** @param {Uint8Array} chunk @param {boolean} stream */
  decode(chunk, stream) {
    try {
      this.decoder.decode(chunk, { stream });
    } catch {
      this.problem = "a record is not UTF-8";
    }
  }
}

/** Counts in the members of records that are JSON objects. */
class FieldMeter extends Meter {
  /** @param {{[name: string]: any} | null} members Or null of a record that is no such. */
  members(members) {
    if (members === null) this.problem = "a record is not a line with one JSON object";
    else this.hits += Number(this.hit(members[this.parameters.field]));
    this.total += 1;
  }

  /** @param {any} _value @returns {boolean} */
  hit(_value) {
    return false;
  }
}

class MissingFields extends FieldMeter {
  /** @override @param {any} value */
  hit(value) {
    return value === undefined || value === null || value === "";
  }
}

class FieldValues extends FieldMeter {
  /** @override @param {any} value */
  hit(value) {
    return value === this.parameters.value;
  }
}

const METERS = new Map(/** @type {[string, typeof Meter][]} */ ([
  ["emptyRate/1", EmptyRecords],
  ["wordCount/1", Words],
  ["characterCount/1", Characters],
  ["missingFieldRate/1", MissingFields],
  ["fieldShare/1", FieldValues],
]));

/** All that is to be counted in one file's records. */
export class Meters {
  /** @param {Recipe[]} recipes Of those that count nothing in records there is no count. */
  constructor(recipes) {
    this.slots = recipes.map(({ use, parameters = {} }) => {
      const Kind = METERS.get(use);
      return Kind ? new Kind(parameters) : null;
    });
    this.all = this.slots.filter((meter) => meter !== null);
    this.fields = this.all.filter((meter) => meter instanceof FieldMeter);
  }

  /** Whether there is anything to count. */
  get any() {
    return this.all.length > 0;
  }

  /** @param {Uint8Array} chunk A chunk of a record's text. */
  text(chunk) {
    for (const meter of this.all) meter.text(chunk);
  }

  /** A record has ended. @param {Uint8Array | null} line If it is one. */
  end(line) {
    if (this.fields.length) {
      const members = line && membersOf(line);
      for (const meter of this.fields) meter.members(members);
    }
    for (const meter of this.all) meter.end();
  }

  /** @returns {(Count | null)[]} Recipe by recipe. */
  get counts() {
    return this.slots.map((meter) => meter && { hits: meter.hits, total: meter.total, problem: meter.problem });
  }
}

/** @param {Uint8Array} line */
const membersOf = (line) => attempt(() => {
  const value = parse(line, { maxBytes: line.length, foreign: true });
  return isObject(value) ? value : null;
}, () => null);
