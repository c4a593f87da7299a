/**
 * The page on which somebody decides about the records of a queue. Nothing leaves it but files that they download.
 *
 * Whatever else stands in the document goes first: what is shown comes from the data alone.
 */
import { utf8 } from "../../src/canon/bytes.js";
import { Refusal } from "../../src/canon/errors.js";
import { parse } from "../../src/canon/json.js";
import { visible } from "../../src/canon/quoting.js";
import { Decisions, MAX_NOTE, sameLabels } from "../../src/review/decisions.js";
import { MAX_QUEUE, Queue } from "../../src/review/queue.js";
import { Owner } from "../draft/owner.js";
import { countedText, pageText } from "../texts.js";
import { byId, described, element, showText } from "../view.js";
import { Choices } from "./choices.js";
import { Kept } from "./kept.js";
import { recordOf, shownLabels } from "./record.js";

/** @typedef {import("../../src/review/decisions.js").Decision} Decision */

const carried = byId("review-data").textContent;
const main = element("main", {}, element("h1", {}, pageText("review.title")));
document.body.replaceChildren(main);
document.title = pageText("review.title");
const WORDS = /** @type {const} */ ([["accept", "a"], ["change", "c"], ["reject", "r"], ["cannot-say", "x"]]);
const owner = new Owner();
/** @type {Review | null} */
let review = null;

