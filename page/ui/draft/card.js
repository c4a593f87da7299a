/**
 * The card that is signed about, drawn from its own bytes and from nothing else.
 *
 * ATTACK: beside the data stands a page that says something else, with better figures. Whoever reads it signs about the data.
 */
import { countedText, pageText } from "../texts.js";
import { described, element } from "../view.js";
import { field, linkTo, said } from "./fields.js";

/** @typedef {import("../../src/draft/draft.js").Draft} Draft */
/** @typedef {import("../../src/draft/draft.js").Statement} Statement */

const GROUPS = ["subject", "model", "evaluation", "data", "rights", "training", "run", "answer"];
/** Of a model and of a dataset. */
const PURPOSES = ["answer.intended-use", "answer.motivation", "answer.suitable-uses", "data.purposes", "model.task"];
const DECISIONS = ["evaluation.decision", "evaluation.verdict"];
/** The first of these that holds is the worst. */
const WORST = ["rights.withdrawn", "evaluation.retired", "data.personal-found", "evaluation.worst-slice", "evaluation.worst-class"];
const SHORT = 240; // characters

/** What kind of card it is, and of what. @param {Draft} draft */
export const titleOf = ({ card, subject }) =>
  pageText(card.subject.kind === "dataset" ? "draft.datasheet" : "draft.model-card", { name: subject.name });

/** The card in four lines, each as the card says it. @param {Draft} draft */
export function essentials({ card, statements }) {
  const all = [...statements.values()];
  const first = (/** @type {string[]} */ ids) => ids.flatMap((id) => all.filter((one) => isOf(one, id) && isKnown(one))).at(0);
  const worst = first(WORST.slice(0, 2)) ?? all.find(({ state }) => state === "contradicted") ?? first(WORST);
  const open = openOf(card);
  /** @type {[string, Statement | undefined][]} */
  const lines = [["purpose", first(PURPOSES)], ["decision", first(DECISIONS)], ["worst", worst]];
  return element("section", { id: "draft-essentials", class: "lead", "aria-labelledby": "draft-essentials-head" },
    element("h2", { id: "draft-essentials-head" }, pageText("draft.essentials")),
    element("dl", {}, ...described([
      ...lines.map(([name, one]) => /** @type {[string, Node]} */ ([pageText(`draft.line-${name}`), lineOf(one, one === worst)])),
      [pageText("draft.line-status"), open ? countedText("draft.status-open", open) : pageText("draft.status-closed")],
    ])),
    element("p", {}, linkTo(() => field("card-head"), pageText("draft.to-card"))));
}

/** Whether a statement is of this kind; an id may go on with what it is about. @param {Statement} one @param {string} kind */
const isOf = ({ id }, kind) => id === kind || id.startsWith(`${kind}:`);

/** @param {Statement} one */
const isKnown = ({ id, state, text, value }) => text !== "" && state !== "not-established" && state !== "not-applicable" &&
  !(id.startsWith("evaluation.worst") && value === undefined);

/** @param {Statement | undefined} one @param {boolean} whose Whether its name stands before it. */
function lineOf(one, whose) {
  if (one === undefined) return element("span", {}, pageText("draft.line-nothing"));
  const letters = Array.from(one.text);
  const name = whose ? [element("strong", {}, `${one.about ? `${one.title}, ${one.about}` : one.title}: `)] : [];
  return element("span", {}, ...name, letters.length > SHORT ? `${letters.slice(0, SHORT).join("")}…` : one.text, " ", badge(one.state));
}

/** How many required items are open. @param {any} card */
const openOf = (card) => (card.profiles ?? []).reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.open, 0);

/** @param {string} state */
const badge = (state) => element("span", { class: `badge ${state}` }, state);

/** Draw it: what it is, its statements, its profiles, its evidence. @param {Draft} draft @returns {HTMLElement} */
export function drawn(draft) {
  const { card, statements } = draft;
  const open = openOf(card);
  const counts = Object.entries(card.counts ?? {}).map(([state, count]) => `${count} ${state}`).join(", ");
  return element("section", { id: "draft-card", "aria-labelledby": "draft-card-head" },
    element("h2", { id: "draft-card-head", tabindex: "-1" }, titleOf(draft)),
    element("p", {}, element("strong", {}, open ? countedText("draft.status-open", open) : pageText("draft.status-closed"))),
    element("p", { class: "quiet" }, countedText("draft.card-statements", statements.size, { counts })),
    ...(card.withData ? [element("p", {}, pageText("common.holds", { what: card.withData.join(" and ") }))] : []),
    ...grouped([...statements.values()]),
    ...(card.profiles ?? []).map((/** @type {any} */ one) => profileOf(one, statements)),
    folded(pageText("draft.card-evidence"), element("ul", {}, ...(card.evidence ?? []).map((/** @type {{id: string, what: string}} */ { id, what }) => element("li", {}, `${what}: `, element("code", {}, id))))));
}

/** @param {Statement[]} all @returns {HTMLElement[]} */
function grouped(all) {
  /** @type {Map<string, Statement[]>} */
  const groups = new Map();
  for (const one of all) {
    const word = one.id.split(/[.:]/)[0];
    groups.set(word, [...(groups.get(word) ?? []), one]);
  }
  const order = [...GROUPS, ...groups.keys()];
  return [...new Set(order)].filter((word) => groups.has(word)).map((word) => element("section", {},
    element("h3", {}, GROUPS.includes(word) ? pageText(`draft.group-${word}`) : word), listed(/** @type {Statement[]} */ (groups.get(word)))));
}

/** @param {any} profile @param {Map<string, Statement>} statements */
function profileOf(profile, statements) {
  const reviewed = profile.reviewedBy ? pageText("draft.reviewed-by", { who: profile.reviewedBy }) : pageText("draft.not-reviewed");
  const items = profile.items.map((/** @type {any} */ one) => element("li", {},
    element("strong", {}, `${one.clause}: ${one.asks} `), badge(pageText(`draft.item-${one.open ? "open" : "closed"}${one.required ? "-required" : ""}`)),
    listed(one.statements.flatMap((/** @type {string} */ id) => statements.get(id) ?? []))));
  const state = profile.doesNotApply ?? countedText("draft.items", items.length, { open: profile.open });
  return folded(`${profile.title}: ${state}`,
    element("p", { class: "quiet" }, [profile.jurisdiction, pageText("draft.as-of", { day: profile.asOf }), reviewed, profile.banner].filter(Boolean).join("; ")),
    element("ul", {}, ...items));
}

/** @param {string} title @param {...HTMLElement} inside */
const folded = (title, ...inside) => element("details", {}, element("summary", {}, title), ...inside);

/** @param {Statement[]} statements */
const listed = (statements) => element("ul", {}, ...statements.map((one) => element("li", {}, ...said(one),
  ...(one.was ? [" ", element("em", {}, one.was)] : []),
  ...(one.evidence?.length ? [" ", element("span", { class: "quiet" }, one.evidence.map((id) => id.slice("blake3:".length).slice(0, 8)).join(" "))] : []))));
