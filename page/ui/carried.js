/** What this copy of the page carries: files that `lyrikstore page --with` put into it. */
import { unbase64 } from "../src/canon/bytes.js";
import { byId } from "./view.js";

/** @typedef {import("./given.js").Item} Item */

/** @returns {{items: Item[], trust: File | null}} */
export function carried() {
  const stated = JSON.parse(byId("with").textContent);
  if (stated === null) return { items: [], trust: null };
  const file = (/** @type {string} */ name, /** @type {string} */ text) => new File([unbase64(text, "bad-page")], name);
  const items = Object.entries(stated.files).map(([path, text]) => ({ path, file: file(path, text) }));
  return { items, trust: stated.trust === undefined ? null : file("trust.toml", stated.trust) };
}
