/**
 * What a page carries that asks for answers: the card, its id, what it is about (spec §14.8.1).
 *
 * ATTACK: whoever hands the page on changes what stands beside a question, or the question, and gets
 * a signature under the old card. The page signs nothing unless the card that it shows has the id
 * that it names, and whoever takes the answers knows that id.
 */
import { blake3 } from "@noble/hashes/blake3.js";
import { hex } from "../canon/bytes.js";
import { refuse } from "../canon/errors.js";
import { canonical, hasExactly, isObject, parse } from "../canon/json.js";

export const MAX_DRAFT = 1 << 24; // bytes
const MAX_SEEN = 256; // statements beside a question, as an answer can name them
/** @type {{[kind: string]: string}} */
const TYPES = { checkpoint: "Checkpoint", dataset: "Dataset" };
const URN = /^urn:blake3:[0-9a-f]{64}$/;

/** @typedef {{id: string, title: string, text: string, state: string, by?: string, was?: string, about?: string, value?: unknown, evidence?: string[]}} Statement */
/** @typedef {{id: string, asks: string, guidance: string, choices: string[], shows: Statement[], said: Statement[], open: boolean}} Question */

/** States that somebody has to do something about. */
const OPEN = ["not-established", "stale", "contradicted"];

/** A card that asks, as it came with a page. */
export class Draft {
  /** @param {Uint8Array} bytes JSON; refused unless it is whole and fits together. */
  constructor(bytes) {
    const draft = parse(bytes, { maxBytes: MAX_DRAFT });
    if (!hasExactly(draft, ["card", "cardId", "subject"]) || !isObject(draft.card)) bad("it has other members");
    const { card, cardId, subject } = draft;
    if (cardId !== `blake3:${hex(blake3(canonical(card)))}`) bad("the card in it is not the one that it names");
    if (!hasExactly(subject, ["type", "id", "files", "manifest", "store", "name"])) bad("what it is about has other members");
    for (const name of ["id", "files", "manifest", "store"]) if (!URN.test(subject[name])) bad(`${name} is no urn:blake3`);
    const about = card.subject;
    if (subject.manifest !== `urn:${about?.id}` || subject.store !== `urn:${about.store}` || subject.name !== about.name || subject.type !== TYPES[about.kind]) {
      bad("the card is about something else");
    }
    this.cardId = /** @type {string} */ (cardId);
    /** What is signed about, to be drawn. @type {any} */
    this.card = card;
    /** @type {{[name: string]: string}} */
    this.subject = subject;
    /** @type {Map<string, Statement>} */
    this.statements = new Map(card.statements.map((/** @type {Statement} */ one) => [one.id, one]));
    /** Open ones first. @type {Question[]} */
    this.questions = card.questions.map((/** @type {any} */ one) => this.question(one))
      .sort((/** @type {Question} */ left, /** @type {Question} */ right) => Number(right.open) - Number(left.open));
  }

  /** @param {any} one @returns {Question} */
  question(one) {
    const shows = this.named(one.shows).filter(({ text }) => text).slice(0, MAX_SEEN);
    const said = this.named(one.statements);
    const closed = closing(said).length > 0;
    return { ...one, shows, said, open: !closed || said.some(({ state }) => state === "contradicted") };
  }

  /** @param {string[]} ids @returns {Statement[]} */
  named(ids) {
    return [...new Set(ids)].map((id) => this.statements.get(id) ?? bad(`it has no statement ${id}`));
  }
}

/**
 * The answers to a question that close its items (spec §24.3).
 *
 * ATTACK A201: whoever made the model answers beside an expert who does not know.
 * @template {{state: string, own?: boolean}} Answer @param {Answer[]} answers @returns {Answer[]}
 */
export function closing(answers) {
  const doubted = answers.some(({ state, own }) => OPEN.includes(state) && !own);
  return answers.filter(({ state, own }) => !OPEN.includes(state) && !(own && doubted));
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-draft", `This page was changed after it was made, or is damaged: ${reason}.`);
}
