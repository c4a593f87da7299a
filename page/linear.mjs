/**
 * Regular expressions that take linear time (RE2), in the place of JavaScript's own; see generate.mjs.
 * They get patterns of the grammar of src/w3c/profile/schema/limits.js, and mean by them what JavaScript means.
 */
import { RE2JS } from "re2js";

const SPACES = String.raw`\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const OTHERS = String.raw`\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}` +
  String.raw`\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`;

/** @type {Map<string, RE2JS>} */
let taken = new Map();

/** Compile the patterns of a schema, each once; throws if there is one that cannot be. @param {Iterable<string>} patterns */
export function take(patterns) {
  taken = new Map([...patterns].map((pattern) => [pattern, RE2JS.compile(translated(pattern))]));
}

export class RegExp {
  /** @param {string} pattern */
  constructor(pattern) {
    this.compiled = /** @type {RE2JS} */ (taken.get(pattern));
  }

  /** @param {string} text */
  test(text) {
    return this.compiled.matcher(text).find();
  }
}

/** @param {string} pattern */
function translated(pattern) {
  let listing = false; // within [ and ]
  return pattern.replace(/\\u([0-9A-Fa-f]{4})|\\[^]|[[\].]/g, (token, code) => {
    if (code) return `\\x{${code}}`;
    if (token === "[" || token === "]") listing = token === "[";
    if (token === "." && !listing) return String.raw`[^\n\r\x{2028}\x{2029}]`;
    if (token !== "\\s" && token !== "\\S") return token;
    const members = token === "\\s" ? SPACES : OTHERS;
    return listing ? members : `[${members}]`;
  });
}
