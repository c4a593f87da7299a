/** What was compared of a deployed folder before it was signed, in words (spec §14.7.4). */
import { counted } from "../../canon/text.js";
import { quote } from "../../canon/quoting.js";

/**
 * What of a folder's answers was compared with the sealed model's, and how it came out.
 *
 * @param {any} check As the body of the deployment has it; undefined: nobody compared.
 */
export function comparedInWords(check) {
  if (check === undefined) return "nobody compared its answers with those of the sealed model";
  const test = check.testPart;
  let said = `${check.servedBy === undefined ? "what serves it" : quote(check.servedBy)} answered ${share(check)} probe text${check.count === 1 ? "" : "s"}`;
  if (check.comparedTokens !== undefined) {
    said += ` (${check.equalTokens} of ${counted(check.comparedTokens, "token")} alike`;
    said += check.closeTokens ? `, ${check.closeTokens} nearly undecided)` : ")";
  }
  if (test !== undefined) said += ` and ${share(test)} record${test.count === 1 ? "" : "s"} of the locked test part`;
  said += " as the sealed model does";
  if (test !== undefined && test.count > test.agreeing) said += `, ${counted(test.count - test.agreeing, "record")} otherwise`;
  if (check.greatestDifference !== undefined) {
    const most = Math.max(...[check, test].filter((one) => one).map((one) => Number(one.greatestDifference)));
    said += `; probabilities differ by ${most.toFixed(6)} at most`;
  }
  return test !== undefined ? said : `${said}; no record of a test part was asked`;
}

/** @param {{agreeing: number, count: number}} found */
const share = ({ agreeing, count }) => `${agreeing} of ${count}`;
