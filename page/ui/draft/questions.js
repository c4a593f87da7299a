/** The questions of a card, each beside its evidence. */
import { MAX_ANSWER } from "../../src/draft/attestation.js";
import { countedText, pageText } from "../texts.js";
import { element } from "../view.js";
import { choose, chosenOf, field, fill, longText, radios, said } from "./fields.js";

/** @typedef {import("../../src/draft/draft.js").Draft} Draft */
/** @typedef {import("../../src/draft/draft.js").Question} Question */
/** @typedef {import("../../src/draft/attestation.js").Entry} Entry */
/** @typedef {import("../../src/draft/attestation.js").State} State */

/** @type {State[]} */
const STATES = ["open", "value", "unknown", "not-applicable"];
/** So many facts stand beside a question; further ones are folded up. */
const FEW = 5;
/** A heading that is further down than this is not the one that was gone to last; the style keeps that one higher. */
const BELOW = 100; // CSS pixels

/** All questions, and how many are answered. @param {Draft} draft */
export function questionsOf({ questions }) {
  const next = element("button", { id: "draft-next", type: "button" }, pageText("draft.next"));
  next.onclick = () => {
    const open = questions.filter(({ id }) => chosenOf(`state-${id}`) === "open");
    const found = open.find(({ id }) => field(`head-${id}`).getBoundingClientRect().top > BELOW) ?? open[0];
    const head = field(found === undefined ? "who-head" : `head-${found.id}`);
    head.focus();
    head.scrollIntoView({ block: "start" });
  };
  const made = element("section", { id: "draft-answers", "aria-label": pageText("draft.questions") },
    element("p", { class: "choose follows" }, element("span", { id: "draft-progress", role: "status" }), next),
    ...questions.map((one, at) => asked(one, at + 1, questions.length)));
  return made;
}

/** Say how many are answered. @param {Draft} draft */
export function showProgress({ questions }) {
  const done = questions.filter(({ id }) => chosenOf(`state-${id}`) !== "open").length;
  field("progress").textContent = pageText("draft.progress", { done, count: questions.length });
}

/** @param {Question} question @param {number} number @param {number} count */
function asked(question, number, count) {
  const { id, asks, guidance, choices, shows } = question;
  const head = element("h3", { id: `draft-head-${id}`, tabindex: "-1" }, pageText("draft.question", { number, count, asks }));
  const facts = element("div", { class: "evidence" });
  if (!question.open) facts.append(...list("draft.answered-already", question.said));
  else if (question.said.some(({ by }) => by)) facts.append(...list("draft.answered-before", question.said.filter(({ by }) => by)));
  if (shows.length) facts.append(...list("draft.shown", shows));
  const form = element("div", {}, radios(`state-${id}`, pageText("draft.what-you-say"), STATES.map((state) => [state, labelOf(state)])));
  const rest = element("div", { id: `draft-rest-${id}` });
  if (choices.length) rest.append(radios(`choice-${id}`, pageText("draft.which"), choices.map((one) => [one, one]), { chosen: false }));
  rest.append(longText(`text-${id}`, pageText("draft.text-value"), MAX_ANSWER, { describedBy: guidance ? `draft-guidance-${id}` : "" }));
  rest.append(radios(`scope-${id}`, pageText("draft.which-versions"), [["version", pageText("draft.scope-version")], ["name", pageText("draft.scope-name")]]));
  form.append(rest);
  const made = element("section", { class: "question", "data-question": id, "aria-labelledby": `draft-head-${id}` }, head,
    ...(guidance ? [element("p", { id: `draft-guidance-${id}` }, guidance)] : []),
    facts.childElementCount ? element("div", { class: "beside" }, facts, form) : form);
  made.addEventListener("change", () => settle(question));
  return made;
}

/** Show of a question what its state needs. @param {Question} question */
export function settle({ id, choices }) {
  const state = chosenOf(`state-${id}`);
  field(`rest-${id}`).hidden = state === "open";
  if (choices.length) field(`choice-${id}`).hidden = state !== "value";
  document.querySelectorAll(`label[for="draft-text-${id}"]`).forEach((one) => {
    one.textContent = state === "value" && choices.length ? pageText("draft.why") : state === "open" ? "" : pageText(`draft.text-${state}`);
  });
}

/** What a state is called. @param {string} state */
export const labelOf = (state) => pageText(`draft.state-${state}`);

/** Put back what was entered for a question. @param {Question} question @param {Entry} entry */
export function enter(question, { question: id, state, text, choice, scope }) {
  choose(`state-${id}`, state);
  choose(`choice-${id}`, choice);
  choose(`scope-${id}`, scope);
  fill(`text-${id}`, text);
  settle(question);
}

/** What was entered for a question. @param {Question} question @returns {Entry} */
export function entryOf({ id }) {
  return {
    question: id,
    state: /** @type {any} */ (chosenOf(`state-${id}`)),
    text: field(`text-${id}`).value,
    choice: chosenOf(`choice-${id}`),
    scope: /** @type {any} */ (chosenOf(`scope-${id}`)),
  };
}

/** @param {string} title @param {import("../../src/draft/draft.js").Statement[]} statements */
function list(title, statements) {
  const items = statements.map((one) => element("li", {}, ...said(one)));
  const more = items.splice(FEW);
  return [element("p", { class: "quiet" }, pageText(title)), element("ul", {}, ...items),
    ...(more.length ? [element("details", {}, element("summary", {}, countedText("draft.more-facts", more.length)), element("ul", {}, ...more))] : [])];
}
