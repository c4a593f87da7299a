/** Foreign text, made safe to be shown. */
import { spelt } from "./errors.js";

/** What Unicode calls control, format, surrogate, private, unassigned, ignorable, or a separator other than the space. */
export const UNSEEN = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/** Text that a report can show as it is. @param {any} text @returns {string | null} */
export const printable = (text) => (typeof text === "string" && /^[ -~]{1,300}$/.test(text) ? text : null);
/** @param {any} text @returns {string | null} */
export const printableDid = (text) => (printable(text)?.startsWith("did:") ? text : null);

/**
 * Return foreign text safe for one line: a name inside a credential must not repaint the verdict.
 *
 * @param {unknown} value
 * @param {number} limit
 */
export function quote(value, limit = 80) {
  const whole = Array.from(spelt(value));
  return `'${visible(whole.slice(0, limit).join(""))}${whole.length > limit ? "…" : ""}'`;
}

/**
 * Return a text with everything spelt out that does not show, or turns around what stands beside it.
 *
 * @param {string} text
 */
export const visible = (text) => text.replace(UNSEEN, escaped);

/** @param {string} character */
function escaped(character) {
  const line = "\t\n\r".indexOf(character);
  if (line >= 0) return `\\${"tnr"[line]}`;
  const digits = /** @type {number} */ (character.codePointAt(0)).toString(16);
  if (digits.length <= 2) return `\\x${digits.padStart(2, "0")}`;
  return digits.length <= 4 ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}

/** @param {string[]} names @param {number} limit */
export function nameSome(names, limit = 3) {
  const shown = names.slice(0, limit).map((name) => quote(name)).join(", ");
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}
