/** A record as a reviewer sees it: its fields, with spans and words highlighted; text only. */
import { visible } from "../../src/canon/quoting.js";
import { compare } from "../../src/review/decisions.js";
import { pageText } from "../texts.js";
import { element } from "../view.js";

/** @typedef {import("../../src/review/queue.js").Item} Item */

/** The fields of a record, its text first. @param {Item} item @param {string} text The field that is the text. @param {string[]} words Highlighted, whatever their case. */
export function recordOf(item, text, words) {
  const names = Object.keys(item.fields).sort((left, right) => Number(right === text) - Number(left === text) || compare(left, right));
  return names.flatMap((name) => [
    element("h3", {}, name),
    element("p", { class: "record" }, ...marked(item.fields[name], name === text ? item.spans : [], words)),
  ]);
}

/** @param {string} text @param {[number, number, string][]} spans @param {string[]} words @returns {Node[]} */
function marked(text, spans, words) {
  const letters = Array.from(text); // spans count code points
  /** @type {[number, number, string][]} */
  const all = [...spans];
  const lower = letters.map((one) => one.toLowerCase());
  for (const word of words.filter(Boolean)) {
    const wanted = Array.from(word.toLowerCase());
    for (let from = 0; from + wanted.length <= lower.length; from++) {
      if (wanted.every((one, at) => lower[from + at] === one)) all.push([from, from + wanted.length, ""]);
    }
  }
  const shown = (/** @type {number} */ from, /** @type {number} */ to) => lines(letters.slice(from, to).join(""));
  /** @type {Node[]} */
  const nodes = [];
  let done = 0;
  for (const [start, end, label] of all.sort((left, right) => left[0] - right[0] || right[1] - left[1])) {
    if (start < done) continue; // spans that overlap: the first one is shown
    nodes.push(...shown(done, start), element("mark", label ? { title: visible(label) } : {}, ...shown(start, end)),
      ...(label ? [element("span", { class: "badge" }, label)] : []));
    done = end;
  }
  return [...nodes, ...shown(done, letters.length)];
}

/** Lines as such; all else that does not show is spelt out. @param {string} text @returns {Node[]} */
const lines = (text) => text.split(/\r?\n/).flatMap((line, at) => [
  ...(at ? [document.createElement("br")] : []), document.createTextNode(line.split("\t").map(visible).join("\u2003")),
]);

/** Labels, or nothing. @param {string[]} labels */
export const shownLabels = (labels) => (labels.length ? labels.join(", ") : pageText("review.nothing"));
