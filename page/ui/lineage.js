/** The lineage as a drawing, and the same as a list for those who do not see it. */
import { Graph, layout } from "@dagrejs/dagre";
import { countedText, pageText } from "./texts.js";
import { element, signed, svg } from "./view.js";

const WIDTH = 220;
const LINE = 16;
/** So many letters go into a line: those of the font are at most that wide. */
const LETTERS = 26;
const MARK = new Map([["signed", "✓"], ["named", "–"], ["refused", "✗"]]);

/** @param {import("../src/verify/delivery/lineage.js").Lineage} lineage */
export function lineageView(lineage) {
  const [here, ...sources] = lineage.steps;
  if (here === undefined) return [element("p", {}, pageText("verification.lineage-none"))];
  const { label, known, note } = here;
  if (!sources.length) return [element("p", {}, known === "signed" ? pageText("verification.lineage-committed", { label }) : `${label}: ${note}.`)];
  return [
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": pageText("verification.lineage-drawn") }, drawing(lineage)),
    element("p", {}, countedText("verification.lineage-made", sources.length, { label })),
    ...(lineage.cut ? [element("p", {}, countedText("verification.lineage-cut", lineage.steps.length))] : []),
    element("ul", {}, item(lineage, here, "", new Set())),
  ];
}

/** @param {import("../src/verify/delivery/lineage.js").Lineage} lineage */
function drawing({ steps, edges }) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 60, marginx: 4, marginy: 4 });
  const lines = new Map(steps.map((step) => [step.id, lined(step.label)]));
  for (const { id } of steps) graph.setNode(id, { width: WIDTH, height: (1.8 + (lines.get(id)?.length ?? 0)) * LINE });
  edges.forEach(({ from, to }, at) => graph.setEdge(from, to, {}, String(at)));
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const image = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
  for (const { v, w, name } of graph.edges()) {
    const [first, ...rest] = graph.edge({ v, w, name }).points ?? [];
    const line = [`M${first?.x} ${first?.y}`, ...rest.map((/** @type {{x: number, y: number}} */ { x, y }) => `L${x} ${y}`)].join(" ");
    image.append(svg("path", { d: line, class: "edge" }));
  }
  for (const { id, kind, known } of steps) {
    const { x, y, height: tall } = graph.node(id);
    const [left, top] = [x - WIDTH / 2, y - tall / 2];
    const rounded = kind === "dataset" || kind === "checkpoint" ? 3 : tall / 2;
    const words = [...lines.get(id) ?? [], `${MARK.get(known)} ${kind}`];
    image.append(svg("rect", { x: left, y: top, width: WIDTH, height: tall, rx: rounded, class: `box ${known}` }),
      ...words.map((one, at) => svg("text", { x: left + 20, y: top + LINE * (1.2 + at), ...(at === words.length - 1 ? { class: "quiet" } : {}) }, one)));
  }
  return image;
}

/** A name as lines, whole; cut after a sign that parts words, if there is one. @param {string} text */
const lined = (text) => text.match(new RegExp(`.{1,${LETTERS}}$|.{1,${LETTERS - 1}}[-/._ ]|.{1,${LETTERS}}`, "gsu")) ?? [];

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
  const words = signed(/** @type {string} */ (MARK.get(step.known)), pageText(role ? "verification.lineage-step-as" : "verification.lineage-step", { kind: step.kind, label: step.label, role, note: step.note }));
  const below = shown.has(step.id) ? [] : lineage.edges.filter(({ to }) => to === step.id);
  shown.add(step.id);
  const byId = new Map(lineage.steps.map((one) => [one.id, one]));
  const items = below.map(({ from, role: as }) =>
    item(lineage, /** @type {import("../src/verify/delivery/lineage.js").Step} */ (byId.get(from)), as, shown));
  return element("li", {}, ...words, ...(items.length ? [element("ul", {}, ...items)] : []));
}
