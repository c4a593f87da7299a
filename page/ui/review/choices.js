/** The choice of labels, or of the right text. */
import { MAX_TEXT, compare } from "../../src/review/decisions.js";
import { pageText } from "../texts.js";
import { byId, element, showText } from "../view.js";

/** @typedef {import("../../src/review/queue.js").Questions} Questions */

/** Labels that can be chosen by keys 1 to 9, and found by typing; or a text that is corrected. */
export class Choices {
  /** @param {Questions} questions @param {(value: string[]) => void} take What is done with a value. */
  constructor(questions, take) {
    this.questions = questions;
    this.take = take;
    /** @type {Set<string>} */
    this.picked = new Set();
    const { labels, several } = questions;
    this.area = /** @type {HTMLTextAreaElement} */ (element("textarea", { id: "review-text", rows: "6" }));
    this.search = /** @type {HTMLInputElement} */ (element("input", { id: "review-find", type: "search", autocomplete: "off", spellcheck: "false" }));
    this.search.oninput = () => this.draw();
    this.list = element("div", { id: "review-labels", class: "choose labels", role: "group", "aria-labelledby": "review-choice-head" });
    const done = /** @type {HTMLButtonElement} */ (element("button", { type: "button", id: "review-take" }, pageText("review.take")));
    done.onclick = () => this.finish();
    this.section = element("section", { id: "review-choice", hidden: "", "aria-labelledby": "review-choice-head" },
      element("h3", { id: "review-choice-head" }, pageText(labels.length ? (several ? "review.labels" : "review.label") : "review.text")),
      ...(labels.length ? [
        ...(labels.length > 9 ? [element("div", { class: "field" }, element("label", { for: "review-find" }, pageText("review.find")), this.search)] : []),
        this.list] : [element("div", { class: "field" }, element("label", { for: "review-text" }, pageText("review.text")), this.area)]),
      element("p", { id: "review-choice-problem", class: "problem", role: "alert" }),
      ...(several || !labels.length ? [done] : []));
  }

  /** Begin anew. @param {string[]} value What is picked at first. @param {boolean} shown */
  open(value, shown) {
    this.picked = new Set(value);
    this.search.value = "";
    this.area.value = value.join("\n");
    this.section.hidden = !shown;
    this.draw();
  }

  get shown() {
    const words = this.search.value.toLowerCase();
    return this.questions.labels.filter((label) => label.toLowerCase().includes(words));
  }

  draw() {
    if (byId("review-choice-problem")) showText("review-choice-problem", "");
    this.list.replaceChildren(...this.shown.map((label, at) => {
      const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button", "aria-pressed": String(this.picked.has(label)) },
        ...(at < 9 ? [element("kbd", { "aria-hidden": "true" }, String(at + 1))] : []), element("span", {}, label)));
      button.onclick = () => this.pick(label);
      return button;
    }));
  }

  /** By the number that stands before it. @param {number} number */
  pickNumber(number) {
    const label = this.shown[number - 1];
    if (label !== undefined && !this.section.hidden) this.pick(label);
  }

  /** @param {string} label */
  pick(label) {
    if (!this.questions.several) {
      this.take([label]);
      return;
    }
    if (!this.picked.delete(label)) this.picked.add(label);
    this.draw();
  }

  /** Take what is picked, or written. */
  finish() {
    if (this.section.hidden) return;
    if (this.questions.labels.length) this.take([...this.picked].sort(compare));
    else if (Array.from(this.area.value).length > MAX_TEXT) showText("review-choice-problem", pageText("review.text-long", { most: MAX_TEXT }));
    else this.take(this.area.value.trim() ? [this.area.value] : []);
  }
}
