/** Decisions are kept: each under its own name in this browser, all in a file that somebody saves. Keys never are. */
import { Refusal } from "../../src/canon/errors.js";
import { utf8 } from "../../src/canon/bytes.js";
import { canonical } from "../../src/canon/json.js";
import { isDecision, MAX_FILE, shelfOf } from "../../src/review/decisions.js";
import { pageText } from "../texts.js";
import { byId, element, showText } from "../view.js";

/** @typedef {import("../../src/review/decisions.js").Decisions} Decisions */

/** The decisions about one queue, kept. */
export class Kept {
  /** @param {Decisions} decisions @param {() => void} changed */
  constructor(decisions, changed) {
    this.decisions = decisions;
    this.changed = changed;
    /** Whether all is kept somewhere. */
    this.safe = true;
  }

  /** @param {number} item */
  shelf(item) {
    return shelfOf(this.decisions.queue, item);
  }

  section() {
    const save = /** @type {HTMLAnchorElement} */ (element("a", { id: "review-save", class: "button", href: "#review-save", download: "decisions.json" }, pageText("review.save")));
    save.onclick = () => {
      URL.revokeObjectURL(save.href);
      save.href = URL.createObjectURL(new Blob([new Uint8Array(canonical(this.decisions.document()))], { type: "application/json" }));
      this.safe = true;
    };
    const load = /** @type {HTMLInputElement} */ (element("input", { id: "review-load", type: "file", accept: ".json" }));
    load.onchange = () => void this.load(load.files?.[0]);
    return element("section", { "aria-labelledby": "review-saved-head" },
      element("h2", { id: "review-saved-head" }, pageText("review.saved")), element("p", { id: "review-kept", role: "status" }),
      element("p", { class: "choose" }, save), element("div", { class: "field" }, element("label", { for: "review-load" }, pageText("review.load")), load),
      element("p", { id: "review-load-problem", class: "problem", role: "alert" }));
  }

  /** Take up what this browser has kept. */
  begin() {
    try {
      for (const { item } of this.decisions.queue.items) {
        const text = localStorage.getItem(this.shelf(item));
        const kept = text === null ? null : parsed(text);
        if (kept !== null && kept.item === item) this.decisions.say(item, kept.blind);
        if (kept !== null && kept.item === item && isDecision(this.decisions.queue, kept)) this.decisions.set(kept);
      }
      showText("review-kept", pageText("review.kept-here"));
    } catch (error) {
      this.fails(error);
    }
  }

  /** Keep, or forget, one decision. @param {number} item */
  keep(item) {
    const blind = this.decisions.blind.get(item);
    const decision = this.decisions.made.get(item) ?? (blind && { item, blind });
    try {
      if (decision === undefined) localStorage.removeItem(this.shelf(item));
      else localStorage.setItem(this.shelf(item), JSON.stringify(decision));
    } catch (error) {
      this.safe = false;
      this.fails(error);
    }
  }

  /** @param {File | undefined} file */
  async load(file) {
    showText("review-load-problem", "");
    if (!file) return;
    try {
      this.decisions.load(file.size > MAX_FILE ? utf8("") : new Uint8Array(await file.arrayBuffer()));
      for (const item of this.decisions.made.keys()) this.keep(item);
      this.changed();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      showText("review-load-problem", error.message);
    }
  }

  /** @param {unknown} error */
  fails(error) {
    if (!(error instanceof Refusal || error instanceof DOMException)) throw error;
    if (byId("review-kept")) showText("review-kept", pageText("review.kept-not"));
  }
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // damaged: it is decided again
  }
}
