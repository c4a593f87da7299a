/** All entries of the log, each with what was signed. They are drawn when somebody looks: a log may have a million. */
import { short } from "../../src/canon/digest.js";
import { REASONS } from "../../src/audit/refs.js";
import { entryAt, statedBy } from "../../src/audit/subject.js";
import { countedText, pageText } from "../texts.js";
import { byId, element, grouped, json, written } from "../view.js";

const AT_ONCE = 1000;
const COLUMNS = ["entry", "what", "name", "signed-by", "claimed-time"];

/** @typedef {import("../../src/audit/opened.js").OpenedEvidence} OpenedEvidence */

export class Entries {
  /** @param {OpenedEvidence} opened @param {(did: string) => string} who What to call a key. */
  constructor(opened, who) {
    this.opened = opened;
    this.who = who;
    const { leaves } = opened.evidence;
    this.next = 0;
    this.list = element("ol", { class: "list entries", role: "list" });
    this.more = element("button", { id: "more", type: "button" }, pageText("audit.more"));
    this.more.onclick = () => this.draw(this.next + AT_ONCE);
    const head = element("div", { class: "head", "aria-hidden": "true" },
      element("span"), ...COLUMNS.map((name) => element("span", {}, pageText(`audit.column-${name}`))));
    this.whole = element("details", { id: "entries" },
      element("summary", {}, pageText("audit.all-entries", { count: grouped(leaves.length) })),
      element("p", { class: "quiet" }, pageText("audit.entries-order")),
      element("div", { class: "entries" }, head), this.list, this.more);
    this.whole.addEventListener("toggle", () => this.draw(AT_ONCE));
  }

  /** Draw the entries up to one, as far as they are not. @param {number} until */
  draw(until) {
    const { leaves, objects } = this.opened.evidence;
    const drawn = [];
    while (this.next < Math.min(until, leaves.length)) {
      const start = this.next;
      const isHere = (/** @type {number} */ at) => leaves[at].type !== "transaction" && objects.has(leaves[at].id);
      if (isHere(start)) {
        drawn.push(this.#row(start));
        this.next += 1;
        continue;
      }
      const { type } = leaves[start];
      while (this.next < leaves.length && leaves[this.next].type === type && !isHere(this.next)) this.next += 1;
      drawn.push(absent(start, this.next - 1, type, leaves[start].id));
    }
    this.list.append(...drawn);
    this.more.hidden = this.next >= leaves.length;
  }

  /** Open an entry, and go there. @param {number} index */
  show(index) {
    this.whole.setAttribute("open", "");
    this.draw(index + 1);
    let at = index;
    while (at > 0 && !byId(`entry-${at}`)) at -= 1; // it stands among others that are not in the file
    const row = byId(`entry-${at}`);
    row.querySelector("details")?.setAttribute("open", "");
    row.scrollIntoView({ block: "start" });
    (row.querySelector("summary") ?? row).focus();
  }

  /** @param {number} index */
  #row(index) {
    const { type, kind, name, signer, claimed, effect, id, text, value } = entryAt(this.opened, index);
    const what = kind || (type === "manifest" ? pageText("audit.no-manifest") : type);
    const details = element("details", { class: "whole" },
      element("summary", {}, element("span", { class: "number" }, String(index)), element("span", {}, what),
        element("span", {}, effect ? pageText("audit.name-without-effect", { name }) : name), element("span", {}, this.who(signer)), element("span", { class: "number" }, claimed)));
    // ATTACK: megabytes in each. They are drawn when it is opened.
    details.addEventListener("toggle", () => {
      if (details.childElementCount > 1) return;
      if (effect) details.append(element("p", { class: "problem" }, pageText("audit.without-effect", { reason: REASONS[effect] })));
      const seen = statedBy(this.opened, index);
      if (seen !== null) details.append(element("p", {}, pageText("audit.existed", seen)));
      details.append(element("p", { class: "quiet" }, `${type} blake3:${id}`), written(value === null ? text ?? "" : json(value)));
    });
    return element("li", { id: `entry-${index}` }, details);
  }
}

/** Entries of which only the ids are in the file. @param {number} first @param {number} last @param {string} type @param {string} id */
function absent(first, last, type, id) {
  const which = first === last ? String(first) : `${first}–${last}`;
  const words = countedText(`audit.absent-${type === "transaction" ? type : "object"}`, last - first + 1, { type });
  return element("li", { id: `entry-${first}`, tabindex: "-1" }, element("div", { class: "bare" }, element("span", {}),
    element("span", { class: "number" }, which), element("span", {}, first === last ? `${words}: ${short(id)}` : words)));
}
