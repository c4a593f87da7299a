/**
 * Strict JSON in, RFC 8785 out (spec/02-canonical-json.md).
 *
 * `JSON.parse` keeps the last of two members of one name, rounds integers, and accepts lone
 * surrogates: under one signature two readers would see two documents. Objects inherit nothing, so
 * that a member called `__proto__` is a member and nothing else.
 */
import canonicalize from "canonicalize";
import { utf8, text as decode, same } from "./bytes.js";
import { refuse } from "./errors.js";
import { MAX_JSON_BYTES, MAX_JSON_DEPTH } from "../../generated/limits.js";

const ESCAPES = new Map(Object.entries({
  '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t",
}));
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const BLANK = /[ \t\n\r]*/y;

/**
 * Return the value of one JSON text.
 *
 * @param {Uint8Array} bytes
 * @param {{maxBytes?: number, foreign?: boolean, exact?: boolean}} [options] `foreign`: also null and floats; `exact`: numbers as they are written, each a {@link Numeral}.
 * @returns {any}
 */
export function parse(bytes, { maxBytes = MAX_JSON_BYTES, foreign = false, exact = false } = {}) {
  if (bytes.length > maxBytes) refuse("bad-json", `${bytes.length} bytes is more than ${maxBytes}`);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    refuse("bad-json", "starts with a byte-order mark");
  }
  return new Parser(decode(bytes, "bad-json"), foreign, exact).document();
}

/**
 * Return the RFC 8785 bytes of a parsed value.
 *
 * @param {any} value
 */
export function canonical(value) {
  return utf8(/** @type {string} */ (canonicalize(value)));
}

/**
 * Return the value of bytes that must already be canonical.
 *
 * @param {Uint8Array} bytes
 * @param {number} [maxBytes]
 */
export function parseCanonical(bytes, maxBytes) {
  const value = parse(bytes, { maxBytes });
  if (!same(canonical(value), bytes)) refuse("not-canonical", "the JSON is not in canonical form");
  return value;
}

/** @param {any} value @returns {value is {[name: string]: any}} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Whether an object has exactly these members.
 *
 * @param {any} value
 * @param {string[]} names
 */
export function hasExactly(value, names) {
  return isObject(value) && Object.keys(value).length === names.length &&
    names.every((name) => Object.hasOwn(value, name));
}

/** An object that inherits from an empty one: as bare as `Object.create(null)`, at a quarter of its cost. */
const Bare = /** @type {new () => {[name: string]: any}} */ (/** @type {unknown} */ (function Bare() {}));
Bare.prototype = Object.freeze(Object.create(null));

/** @type {[string, any][]} */
const WORDS = [["true", true], ["false", false], ["null", null]];

const MAX_DIGITS = 4300;

/** A number as it is written. */
export class Numeral {
  /** @param {string} text @param {boolean} isInteger Whether it has neither fraction nor exponent. */
  constructor(text, isInteger) {
    this.number = Number(text);
    this.isInteger = isInteger;
    this.text = text;
    if (!isInteger && !Number.isFinite(this.number)) refuse("bad-json", "a number beyond a double's range");
    if (isInteger && text.length > MAX_DIGITS) refuse("bad-json", `an integer of more than ${MAX_DIGITS} digits`);
  }

  /** The shortest decimal digits that give it, without exponent. */
  get digits() {
    if (this.isInteger) return String(BigInt(this.text));
    if (Number.isInteger(this.number) && Math.abs(this.number) < 1e21) return String(BigInt(this.number));
    const [, sign, whole, fraction = "", exponent = "0"] = /** @type {string[]} */ (
      /^(-?)([0-9]+)(?:\.([0-9]+))?(?:e([+-][0-9]+))?$/.exec(String(this.number)));
    const shift = Number(exponent);
    const digits = whole + fraction;
    const point = whole.length + shift;
    if (point >= digits.length) return sign + digits.padEnd(point, "0");
    const padded = digits.padStart(digits.length - Math.min(0, point - 1), "0");
    const at = Math.max(1, point);
    return `${sign}${padded.slice(0, at)}.${padded.slice(at)}`;
  }
}

