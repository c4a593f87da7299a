/** The drawing of a lineage page: nodes that are links, walked by arrow keys. The list on the page says the same. */
import { drawing } from "./drawing.js";
import { walkable } from "./walk.js";
import { byId, element } from "../view.js";

/**
 * The data of the page, made in lyrikstore/explorer/views/lineage.py.
 *
 * @typedef {{id: string, label: string, note: string, state: string, href: string, more: string}} Shown
 * @typedef {{from: string, to: string, words: string[]}} Edge
 * @typedef {{centre: string, nodes: Shown[], edges: Edge[], words: {[key: string]: string}}} Data
 */

const SMALL = "(max-width: 48rem)";
const STEPS = [0.4, 0.55, 0.75, 1, 1.35, 1.8];

const list = byId("lineage");
const data = /** @type {Data} */ (JSON.parse(byId("lineage-data").textContent ?? ""));
const { image, places, width, height } = drawing(data);
const frame = element("div", { class: "scroll drawing" }, image);
const zoom = ["smaller", "larger", "fit"].map((key) => element("button", { type: "button", "data-zoom": key }, data.words[key] ?? key));
const figure = element("figure", { id: "drawing" },
  element("figcaption", { id: "drawing-name" }, data.words.drawn ?? ""), element("div", { class: "choose" }, ...zoom),
  frame, element("p", { class: "quiet" }, `${data.words.keys} ${data.words.legend}`));
// On a small screen the list is what people read: it comes first.
if (matchMedia(SMALL).matches) list.after(figure);
else list.before(figure);

let step = STEPS.indexOf(1);

/** @param {number} scale */
function scaleTo(scale) {
  image.setAttribute("width", String(Math.round(width * scale)));
  image.setAttribute("height", String(Math.round(height * scale)));
  const centre = places.get(data.centre);
  if (!centre) return;
  frame.scrollLeft = centre.x * scale - frame.clientWidth / 2;
  frame.scrollTop = centre.y * scale - frame.clientHeight / 2;
}

for (const button of zoom) {
  button.addEventListener("click", () => {
    const key = button.dataset.zoom;
    if (key === "fit") return scaleTo(Math.min(1, frame.clientWidth / width));
    step = Math.max(0, Math.min(STEPS.length - 1, step + (key === "larger" ? 1 : -1)));
    scaleTo(STEPS[step] ?? 1);
  });
}
walkable(image, data, places);
// As large as it can be read, and as small as it must be to be seen whole.
scaleTo(Math.max(0.7, Math.min(1, frame.clientWidth / width)));
