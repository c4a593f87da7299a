/** Whether two JSON values are equal; ajv's own function calls methods that the bare objects of the parser lack. */

/** @param {any} left @param {any} right @returns {boolean} */
export default function equal(left, right) {
  if (left === right) return true;
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  const names = Object.keys(left);
  return Array.isArray(left) === Array.isArray(right) && names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && equal(left[name], right[name]));
}