/** One reviewer at work. */
class Review {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    this.decisions = new Decisions(queue);
    this.kept = new Kept(this.decisions, () => this.draw());
    /** Which record is shown. */
    this.at = 0;
    /** What was said before the candidate was shown; undefined: nothing yet. @type {string[] | undefined} */
    this.blind = undefined;
    /** Milliseconds spent on this record before it was hidden, and when it was shown. */
    this.spent = 0;
    this.since = Date.now();
    this.choices = new Choices(queue.questions, (value) => this.chosen(value));
  }

  get item() {
    return this.queue.items[this.at];
  }

  get decision() {
    return this.decisions.made.get(this.item.item);
  }

  /** Whether the candidate may be shown. */
  get revealed() {
    return !this.queue.blind || this.blind !== undefined;
  }

  /** Build the page. */
  show() {
    const { queue } = this;
    document.title = visible(`${pageText("review.title")}: ${queue.name}`);
    main.append(
      element("p", {}, countedText("review.lead", queue.items.length)),
      element("p", { class: "quiet" }, pageText("review.of", { name: queue.name, author: queue.author })),
      ...(queue.adjudicates ? [element("p", {}, pageText("review.adjudication"))] : []),
      ...(queue.guideline ? [element("details", {}, element("summary", {}, pageText("review.guideline")), element("pre", { tabindex: "0" }))] : []),
      element("div", { class: "follows choose" }, element("p", { id: "review-progress", role: "status" }),
        this.button("next-open", "", () => this.go(this.nextOpen()))),
      element("section", { "aria-labelledby": "review-head" },
        element("h2", { id: "review-head", tabindex: "-1" }),
        element("div", { class: "beside" },
          element("div", { id: "review-record", class: "evidence" }),
          element("div", {},
            element("div", { id: "review-candidate" }),
            element("h3", { id: "review-decide" }, queue.questions.asks || pageText("review.decide")),
            element("p", { id: "review-state", role: "status" }),
            element("div", { class: "choose", role: "group", "aria-labelledby": "review-decide" },
              ...WORDS.map(([word, key]) => this.button(word, key, () => this.decide(word))),
              this.button("keep", "", () => this.finish(this.blind ?? []))),
            this.choices.section,
            ...this.more())),
        element("p", { class: "pager" }, this.button("previous", "←", () => this.go(this.at - 1)), this.button("next", "→", () => this.go(this.at + 1)), this.button("undo", "u", () => this.undo()))),
      element("details", {}, element("summary", {}, pageText("review.keys")), element("p", {}, pageText("review.keys-what"))),
      this.kept.section(),
      element("section", { "aria-labelledby": "review-sign-head" },
        element("h2", { id: "review-sign-head" }, pageText("review.sign-head")),
        element("p", {}, pageText("review.sign-who", { key: queue.reviewer })),
        owner.section(),
        element("p", { id: "review-left" }),
        element("p", {}, this.button("sign", "", () => void this.sign(), "primary")),
        element("p", { id: "review-problem", class: "problem", role: "alert" }),
        element("div", { id: "review-signed", role: "status" })),
    );
    if (queue.guideline) /** @type {Element} */ (main.querySelector("pre")).textContent = queue.guideline.split("\n").map(visible).join("\n");
    this.kept.begin();
    this.go(this.nextOpen());
    document.addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("visibilitychange", () => this.pause());
  }

  /** @param {string} name @param {string} key @param {() => void} act @param {string} [kind] */
  button(name, key, act, kind = "") {
    const made = /** @type {HTMLButtonElement} */ (element("button", { type: "button", id: `review-${name}`, ...(kind ? { class: kind } : {}), ...(key.length === 1 && /[a-z]/.test(key) ? { "aria-keyshortcuts": key } : {}) },
      ...(key ? [element("kbd", { "aria-hidden": "true" }, key)] : []), element("span", {}, pageText(`review.${name}`))));
    made.onclick = act;
    return made;
  }

  /** Reason, further questions, note. @returns {HTMLElement[]} */
  more() {
    const { reasons, questions } = this.queue.questions;
    const select = (/** @type {string} */ id, /** @type {string} */ label, /** @type {string[]} */ values) => element("div", { class: "field" }, element("label", { for: id }, label),
      element("select", { id }, element("option", { value: "" }, pageText("review.no-reason")), ...values.map((value) => element("option", { value }, value))));
    const made = [
      ...(reasons.length ? [select("review-reason", pageText("review.reason"), reasons)] : []),
      ...questions.map(({ asks, choices }, at) => select(`review-further-${at}`, asks, choices)),
      element("div", { class: "field" }, element("label", { for: "review-note" }, pageText("review.note")), element("textarea", { id: "review-note", rows: "2" })),
      element("p", { id: "review-note-problem", class: "problem", role: "alert" }),
    ];
    for (const one of made) one.addEventListener("change", () => this.amend());
    return made;
  }

  /** What stands in the fields beside the decision. @returns {Partial<Decision> | null} */
  beside() {
    const note = byId("review-note").value.trim();
    if (Array.from(note).length > MAX_NOTE) {
      showText("review-note-problem", pageText("review.note-long", { most: MAX_NOTE }));
      return null;
    }
    showText("review-note-problem", "");
    const reason = byId("review-reason")?.value ?? "";
    const answers = Object.fromEntries(this.queue.questions.questions.map(({ id }, at) => [id, byId(`review-further-${at}`).value]).filter(([, answer]) => answer));
    return { ...(reason ? { reason } : {}), ...(note ? { note } : {}), ...(Object.keys(answers).length ? { answers } : {}) };
  }

  /** A note, a reason or an answer of a record that is decided. */
  amend() {
    const { decision } = this;
    const beside = this.beside();
    if (decision === undefined || beside === null) return;
    const { reason: _reason, note: _note, answers: _answers, ...rest } = decision;
    this.decisions.made.set(decision.item, { ...rest, ...beside });
    this.kept.keep(decision.item);
  }

  /** @param {"accept" | "change" | "reject" | "cannot-say"} word */
  decide(word) {
    if (word === "reject" || word === "cannot-say") this.blind ??= [];
    if (!this.revealed) return; // first say what it is
    if (word === "change") {
      this.choices.open(this.queue.questions.several || !this.queue.questions.labels.length ? this.item.candidate : [], true);
      /** @type {HTMLElement | null} */ (this.choices.section.querySelector("input, textarea, button"))?.focus();
    } else this.record({ decision: word });
  }

  /** A value was chosen. @param {string[]} value */
  chosen(value) {
    if (this.revealed) {
      this.finish(value);
      return;
    }
    this.blind = value;
    this.decisions.say(this.item.item, value);
    this.kept.keep(this.item.item);
    this.draw();
    if (sameLabels(value, this.item.candidate)) this.record({ decision: "accept" });
    else byId("review-keep").focus();
  }

  /** The value is final. @param {string[]} value */
  finish(value) {
    if (sameLabels(value, this.item.candidate)) this.record({ decision: "accept" });
    else if (value.length) this.record({ decision: "change", value });
  }

  /** @param {{decision: string, value?: string[]}} made */
  record(made) {
    const beside = this.beside();
    if (beside === null) return;
    const { item } = this.item;
    const ms = Math.min(86_400_000, this.spent + Date.now() - this.since);
    this.decisions.set({ item, ms, ...made, ...(this.queue.blind ? { blind: this.blind ?? [] } : {}), ...beside });
    this.kept.keep(item);
    byId("review-signed").replaceChildren(); // what was signed is no longer what is here
    this.go(this.nextOpen());
  }

  undo() {
    const item = this.decisions.undo();
    if (item === null) return;
    this.kept.keep(item);
    this.go(this.queue.items.findIndex((one) => one.item === item));
  }

  /** The next record that is not decided; this one if all are. */
  nextOpen() {
    const { items } = this.queue;
    for (let step = 0; step < items.length; step++) {
      const at = (this.at + step) % items.length;
      if (!this.decisions.made.has(items[at].item)) return at;
    }
    return this.at;
  }

  /** Show a record. @param {number} at */
  go(at) {
    if (at < 0 || at >= this.queue.items.length) return;
    this.at = at;
    this.blind = this.decisions.blind.get(this.item.item);
    this.spent = this.decision?.ms ?? 0;
    this.since = Date.now();
    byId("review-note").value = this.decision?.note ?? "";
    if (byId("review-reason")) byId("review-reason").value = this.decision?.reason ?? "";
    this.queue.questions.questions.forEach(({ id }, further) => { byId(`review-further-${further}`).value = this.decision?.answers?.[id] ?? ""; });
    this.draw();
    byId("review-head").focus();
  }

  /** Time counts only while the record can be seen. */
  pause() {
    if (document.hidden) this.spent += Date.now() - this.since;
    this.since = Date.now();
  }

  draw() {
    const { item, queue, decision } = this;
    const count = queue.items.length;
    const done = this.decisions.made.size;
    showText("review-progress", pageText("review.progress", { done, count }));
    showText("review-head", pageText("review.record", { number: this.at + 1, count }));
    byId("review-record").replaceChildren(...recordOf(item, queue.text, queue.questions.highlight));
    const by = item.by ? ` ${pageText("review.made-by", { who: item.by })}` : "";
    /** @type {[string, string][]} */
    const rows = [[pageText("review.in-data") + by, this.revealed ? shownLabels(item.candidate) : pageText("review.hidden")]];
    if (queue.blind && this.blind !== undefined) rows.push([pageText("review.you-said"), shownLabels(this.blind)]);
    for (const said of item.given) rows.push([pageText("review.given"), shownLabels(said)]);
    byId("review-candidate").replaceChildren(element("dl", {}, ...described(rows)));
    showText("review-state", decision === undefined ? pageText("review.undecided") : pageText(`review.done-${decision.decision}`, { value: shownLabels(decision.value ?? []) }));
    byId("review-accept").disabled = byId("review-change").disabled = !this.revealed;
    byId("review-keep").hidden = !(queue.blind && this.blind !== undefined && this.blind.length > 0 && !sameLabels(this.blind, item.candidate));
    this.choices.open(decision?.value ?? [], !this.revealed || (queue.questions.labels.length > 0 && queue.questions.labels.length <= 9 && !queue.questions.several));
    byId("review-previous").disabled = this.at === 0;
    byId("review-next").disabled = this.at === count - 1;
    byId("review-undo").disabled = !this.decisions.order.length;
    showText("review-left", count > done ? countedText("review.left", count - done) : "");
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("input, textarea, select")) {
      if (event.key === "Escape") byId("review-head").focus();
      else if (event.key === "Enter" && target.id === "review-find") {
        event.preventDefault(); // else the same key presses the button that has the focus next
        this.choices.pickNumber(1);
      }
      return;
    }
    const acts = new Map([
      ...WORDS.map(([word, key]) => /** @type {[string, () => void]} */ ([key, () => this.decide(word)])),
      ["n", () => byId("review-note").focus()], ["u", () => this.undo()], ["s", () => this.go(this.at + 1)],
      ["ArrowRight", () => this.go(this.at + 1)], ["ArrowLeft", () => this.go(this.at - 1)],
      ["f", () => this.choices.search.focus()],
    ]);
    if (event.key === "Enter" && target.matches("button, a, summary")) return;
    if (event.key === "Enter") acts.set("Enter", () => this.choices.finish());
    const act = acts.get(event.key) ?? (/^[1-9]$/.test(event.key) ? () => this.choices.pickNumber(Number(event.key)) : undefined);
    if (act === undefined) return;
    event.preventDefault();
    act();
  }

  async sign() {
    showText("review-problem", "");
    byId("review-signed").replaceChildren();
    try {
      if (owner.signer === null) throw new Refusal("no-key", pageText("review.no-key"));
      const file = await this.decisions.sign(owner.signer, Date.now());
      const name = "decisions.signed.json";
      byId("review-signed").replaceChildren(element("h3", {}, pageText("review.signed")),
        element("p", {}, element("a", { id: "review-result", class: "button primary", download: name, href: URL.createObjectURL(new Blob([new Uint8Array(file)], { type: "application/json" })) }, pageText("review.download", { name }))),
        element("p", {}, pageText("review.send")));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      showText("review-problem", error.message);
    }
  }
}

addEventListener("beforeunload", (event) => {
  if (review?.kept.safe === false || owner.unsaved) event.preventDefault();
});

try {
  if (globalThis.crypto?.subtle === undefined) throw new Refusal("no-crypto", pageText("review.no-crypto"));
  const files = parse(utf8(carried), { maxBytes: 2 * MAX_QUEUE });
  review = new Review(new Queue(files));
  review.show();
} catch (error) {
  const why = error instanceof Refusal ? error.message : pageText("review.damaged");
  main.append(element("p", { id: "review-refused", class: "problem", role: "alert" }));
  showText("review-refused", pageText("review.refused", { why }));
  if (!(error instanceof Refusal)) console.error(error);
}
