/** The questions of a card, each beside its evidence. */
import { MAX_ANSWER } from "../../src/draft/attestation.js";
import { element } from "../view.js";
import { choose, chosenOf, field, fill, longText, radios, said } from "./fields.js";

/** @typedef {import("../../src/draft/draft.js").Question} Question */
/** @typedef {import("../../src/draft/attestation.js").Entry} Entry */

/** @type {[import("../../src/draft/attestation.js").State, string, string][]} State, its label, what the text then is. */
const STATES = [
  ["open", "I leave it open", ""],
  ["value", "I answer it", "Your answer"],
  ["unknown", "I do not know", "Why you do not know"],
  ["not-applicable", "It does not apply", "Why it does not apply"],
];

/** Ask a question. @param {Question} question @param {number} number @param {number} count */
export function asked(question, number, count) {
  const { id, asks, guidance, choices, shows } = question;
  const head = element("h3", { id: `draft-head-${id}`, tabindex: "-1" }, `${number} of ${count}: ${asks}`);
  const made = element("section", { class: "question", "data-question": id, "aria-labelledby": `draft-head-${id}` }, head);
  if (guidance) made.append(element("p", { id: `draft-guidance-${id}` }, guidance));
  if (!question.open) made.append(list("Answered already", question.said));
  else if (question.said.some(({ by }) => by)) made.append(list("Answered before, and open again", question.said.filter(({ by }) => by)));
  if (shows.length) made.append(list("What the card shows on this", shows));
  made.append(radios(`state-${id}`, "What do you say?", STATES.map(([state, label]) => [state, label])));
  const rest = element("div", { id: `draft-rest-${id}` });
  if (choices.length) rest.append(radios(`choice-${id}`, "Which?", choices.map((one) => [one, one]), { chosen: false }));
  rest.append(longText(`text-${id}`, "Your answer", MAX_ANSWER, { describedBy: guidance ? `draft-guidance-${id}` : "" }));
  rest.append(radios(`scope-${id}`, "For which versions?", [["version", "this version only"], ["name", "later versions too"]]));
  made.append(rest);
  made.addEventListener("change", () => settle(question));
  return made;
}

/** Show of a question what its state needs. @param {Question} question */
export function settle({ id, choices }) {
  const state = chosenOf(`state-${id}`);
  const [, , label] = STATES.find(([one]) => one === state) ?? STATES[0];
  field(`rest-${id}`).hidden = state === "open";
  if (choices.length) field(`choice-${id}`).hidden = state !== "value";
  document.querySelectorAll(`label[for="draft-text-${id}"]`).forEach((one) => {
    one.textContent = state === "value" && choices.length ? "Why" : label;
  });
}

/** What a state is called. @param {string} state */
export const labelOf = (state) => STATES.find(([one]) => one === state)?.[1] ?? state;

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
const list = (title, statements) => element("div", { class: "evidence" },
  element("p", { class: "quiet" }, `${title}:`), element("ul", {}, ...statements.map((one) => element("li", {}, ...said(one)))));