class Parser {
  /** @param {string} source @param {boolean} foreign @param {boolean} exact */
  constructor(source, foreign, exact) {
    this.source = source;
    this.foreign = foreign;
    this.exact = exact;
    this.at = 0;
  }

  document() {
    const value = this.value(0);
    this.blank();
    if (this.at !== this.source.length) this.fail("something follows the document");
    return value;
  }

  /** @param {number} depth @returns {any} */
  value(depth) {
    this.blank();
    const start = this.source[this.at];
    if (start === "{" || start === "[") {
      if (depth === MAX_JSON_DEPTH) refuse("bad-json", `nested deeper than ${MAX_JSON_DEPTH}`);
      return start === "{" ? this.object(depth) : this.array(depth);
    }
    if (start === '"') return this.string();
    for (const [word, meaning] of WORDS) {
      if (this.source.startsWith(word, this.at)) {
        if (meaning === null && !this.foreign) refuse("bad-json", "null is not used here");
        this.at += word.length;
        return meaning;
      }
    }
    return this.number();
  }

  /** @param {number} depth */
  object(depth) {
    const members = new Bare();
    this.items("}", () => {
      this.blank();
      if (this.source[this.at] !== '"') this.fail("a member needs a name");
      const name = this.string();
      if (Object.hasOwn(members, name)) refuse("bad-json", `member ${shown(name)} occurs twice`);
      this.blank();
      if (this.source[this.at] !== ":") this.fail("a colon is missing");
      this.at += 1;
      members[name] = this.value(depth + 1);
    });
    return members;
  }

  /** @param {number} depth */
  array(depth) {
    /** @type {any[]} */
    const values = [];
    this.items("]", () => values.push(this.value(depth + 1)));
    return values;
  }

  /** @param {string} end @param {() => void} item */
  items(end, item) {
    this.at += 1;
    this.blank();
    if (this.source[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      item();
      this.blank();
      const next = this.source[this.at];
      this.at += 1;
      if (next === end) return;
      if (next !== ",") this.fail("a comma or a bracket is missing");
    }
  }

  string() {
    const parts = [];
    this.at += 1;
    for (;;) {
      let next = this.source[this.at];
      if (next !== "\\" && next !== '"') {
        parts.push(this.match(PLAIN));
        next = this.source[this.at];
      }
      this.at += 1;
      if (next === '"') break;
      if (next !== "\\") this.fail("a string is not closed, or holds a control character");
      parts.push(this.escape());
    }
    const joined = parts.join("");
    if (!joined.isWellFormed()) refuse("bad-json", "a string holds a lone surrogate");
    return joined;
  }

  escape() {
    const letter = this.source[this.at];
    this.at += 1;
    if (letter === "u") {
      const digits = this.source.slice(this.at, this.at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.fail("a bad escape");
      this.at += 4;
      return String.fromCharCode(parseInt(digits, 16));
    }
    return ESCAPES.get(letter) ?? this.fail("a bad escape");
  }

  number() {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.source);
    if (found === null) return this.fail("not a value");
    this.at = NUMBER.lastIndex;
    const number = Number(found[0]);
    if (this.exact) return new Numeral(found[0], found[1] === undefined && found[2] === undefined);
    if (found[1] === undefined && found[2] === undefined) {
      if (found[0] === "-0") refuse("bad-json", "-0 is not an integer here");
      if (!Number.isSafeInteger(number)) refuse("bad-json", "an integer beyond 2^53-1");
    } else if (!this.foreign || !Number.isFinite(number)) {
      refuse("bad-json", "a number that is not an integer; decimals are strings here");
    }
    return number;
  }

  blank() {
    if (this.source.charCodeAt(this.at) <= 0x20) this.match(BLANK); // mostly there is none
  }

  /** @param {RegExp} pattern A sticky one that also matches nothing. */
  match(pattern) {
    pattern.lastIndex = this.at;
    pattern.test(this.source); // ATTACK: a megabyte of escapes. `exec` would make an array for each
    const found = this.source.slice(this.at, pattern.lastIndex);
    this.at = pattern.lastIndex;
    return found;
  }

  /** @param {string} why @returns {never} */
  fail(why) {
    return refuse("bad-json", `not JSON: ${why} at character ${this.at}`);
  }
}

/** @param {string} name */
const shown = (name) => JSON.stringify(name.slice(0, 80));
