/** What a reviewer decided so far, and the file that they sign (spec §26.6). */
import { refuse } from "../canon/errors.js";
import { canonical, hasExactly, isObject, parse } from "../canon/json.js";
import { formatTimestamp } from "../canon/timestamps.js";
import { addProof } from "../crypto/proofs/eddsa_jcs.js";

export const MAX_FILE = 1 << 24; // bytes
export const MAX_NOTE = 2000; // characters
export const MAX_TEXT = 10_000;
const FORMAT = "lyrikstore-decisions/1";
const WORDS = ["accept", "change", "reject", "cannot-say"];
const DAY = 86_400_000;

/** @typedef {import("./queue.js").Queue} Queue */
/** @typedef {import("../draft/key.js").Signer} Signer */
/** @typedef {{item: number, decision: string, ms: number, value?: string[], blind?: string[], reason?: string, note?: string, answers?: {[id: string]: string}}} Decision */

/** Whether two lists of labels have the same labels. @param {string[]} left @param {string[]} right */
export const sameLabels = (left, right) => left.length === right.length && [...left].sort().every((one, at) => one === [...right].sort()[at]);

/** Under which name a browser keeps a decision. @param {Queue} queue @param {number} item */
export const shelfOf = ({ id, reviewer }, item) => `lyrikstore review ${id} ${reviewer} ${item}`;

/** Decisions by item, with the order in which they were made. */
export class Decisions {
  /** @param {Queue} queue */
  constructor(queue) {
    this.queue = queue;
    /** @type {Map<number, Decision>} */
    this.made = new Map();
    /** @type {number[]} */
    this.order = [];
    /** What was said before a candidate was shown: nobody unsees it, so it stays. @type {Map<number, string[]>} */
    this.blind = new Map();
  }

  /** Take what is said before the candidate of an item is shown; the first answer counts. @param {number} item @param {any} value */
  say(item, value) {
    if (this.queue.blind && this.queue.known.has(item) && !this.blind.has(item) && isValue(this.queue.questions, value)) this.blind.set(item, value);
  }

  /** @param {Decision} decision */
  set(decision) {
    if (!isDecision(this.queue, decision)) refuse("bad-decision-file", "This decision does not fit the queue.");
    this.say(decision.item, decision.blind);
    const blind = this.blind.get(decision.item);
    this.made.set(decision.item, blind === undefined ? decision : { ...decision, blind });
    this.order = [...this.order.filter((one) => one !== decision.item), decision.item];
  }

  /** Take the last decision back; return its item, or null. */
  undo() {
    const item = this.order.pop();
    if (item === undefined) return null;
    this.made.delete(item);
    return item;
  }

  /** The file before it is signed. */
  document() {
    const decisions = [...this.made.values()].sort((left, right) => left.item - right.item);
    return { format: FORMAT, queue: this.queue.id, reviewer: this.queue.reviewer, decisions };
  }

  /** Take over what was saved. @param {Uint8Array} bytes */
  load(bytes) {
    if (bytes.length > MAX_FILE) refuse("bad-decision-file", "This file is too long.");
    const file = parse(bytes, { maxBytes: MAX_FILE });
    if (!hasExactly(file, ["format", "queue", "reviewer", "decisions"]) || file.format !== FORMAT) refuse("bad-decision-file", "This is no file that this page saved.");
    if (file.queue !== this.queue.id || file.reviewer !== this.queue.reviewer) refuse("other-queue", "This file holds decisions about another queue.");
    if (!Array.isArray(file.decisions) || !file.decisions.every((/** @type {any} */ one) => isDecision(this.queue, one))) refuse("bad-decision-file", "A decision in this file does not fit the queue.");
    for (const one of file.decisions) this.set(one);
  }

  /** Return the signed file. @param {Signer} signer @param {number} now Milliseconds. */
  async sign(signer, now) {
    if (signer.did !== this.queue.reviewer) refuse("not-asked", `This queue is for another key: ${this.queue.reviewer}`);
    if (!this.made.size) refuse("no-decisions", "Nothing is decided yet.");
    return canonical(await addProof({ ...this.document(), created: formatTimestamp(now) }, signer));
  }
}

/** Whether a decision is one about this queue. @param {Queue} queue @param {any} one */
export function isDecision(queue, one) {
  if (!isObject(one)) return false;
  const { questions } = queue;
  const { item, decision, ms, value, blind, reason, note, answers, ...more } = one;
  const further = new Map(questions.questions.map(({ id, choices }) => [id, choices]));
  return Object.keys(more).length === 0 && queue.known.has(item) && WORDS.includes(decision) &&
    Number.isSafeInteger(ms) && ms >= 0 && ms <= DAY &&
    (decision === "change") === (value !== undefined) && (value === undefined || (value.length > 0 && isValue(questions, value))) &&
    queue.blind === (blind !== undefined) && (blind === undefined || isValue(questions, blind)) &&
    (reason === undefined || questions.reasons.includes(reason)) &&
    (note === undefined || (typeof note === "string" && note !== "" && Array.from(note).length <= MAX_NOTE && note.isWellFormed())) &&
    (answers === undefined || (isObject(answers) && Object.entries(answers).every(([id, answer]) => further.get(id)?.includes(answer))));
}

/** @param {import("./queue.js").Questions} questions @param {any} value */
function isValue({ labels, several }, value) {
  if (!Array.isArray(value) || !value.every((one) => typeof one === "string")) return false;
  const rising = value.every((one, at) => at === 0 || compare(value[at - 1], one) < 0);
  const known = labels.length ? value.every((one) => labels.includes(one)) : value.every((one) => Array.from(one).length <= MAX_TEXT && one.isWellFormed());
  return rising && known && (several || value.length <= 1);
}

/** The order of code points, as other programs sort. @param {string} left @param {string} right */
export function compare(left, right) {
  const [a, b] = [Array.from(left), Array.from(right)];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    if (a[at] !== b[at]) return /** @type {number} */ (a[at].codePointAt(0)) - /** @type {number} */ (b[at].codePointAt(0));
  }
  return a.length - b.length;
}
