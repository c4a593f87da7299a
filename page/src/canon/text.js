/** Counts in the words of a message. */

/**
 * Return `1 pack`, `2 packs`, `0 entries`: a count and the noun in its number.
 *
 * @param {number | string | bigint} count
 * @param {string} one The noun for one, with its verb if that changes as well: `pack is`.
 * @param {string} [many] The same for any other number; made from `one` if it is regular.
 */
export function counted(count, one, many) {
  const plural = /[^aeiou]y$/.test(one) ? `${one.slice(0, -1)}ies` : `${one}s`;
  return `${count} ${Number(count) === 1 ? one : many ?? plural}`;
}
