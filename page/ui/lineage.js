/** The lineage as a drawing, and the same as a list for those who do not see it. */
import { counted } from "../src/canon/text.js";
import { Graph, layout } from "@dagrejs/dagre";
import { element, signed, svg } from "./view.js";

const WIDTH = 210;
const HEIGHT = 44;
const LETTERS = 28;
const MARK = new Map([["signed", "✓"], ["named", "–"], ["refused", "✗"]]);

/** @param {import("../src/verify/delivery/lineage.js").Lineage} lineage */
export function lineageView(lineage) {
  const [here, ...sources] = lineage.steps;
  if (here === undefined) return [element("p", {}, "It names no manifest.")];
  const words = sources.length
    ? `${here.label} was made from ${counted(sources.length, "other")}, as signed manifests say:`
    : here.known === "signed" ? `${here.label} was committed as it is: it names no sources.` : `${here.label}: ${here.note}.`;
  const cut = lineage.cut ? [element("p", {}, `Only the first ${counted(lineage.steps.length, "step is", "steps are")} shown.`)] : [];
  if (!sources.length) return [element("p", {}, words)];
  return [
    element("div", { class: "scroll drawing", tabindex: "0", role: "region", "aria-label": "Lineage, drawn; the list that follows says the same" }, drawing(lineage)),
    element("p", {}, words), ...cut, element("ul", {}, item(lineage, here, "", new Set())),
  ];
}

/** @param {import("../src/verify/delivery/lineage.js").Lineage} lineage */
function drawing({ steps, edges }) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 60, marginx: 4, marginy: 4 });
  for (const step of steps) graph.setNode(step.id, { width: WIDTH, height: HEIGHT });
  edges.forEach(({ from, to }, at) => graph.setEdge(from, to, {}, String(at)));
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const image = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  for (const { v, w, name } of graph.edges()) {
    const [first, ...rest] = graph.edge({ v, w, name }).points ?? [];
    const line = [`M${first?.x} ${first?.y}`, ...rest.map((/** @type {{x: number, y: number}} */ { x, y }) => `L${x} ${y}`)].join(" ");
    image.append(svg("path", { d: line }));
  }
  for (const step of steps) {
    const { x, y } = graph.node(step.id);
    const [left, head] = [x - WIDTH / 2, y - HEIGHT / 2];
    const rounded = step.kind === "dataset" || step.kind === "checkpoint" ? 3 : HEIGHT / 2;
    image.append(
      svg("rect", { x: left, y: head, width: WIDTH, height: HEIGHT, rx: rounded, class: step.known }),
      svg("text", { x: left + 14, y: head + 18 }, clip(step.label)),
      svg("text", { x: left + 14, y: head + 35, class: "quiet" }, `${MARK.get(step.known)} ${clip(step.kind)}`));
  }
  return image;
}

/** @param {string} text */
const clip = (text) => (text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text);

/**
 * One step and, below it, what it was made from; a step that was shown already is only named again.
 *
 * @param {import("../src/verify/delivery/lineage.js").Lineage} lineage
 * @param {import("../src/verify/delivery/lineage.js").Step} step
 * @param {string} role
 * @param {Set<string>} shown
 * @returns {HTMLElement}
 */
function item(lineage, step, role, shown) {
  const words = signed(/** @type {string} */ (MARK.get(step.known)), `${step.kind} ${step.label}${role ? ` as ${role}` : ""}: ${step.note}`);
  const below = shown.has(step.id) ? [] : lineage.edges.filter(({ to }) => to === step.id);
  shown.add(step.id);
  const byId = new Map(lineage.steps.map((one) => [one.id, one]));
  const items = below.map(({ from, role: as }) =>
    item(lineage, /** @type {import("../src/verify/delivery/lineage.js").Step} */ (byId.get(from)), as, shown));
  return element("li", {}, ...words, ...(items.length ? [element("ul", {}, ...items)] : []));
}
