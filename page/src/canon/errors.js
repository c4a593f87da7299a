/** The one error of this verifier: a stable code and a sentence for people. */
export class Refusal extends Error {
  /**
   * @param {string} kind Stable code, as in the spec and in Python.
   * @param {string} message
   */
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/**
 * Return what a value says, whatever it is: an object without a prototype has no text of its own.
 *
 * @param {any} value
 * @returns {string}
 */
export const spelt = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

/**
 * @param {string} kind
 * @param {string} message
 * @returns {never}
 */
export function refuse(kind, message) {
  throw new Refusal(kind, message);
}

/**
 * What is made, or what stands in its place where it is refused: by default the refusal.
 *
 * @template T
 * @template [R=Refusal]
 * @param {() => T} make
 * @param {(error: Refusal) => R} [otherwise]
 * @returns {T | R}
 */
export function attempt(make, otherwise = (error) => /** @type {any} */ (error)) {
  try {
    return make();
  } catch (error) {
    if (error instanceof Refusal) return otherwise(error);
    throw error;
  }
}
