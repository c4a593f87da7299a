/** What goes wrong under one check, collected line by line, until the check is closed. */
import { failed, passed, unchecked, warned } from "./report.js";
import { MAX_NAMED } from "../../generated/limits.js";

/** @typedef {import("./report.js").Check} Check */

export class Problems {
  /** @param {string} check Id of the check. */
  constructor(check) {
    this.check = check;
    /** What fails it. @type {string[]} */
    this.bad = [];
    /** What could not be looked at. @type {string[]} */
    this.lost = [];
    /** What is only worth a warning. @type {string[]} */
    this.warnings = [];
    /** Stable codes. @type {Map<string, string>} */
    this.codes = new Map();
  }

  /** Add what has a code of its own, to one of the lists of this object. @param {string[]} to @param {string} code @param {string} text */
  add(to, code, text) {
    to.push(text);
    if (!this.codes.has(text)) this.codes.set(text, code);
  }

  /**
   * Return the check: failed, unchecked, warned, or passed with `summary`. Its reason is the code of the
   * first problem, if that has one.
   *
   * @param {string} summary
   * @param {object} detail
   * @returns {Check}
   */
  close(summary, detail) {
    const [first] = [this.bad, this.lost, this.warnings].find((found) => found.length) ?? [];
    if (first === undefined) return passed(this.check, summary, detail);
    const code = this.codes.get(first) ?? (this.bad.length ? "problems" : this.lost.length ? "lost" : "noted");
    const naming = (/** @type {string[]} */ problems) => ({ ...detail, problems: problems.slice(0, MAX_NAMED) });
    if (this.bad.length) {
      const found = [...this.bad, ...this.lost];
      return failed(this.check, code, someOf(found), naming(found));
    }
    if (this.lost.length) return unchecked(this.check, code, someOf(this.lost), naming(this.lost));
    return warned(this.check, code, `${summary}; ${someOf(this.warnings)}`, naming(this.warnings));
  }
}

/** @param {string[]} problems */
function someOf(problems) {
  const shown = problems.slice(0, 3).map((problem) => problem.slice(0, 200)).join("; ");
  return problems.length > 3 ? `${shown}; and ${problems.length - 3} more` : shown;
}
