/**
 * Fields of the form, each with its label.
 *
 * The ids are `draft-` and a name of the form's own: the card above it has ids, too. A question's id has a
 * fixed form.
 */
import { lengthOf } from "../../src/draft/attestation.js";
import { pageText } from "../texts.js";
import { byId, element, grouped, showText } from "../view.js";

/** @param {string} name @returns {any} */
export const field = (name) => byId(`draft-${name}`);

/** Say something in a place of the form. @param {string} name @param {string} words */
export const say = (name, words) => showText(`draft-${name}`, words);

/**
 * Radio buttons under one heading.
 *
 * @param {string} name
 * @param {string} legend
 * @param {[string, string][]} options Value and label; the first is chosen.
 * @param {{chosen?: boolean}} [more] Whether one is chosen at all.
 */
export function radios(name, legend, options, { chosen = true } = {}) {
  const group = element("fieldset", { id: `draft-${name}`, class: "choose" }, element("legend", {}, legend));
  for (const [at, [value, label]] of options.entries()) {
    const input = element("input", { type: "radio", name, value });
    /** @type {HTMLInputElement} */ (input).checked = chosen && at === 0;
    group.append(element("label", {}, input, ` ${label}`));
  }
  return group;
}

/** What is chosen of a group; empty if nothing is. @param {string} name @returns {string} */
export const chosenOf = (name) => field(name)?.querySelector("input:checked")?.value ?? "";

/** Choose one of a group; nothing where the group has no such one. @param {string} name @param {string} value */
export function choose(name, value) {
  for (const input of field(name)?.querySelectorAll("input") ?? []) input.checked = input.value === value;
}

/** Put a text into a field. @param {string} name @param {string} text */
export function fill(name, text) {
  field(name).value = text;
  field(name).dispatchEvent(new Event("input"));
}

/** A link that moves the focus, and not the address. @param {() => HTMLElement} control @param {string} words */
export function linkTo(control, words) {
  const link = element("a", { href: "#draft" }, words);
  link.onclick = (event) => {
    event.preventDefault();
    control().focus();
    control().scrollIntoView?.({ block: "nearest" });
  };
  return link;
}

/**
 * A text of several lines, whose characters are counted: none is cut off unseen, as `maxlength` would.
 *
 * @param {string} name
 * @param {string} label
 * @param {number} limit Characters.
 * @param {{rows?: string, describedBy?: string}} [more]
 */
export function longText(name, label, limit, { rows = "4", describedBy = "" } = {}) {
  const id = `draft-${name}`;
  const count = element("p", { id: `${id}-count`, class: "quiet" });
  const area = /** @type {HTMLTextAreaElement} */ (element("textarea", { id, rows, "aria-describedby": `${describedBy} ${id}-count`.trim() }));
  const counted = () => {
    const length = lengthOf(area.value);
    count.textContent = pageText("draft.characters", { length: grouped(length), limit: grouped(limit) });
    count.classList.toggle("problem", length > limit);
  };
  area.addEventListener("input", counted);
  counted();
  return element("div", { class: "field" }, element("label", { for: id }, label), area, count);
}

/**
 * A line of text.
 *
 * @param {string} name
 * @param {string} label
 * @param {{[name: string]: string}} [attributes]
 */
export const line = (name, label, attributes = {}) =>
  element("div", { class: "field" }, element("label", { for: `draft-${name}` }, label), element("input", { id: `draft-${name}`, type: "text", ...attributes }));

/** What a statement says, and how that is known. @param {import("../../src/draft/draft.js").Statement & {about?: string}} one */
export function said({ title, about, text, state, by }) {
  const name = about ? `${title}, ${about}` : title;
  const whose = by && state !== "stated" ? pageText("draft.state-by", { state, who: by }) : state;
  return [element("strong", {}, `${name}: `), element("span", {}, text), " ", element("span", { class: `badge ${state}` }, whose)];
}
