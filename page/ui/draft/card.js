/**
 * The card that is signed about, drawn from its own bytes and from nothing else.
 *
 * ATTACK: beside the data stands a page that says something else, with better figures. Whoever reads it signs about the data.
 */
import { counted } from "../../src/canon/text.js";
import { element } from "../view.js";
import { said } from "./fields.js";

/** @typedef {import("../../src/draft/draft.js").Draft} Draft */
/** @typedef {import("../../src/draft/draft.js").Statement} Statement */

/** First word of a statement's id → the heading of those. @type {{[word: string]: string}} */
const HEADINGS = {
  subject: "What it is", model: "The model", evaluation: "How well it works", data: "The data", rights: "By what right",
  training: "Training", run: "The run", answer: "What people answered",
};

/** Draw it: what it is, its statements, its profiles, its evidence. @param {Draft} draft @returns {HTMLElement} */
export function drawn({ card, subject, statements }) {
  const profiles = card.profiles ?? [];
  const open = profiles.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.open, 0);
  const counts = Object.entries(card.counts ?? {}).map(([state, count]) => `${count} ${state}`).join(", ");
  return element("section", { id: "draft-card", "aria-labelledby": "draft-card-head" },
    element("h2", { id: "draft-card-head" }, `${card.subject.kind === "dataset" ? "Datasheet" : "Model card"} ${subject.name}`),
    element("p", {}, element("strong", {}, open ? `A draft: ${counted(open, "required item")} open` : "Nothing required is open")),
    element("p", { class: "quiet" }, `${counted(statements.size, "statement")}: ${counts}. Nobody has signed this draft; it is drawn by this page, ` +
      "from what your signature will be about."),
    ...(card.withData ? [element("p", {}, `It holds ${card.withData.join(" and ")} of the data, which somebody asked for.`)] : []),
    ...grouped([...statements.values()]),
    ...profiles.map((/** @type {any} */ one) => profileOf(one, statements)),
    folded("Evidence", element("ul", {}, ...(card.evidence ?? []).map((/** @type {{id: string, what: string}} */ { id, what }) => element("li", {}, `${what}: `, element("code", {}, id))))));
}

/** @param {Statement[]} all @returns {HTMLElement[]} */
function grouped(all) {
  /** @type {Map<string, Statement[]>} */
  const groups = new Map();
  for (const one of all) {
    const word = one.id.split(/[.:]/)[0];
    groups.set(word, [...(groups.get(word) ?? []), one]);
  }
  const order = [...Object.keys(HEADINGS), ...groups.keys()];
  return [...new Set(order)].filter((word) => groups.has(word)).map((word) => element("section", { class: "evidence" },
    element("h3", {}, HEADINGS[word] ?? word), listed(/** @type {Statement[]} */ (groups.get(word)))));
}

/** @param {any} profile @param {Map<string, Statement>} statements */
function profileOf(profile, statements) {
  const reviewed = profile.reviewedBy ? `read by ${profile.reviewedBy}` : "no lawyer has reviewed it";
  const items = profile.items.map((/** @type {any} */ one) => element("li", {},
    element("strong", {}, `${one.clause}: ${one.asks} `), element("span", { class: "state" }, `[${one.open ? "open" : "closed"}${one.required ? ", required" : ""}]`),
    listed(one.statements.flatMap((/** @type {string} */ id) => statements.get(id) ?? []))));
  return folded(`${profile.title}: ${profile.doesNotApply ?? `${counted(items.length, "item")}, ${profile.open} required and open`}`,
    element("p", { class: "quiet" }, [profile.jurisdiction, `as of ${profile.asOf}`, reviewed, profile.banner].filter(Boolean).join("; ")),
    element("ul", {}, ...items));
}

/** @param {string} title @param {...HTMLElement} inside */
const folded = (title, ...inside) => element("details", {}, element("summary", {}, title), ...inside);

/** @param {Statement[]} statements */
const listed = (statements) => element("ul", {}, ...statements.map((one) => element("li", {}, ...said(one),
  ...(one.was ? [" ", element("em", {}, one.was)] : []),
  ...(one.evidence?.length ? [" ", element("span", { class: "quiet" }, one.evidence.map((id) => id.slice("blake3:".length).slice(0, 8)).join(" "))] : []))));
