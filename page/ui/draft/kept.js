/**
 * What is entered stays: in this browser, under the card's id, and in a file that somebody saves. Keys never do.
 */
import { Refusal } from "../../src/canon/errors.js";
import { MAX_DRAFT } from "../../src/draft/draft.js";
import { readEntered, shelfOf, written } from "../../src/draft/entered.js";
import { pageText } from "../texts.js";
import { element } from "../view.js";
import { field, line, say } from "./fields.js";

/** @typedef {import("../../src/draft/attestation.js").Entered} Entered */
/** @typedef {import("../../src/draft/draft.js").Draft} Draft */

/** What was entered about one card, kept. */
export class Kept {
  /**
   * @param {Draft} draft
   * @param {() => Entered} entered
   * @param {(entered: Entered) => void} restore
   */
  constructor(draft, entered, restore) {
    this.draft = draft;
    this.entered = entered;
    this.restore = restore;
    /** Whether all that was entered is kept somewhere. */
    this.safe = true;
    /** Whether anything was entered at all. */
    this.touched = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.waiting = undefined;
  }

  /** Return the part of the form about it. */
  section() {
    const save = element("a", { id: "draft-save", class: "button", href: "#draft-save", download: `${this.draft.subject.name.split("/").slice(1).join("-")}-draft.json` }, pageText("draft.save"));
    save.onclick = () => this.save(/** @type {HTMLAnchorElement} */ (save));
    const forget = element("button", { id: "draft-forget", type: "button" }, pageText("draft.forget"));
    forget.onclick = () => this.forget();
    const made = element("section", { id: "draft-kept", "aria-labelledby": "draft-kept-head" },
      element("h3", { id: "draft-kept-head" }, pageText("draft.entered")),
      element("p", { id: "draft-kept-status", role: "status" }),
      element("p", { class: "choose" }, save, forget),
      line("load", pageText("draft.load"), { type: "file", accept: ".json" }),
      element("p", { id: "draft-kept-problem", class: "problem", role: "alert" }));
    made.addEventListener("change", (/** @type {any} */ { target }) => {
      if (target.id === "draft-load") void this.load(target.files[0]);
    });
    return made;
  }

  /** Take up what this browser has kept. */
  begin() {
    try {
      const text = localStorage.getItem(shelfOf(this.draft));
      if (text === null) say("kept-status", pageText("draft.kept-nothing"));
      else this.take(text, "draft.kept-again");
    } catch (error) {
      this.fails(error);
    }
  }

  /** Keep what is there now, once nobody types for a moment. */
  later() {
    this.touched = true;
    this.safe = false;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.now(), 300);
  }

  /** Keep what was entered since. */
  now() {
    if (this.waiting === undefined) return;
    clearTimeout(this.waiting);
    this.waiting = undefined;
    try {
      localStorage.setItem(shelfOf(this.draft), this.text());
      this.safe = true;
      say("kept-status", pageText("draft.kept-here"));
    } catch (error) {
      this.fails(error);
    }
  }

  /** @param {HTMLAnchorElement} link */
  save(link) {
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob([this.text()], { type: "application/json" }));
    this.safe = true;
  }

  /** @param {File | undefined} file */
  async load(file) {
    say("kept-problem", "");
    if (!file) return;
    try {
      this.take(file.size > MAX_DRAFT ? "" : await file.text(), "draft.kept-loaded");
      this.later();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      say("kept-problem", error.message);
    }
  }

  forget() {
    clearTimeout(this.waiting);
    this.waiting = undefined;
    try {
      localStorage.removeItem(shelfOf(this.draft));
      say("kept-status", pageText("draft.kept-no-more"));
    } catch (error) {
      this.fails(error);
    }
    this.safe = !this.touched;
  }

  text() {
    return written(this.draft, this.entered(), new Date().toISOString());
  }

  /** @param {string} text @param {string} how The text that says so. */
  take(text, how) {
    const { entered, at } = readEntered(this.draft, text);
    this.touched = true;
    this.restore(entered);
    say("kept-status", pageText(how, { day: at.slice(0, 10), time: at.slice(11, 16) }));
  }

  /** @param {unknown} error */
  fails(error) {
    if (!(error instanceof Refusal || error instanceof DOMException)) throw error;
    say("kept-status", pageText("draft.kept-not"));
  }
}
