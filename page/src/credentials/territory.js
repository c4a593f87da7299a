/** Limits of terms as people read them: a union where all of its members are there (spec §19.2). */

const EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split(" ");
/** The larger first. @type {[string, Set<string>][]} */
const UNIONS = [["EEA", new Set([...EU, "IS", "LI", "NO"])], ["EU", new Set(EU)]];

/**
 * A territory as people read it. What was written as `EU` is signed as 27 codes, among which nobody
 * sees that one is missing.
 *
 * @param {string[]} codes
 * @returns {string[]}
 */
export function territoryWords(codes) {
  let words = [...new Set(codes)];
  for (const [union, members] of UNIONS) {
    if (![...members].every((code) => words.includes(code))) continue;
    const place = words.findIndex((word) => members.has(word));
    words = [...words.slice(0, place), union, ...words.slice(place).filter((word) => !members.has(word))];
  }
  return words;
}

/** What a limit holds, such as `territory` or `seats`. @param {string} name @param {any} value As a credential states it. @returns {string[]} */
export function limitWords(name, value) {
  const words = (Array.isArray(value) ? value : [value]).map(String);
  return name === "territory" ? territoryWords(words) : words;
}
