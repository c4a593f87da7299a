/** Regular expressions that take linear time (RE2), in the place of JavaScript's own; see generate.mjs. */
import { RE2JS } from "re2js";

const MAX_PATTERN = 4096;

export class RegExp {
  /** @param {string} pattern */
  constructor(pattern) {
    if (pattern.length > MAX_PATTERN) throw new Error("the pattern is too long");
    this.compiled = RE2JS.compile(pattern);
  }

  /** @param {string} text */
  test(text) {
    return this.compiled.matcher(text).find();
  }
}
