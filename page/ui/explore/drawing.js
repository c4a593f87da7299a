/** The layout of a lineage, and its shapes: boxes with whole names, and lines with the role of each input. */
import { Graph, layout } from "@dagrejs/dagre";
import { svg } from "../view.js";

const PAD = 9;
const LINE = 15;
const MAX_LINES = 14;
const pen = document.createElement("canvas").getContext("2d");

/**
 * @typedef {import("./main.js").Data} Data
 * @typedef {{x: number, y: number, width: number, height: number}} Place
 */

/** @param {string} text */
function wide(text) {
  if (!pen) return text.length * 7;
  pen.font = `600 12px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width * 1.04;
}

/**
 * The lines of a text, broken after a separator, or anywhere in a part that is too long.
 *
 * @param {string} text @param {number} room
 */
export function lines(text, room) {
  const found = [""];
  for (const part of text.match(/[^/._:,\s-]*[/._:,\s-]?/g) ?? []) {
    for (const piece of wide(part) > room ? [...part] : [part]) {
      const last = /** @type {string} */ (found.at(-1));
      if (last && wide(last + piece) > room) found.push(piece);
      else found[found.length - 1] = last + piece;
    }
  }
  return found.length > MAX_LINES ? [...found.slice(0, MAX_LINES - 1), "…"] : found;
}

/** @param {Data} data */
export function drawing({ centre, nodes, edges }) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 36, edgesep: 8, marginx: 6, marginy: 6 });
  const room = 190;
  const texts = new Map(nodes.map((one) => {
    const said = [one.note, one.more].filter(Boolean).flatMap((text) => lines(text, room));
    return [one.id, { name: lines(one.label, room), said }];
  }));
  for (const [id, { name, said }] of texts) {
    graph.setNode(id, { width: room + 2 * PAD, height: 2 * PAD + (name.length + said.length) * LINE });
  }
  edges.forEach(({ from, to, words }, at) => {
    const width = Math.max(0, ...words.map(wide));
    graph.setEdge(from, to, { width: width + 8, height: words.length * LINE, labelpos: "c" }, String(at));
  });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const image = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-labelledby": "drawing-name" });
  const labels = svg("g", { "aria-hidden": "true" }); // above all lines
  edges.forEach(({ from, to, words }, at) => {
    const { points = [], x = 0, y = 0 } = graph.edge({ v: from, w: to, name: String(at) });
    const group = svg("g", { "data-from": from, "data-to": to, "aria-hidden": "true" });
    group.append(svg("path", { class: "edge", d: curved(points) }), tip(points));
    image.append(group);
    words.forEach((text, row) => labels.append(svg("text", {
      x, y: y + (row - words.length / 2) * LINE + LINE - 4, class: "quiet haloed", "text-anchor": "middle",
    }, text)));
  });
  image.append(labels);
  /** @type {Map<string, Place>} */
  const places = new Map();
  for (const one of nodes) {
    const place = graph.node(one.id);
    places.set(one.id, place);
    const [left, head] = [place.x - place.width / 2, place.y - place.height / 2];
    const kind = one.id === centre ? `here ${one.state}` : one.state;
    const link = svg("a", { href: one.href, "data-id": one.id, tabindex: one.id === centre ? 0 : -1 });
    link.append(svg("rect", { x: left, y: head, width: place.width, height: place.height, rx: 4, class: `box ${kind}` }));
    const { name, said } = /** @type {{name: string[], said: string[]}} */ (texts.get(one.id));
    // What is seen is what is heard: a space after each text, and none within a name.
    [...name, ...said].forEach((text, row) => link.append(svg("text", {
      x: left + PAD, y: head + PAD + row * LINE + 11, class: row < name.length ? "strong" : "quiet",
    }, text), row < name.length - 1 || text.endsWith(" ") ? "" : " "));
    image.append(link);
  }
  return { image, places, width, height };
}

/** @typedef {{x: number, y: number}} Point */

/** A smooth line through the points of the layout. @param {Point[]} points */
function curved(points) {
  const [first, ...rest] = points;
  if (!first) return "";
  let line = `M${round(first.x)} ${round(first.y)}`;
  rest.forEach((point, at) => {
    const next = rest[at + 1];
    if (!next) line += ` L${round(point.x)} ${round(point.y)}`;
    else line += ` Q${round(point.x)} ${round(point.y)} ${round((point.x + next.x) / 2)} ${round((point.y + next.y) / 2)}`;
  });
  return line;
}

/** The arrow head at the end of a line. @param {Point[]} points */
function tip(points) {
  const end = points.at(-1) ?? { x: 0, y: 0 };
  const before = points.at(-2) ?? end;
  const turn = Math.atan2(end.y - before.y, end.x - before.x);
  const corner = (/** @type {number} */ by) =>
    `${round(end.x - 8 * Math.cos(turn + by))} ${round(end.y - 8 * Math.sin(turn + by))}`;
  return svg("path", { class: "tip", d: `M${round(end.x)} ${round(end.y)} L${corner(0.45)} L${corner(-0.45)} Z` });
}

const round = (/** @type {number} */ value) => Math.round(value * 10) / 10;
