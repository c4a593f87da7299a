/** Statements of a card, to be disputed. */
import { MAX_LONG } from "../../src/draft/attestation.js";
import { countedText, pageText } from "../texts.js";
import { element } from "../view.js";
import { field, line, longText, said, say } from "./fields.js";

/** @typedef {import("../../src/draft/draft.js").Draft} Draft */

/** Offer every statement. @param {Draft} draft */
export function disputed(draft) {
  const items = [...draft.statements.values()].map((one) => element("li", {},
    element("label", {}, element("input", { type: "checkbox", value: one.id }), element("span", {}, ...said(one)))));
  const made = element("section", { id: "draft-disputed", "aria-labelledby": "draft-disputed-head", hidden: "" },
    element("h3", { id: "draft-disputed-head" }, pageText("draft.which-wrong")),
    line("find", pageText("draft.find"), { autocomplete: "off", spellcheck: "false" }),
    element("p", { id: "draft-picked", class: "quiet", role: "status" }),
    element("div", { id: "draft-challenges", class: "scroll choose", tabindex: "0", role: "region", "aria-label": pageText("draft.statements") },
      element("ul", { class: "checks", role: "list" }, ...items)),
    longText("grounds", pageText("draft.grounds"), MAX_LONG));
  made.addEventListener("input", () => {
    const words = field("find").value.toLowerCase();
    for (const one of items) one.hidden = !(/** @type {string} */ (one.textContent).toLowerCase().includes(words));
    say("picked", countedText("draft.picked", picked().length, { shown: items.filter(({ hidden }) => !hidden).length, all: items.length }));
  });
  return made;
}

/** Pick these again. @param {string[]} ids */
export function pick(ids) {
  for (const input of field("challenges").querySelectorAll("input")) input.checked = ids.includes(input.value);
  field("disputed").dispatchEvent(new Event("input"));
}

/** The ids of what is picked. @returns {string[]} */
export const picked = () =>
  Array.from(field("challenges").querySelectorAll("input:checked"), (/** @type {any} */ { value }) => value);
