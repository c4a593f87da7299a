/** What is open, and what will be signed: to be read before it is. */
import { counted } from "../../src/canon/text.js";
import { element } from "../view.js";
import { field, linkTo, said } from "./fields.js";
import { labelOf } from "./questions.js";

/** @typedef {import("../../src/draft/attestation.js").Entered} Entered */
/** @typedef {import("../../src/draft/draft.js").Draft} Draft */

/** The items of the card's profiles that are open, each with its question. @param {Draft} draft */
export function openItems(draft) {
  const items = (draft.card.profiles ?? []).flatMap((/** @type {any} */ profile) =>
    profile.items.filter((/** @type {any} */ one) => one.open).map((/** @type {any} */ one) => ({ ...one, title: profile.title })));
  const lines = items.sort((/** @type {any} */ left, /** @type {any} */ right) => Number(right.required) - Number(left.required)).map((/** @type {any} */ one) => element("li", {},
    one.question ? linkTo(() => field(`head-${one.question}`), `${one.title}, ${one.clause}: ${one.asks}`) : `${one.title}, ${one.clause}: ${one.asks} `,
    " ", element("span", { class: "state" }, `[${[one.required ? "required" : "", one.question ? "" : "no question: whoever made the card has to add evidence"].filter(Boolean).join(", ") || "not required"}]`)));
  if (!lines.length) return element("p", { id: "draft-items" }, "Nothing that a profile asks for is open.");
  const required = items.filter((/** @type {any} */ one) => one.required).length;
  return element("details", { id: "draft-items" },
    element("summary", {}, `What is open: ${counted(lines.length, "item")}, ${required} required`), element("ul", {}, ...lines));
}

/** Show what a signature would be about now. @param {Draft} draft @param {Entered} entered */
export function preview(draft, entered) {
  const given = entered.entries.filter(({ state }) => state !== "open");
  const left = draft.questions.filter(({ id, open }) => open && !given.some(({ question }) => question === id));
  const about = `about ${draft.subject.name}, this version and this card`;
  const what = entered.kind === "answers"
    ? [element("p", {}, `${counted(given.length, "answer")} ${about}:`),
      element("ol", {}, ...given.map((one) => answered(draft, one))),
      left.length ? element("details", { id: "draft-left", ...(field("left")?.open ? { open: "" } : {}) },
        element("summary", {}, `${counted(left.length, "question stays", "questions stay")} open`),
        element("ul", {}, ...left.map(({ id, asks }) => element("li", {}, linkTo(() => field(`head-${id}`), asks)))))
        : element("p", {}, "No question stays open.")]
    : [element("p", {}, `A dispute of ${counted(entered.challenges.length, "statement")} ${about}:`),
      element("ul", {}, ...entered.challenges.flatMap((id) => draft.statements.get(id) ?? []).map((one) => element("li", {}, ...said(one)))),
      quoted("Why they are wrong", entered.grounds)];
  field("preview").replaceChildren(...what, quoted("Signed by", entered.name), quoted("What you answer for", entered.liability));
}

/** @param {Draft} draft @param {import("../../src/draft/attestation.js").Entry} entry */
function answered(draft, { question, state, choice, text, scope }) {
  const { asks, shows } = /** @type {import("../../src/draft/draft.js").Question} */ (draft.questions.find(({ id }) => id === question));
  return element("li", {}, element("strong", {}, asks), element("p", {}, `${labelOf(state)}${state === "value" && choice ? `: ${choice}` : ""}; for ${scope === "name" ? "later versions, too" : "this version only"}`),
    quoted(state === "value" && !choice ? "Answer" : "Why", text),
    ...(shows.length ? [element("p", { class: "quiet" }, `With ${counted(shows.length, "statement")} of the card that ${shows.length === 1 ? "stands" : "stand"} beside it.`)] : []));
}

/** @param {string} title @param {string} text */
const quoted = (title, text) => element("p", {}, element("strong", {}, `${title}: `), text.trim() ? element("span", {}, ...text.split("\n").flatMap((one, at) => (at ? [element("br"), one] : [one]))) : element("em", {}, "nothing yet"));
