/** Whether measured claims come out the same when they are measured again (spec §19.5). */
import { quote } from "../../canon/quoting.js";
import { failed, notApplicable, passed, stated, unchecked, warned } from "../report.js";

const DECIMALS = 6;
const UNIT = 10n ** BigInt(DECIMALS);
const SHARE = new RegExp(`^[0-9]+\\.[0-9]{${DECIMALS}}$`);

/** @typedef {import("../../history/records/meters.js").Recipe} Recipe */

/** What one recipe gave. */
export class Measured {
  /** @param {import("../../history/records/meters.js").Count} counted @param {boolean} share Whether it is a share, written with six decimals. */
  constructor({ hits, total, problem }, share) {
    this.problem = problem;
    this.share = share;
    this.hits = BigInt(hits);
    this.total = BigInt(share && total ? total : 1);
  }

  /** The number as claims write it; half a unit is rounded to the even neighbour. */
  get text() {
    if (!this.share) return String(this.hits);
    const scaled = this.hits * UNIT;
    let units = scaled / this.total;
    const rest = 2n * (scaled % this.total);
    if (rest > this.total || (rest === this.total && units % 2n)) units += 1n;
    return `${units / UNIT}.${String(units % UNIT).padStart(DECIMALS, "0")}`;
  }

  /** @param {string} claimed @returns {"equal" | "within-rounding" | "different" | "unchecked"} */
  agrees(claimed) {
    if (this.problem) return "unchecked";
    const scaled = this.hits * UNIT;
    if (claimed === this.text) return this.share && scaled % this.total ? "within-rounding" : "equal";
    // With fewer decimals it is different: 0 is within the rounding of anything below a half.
    if (!this.share || !SHARE.test(claimed)) return "different";
    const away = BigInt(claimed.replace(".", "")) * this.total - scaled;
    return (away < 0n ? -away : away) < this.total ? "within-rounding" : "different";
  }
}

/** The recipes of a credential's measured claims, in order. @param {any} subject @returns {Recipe[]} */
export const recipesOf = ({ quality = [] }) => quality.flatMap((/** @type {any} */ { recipe }) => recipe ?? []);

/** The claims of quality that no recipe lets anybody measure again. @param {any} subject */
export function checkStated({ quality = [] }) {
  const id = "quality.stated";
  const claims = quality.filter((/** @type {any} */ claim) => claim.recipe === undefined);
  if (!claims.length) return notApplicable(id, "no claim of quality without a recipe");
  const shown = claims.slice(0, 3).map((/** @type {any} */ { metric, value, basis }) => `${quote(metric)}: ${quote(value)}, ${basis}`);
  const more = claims.length > 3 ? `; and ${claims.length - 3} more` : "";
  return stated(id, shown.join("; ") + more, { claims: claims.length });
}

/**
 * Whether each measured claim is what its recipe gives.
 *
 * @param {any} subject
 * @param {Measured[] | null} values What was measured; null: not all files are as listed.
 * @param {boolean} asked Whether there was data to measure, and nobody declined.
 */
export function checkQuality({ quality = [] }, values, asked) {
  const id = "quality";
  const claims = quality.filter((/** @type {any} */ claim) => claim.recipe !== undefined);
  if (!claims.length) return notApplicable(id, "no measured claim");
  const { length } = claims;
  if (!asked) return warned(id, "not-recomputed", "none of its measured claims was recomputed", { claims: length });
  if (values === null) {
    const summary = "nothing to recompute from: not all files are as listed and readable as records";
    return unchecked(id, "incomplete-data", summary, { claims: length });
  }
  const measurements = claims.map((/** @type {any} */ { metric, value, recipe }, /** @type {number} */ at) => ({
    metric,
    claimed: value,
    result: values[at].agrees(value),
    ...(recipe.parameters === undefined ? {} : { parameters: recipe.parameters }),
    ...(values[at].problem ? { problem: values[at].problem } : { found: values[at].text }),
  }));
  const of = (/** @type {string} */ result) => measurements.filter((/** @type {any} */ row) => row.result === result);
  const [wrong] = of("different");
  if (wrong) {
    const summary = `${of("different").length} of ${length} measured claims differ: ${quote(wrong.metric)} is ` +
      `${wrong.found}, not ${quote(wrong.claimed)}`;
    return failed(id, "different", summary, { measurements });
  }
  const [unknown] = of("unchecked");
  if (unknown) return unchecked(id, "unknown-recipe", `${quote(unknown.metric)}: ${unknown.problem}`, { measurements });
  const rounded = of("within-rounding").length;
  const more = rounded ? `, ${rounded} within rounding` : "";
  return passed(id, `measured claims recomputed: ${length - rounded} equal${more}`, { measurements });
}
