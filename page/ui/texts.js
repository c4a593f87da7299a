/** The texts of the pages: `lyrikstore/web/texts.json`, the sections that programs need. */
import texts from "../generated/texts.js";

/** @typedef {{[place: string]: string | number | bigint}} Places */

/**
 * Return a text of the pages.
 *
 * @param {string} name SECTION.KEY.
 * @param {Places} [places] What stands in its places, such as `{name}`.
 */
export const pageText = (name, places = {}) => filled(found(name), places);

/**
 * Return a text that has a form for one and a form for any other number: `{count} file|{count} files`.
 *
 * @param {string} name SECTION.KEY.
 * @param {number | string | bigint} count
 * @param {Places} [places]
 */
export function countedText(name, count, places = {}) {
  const [one, many] = found(name).split("|");
  return filled(Number(count) === 1 ? one : many, { count, ...places });
}

/** @param {string} name */
function found(name) {
  const [section, key] = name.split(".");
  return texts[section][key];
}

/** @param {string} text @param {Places} places */
const filled = (text, places) => text.replace(/\{(\w+)\}/g, (_, place) => String(places[place]));
