/** What is open, and what will be signed: to be read before it is. */
import { countedText, pageText } from "../texts.js";
import { element } from "../view.js";
import { field, linkTo, said } from "./fields.js";
import { labelOf } from "./questions.js";

/** @typedef {import("../../src/draft/attestation.js").Entered} Entered */
/** @typedef {import("../../src/draft/draft.js").Draft} Draft */

/** The items of the card's profiles that are open, each with its question. @param {Draft} draft */
export function openItems(draft) {
  const items = (draft.card.profiles ?? []).flatMap((/** @type {any} */ profile) =>
    profile.items.filter((/** @type {any} */ one) => one.open).map((/** @type {any} */ one) => ({ ...one, title: profile.title })));
  if (!items.length) return element("p", { id: "draft-items" }, pageText("draft.no-item-open"));
  const required = items.filter((/** @type {any} */ one) => one.required).length;
  const lines = items.sort((/** @type {any} */ left, /** @type {any} */ right) => Number(right.required) - Number(left.required)).map(itemLine);
  return element("details", { id: "draft-items" },
    element("summary", {}, countedText("draft.items-open", lines.length, { required })), element("ul", {}, ...lines));
}

/** @param {any} item */
function itemLine({ title, clause, asks, question, required }) {
  const words = `${title}, ${clause}: ${asks}`;
  const state = [required ? pageText("draft.item-required") : "", question ? "" : pageText("draft.item-evidence")].filter(Boolean).join(", ");
  return element("li", {}, question ? linkTo(() => field(`head-${question}`), words) : words,
    " ", element("span", { class: "quiet" }, state || pageText("draft.item-not-required")));
}

/** Show what a signature would be about now. @param {Draft} draft @param {Entered} entered */
export function preview(draft, entered) {
  const given = entered.entries.filter(({ state }) => state !== "open");
  const left = draft.questions.filter(({ id, open }) => open && !given.some(({ question }) => question === id));
  const { name } = draft.subject;
  const what = entered.kind === "answers"
    ? [element("p", {}, countedText("draft.preview-answers", given.length, { name })),
      element("ol", {}, ...given.map((one) => answered(draft, one))),
      left.length ? element("details", { id: "draft-left", ...(field("left")?.open ? { open: "" } : {}) },
        element("summary", {}, countedText("draft.stay-open", left.length)),
        element("ul", {}, ...left.map(({ id, asks }) => element("li", {}, linkTo(() => field(`head-${id}`), asks)))))
        : element("p", {}, pageText("draft.none-stays-open"))]
    : [element("p", {}, countedText("draft.preview-challenges", entered.challenges.length, { name })),
      element("ul", {}, ...entered.challenges.flatMap((id) => draft.statements.get(id) ?? []).map((one) => element("li", {}, ...said(one)))),
      quoted("draft.grounds", entered.grounds)];
  field("preview").replaceChildren(...what, quoted("draft.signed-by", entered.name), quoted("draft.answer-for", entered.liability));
}

/** @param {Draft} draft @param {import("../../src/draft/attestation.js").Entry} entry */
function answered(draft, { question, state, choice, text, scope }) {
  const { asks, shows } = /** @type {import("../../src/draft/draft.js").Question} */ (draft.questions.find(({ id }) => id === question));
  const what = `${labelOf(state)}${state === "value" && choice ? `: ${choice}` : ""}`;
  return element("li", {}, element("strong", {}, asks), element("p", {}, pageText(`draft.said-${scope}`, { what })),
    quoted(state === "value" && !choice ? "draft.answer" : "draft.why", text),
    ...(shows.length ? [element("p", { class: "quiet" }, countedText("draft.with-facts", shows.length))] : []));
}

/** @param {string} title @param {string} text */
const quoted = (title, text) => element("p", {}, element("strong", {}, `${pageText(title)}: `), text.trim() ? element("span", {}, ...text.split("\n").flatMap((one, at) => (at ? [element("br"), one] : [one]))) : element("em", {}, pageText("draft.nothing-yet")));
