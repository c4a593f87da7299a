/**
 * What a page carries that asks people to decide about records: `queue.json`, and the manifests of queue and request (spec §26.5).
 *
 * ATTACK A219: whoever hands the page on puts another text beside a label. Nothing is shown or signed unless
 * the queue, which its author signed, names the digest of what is shown.
 */
import { blake3 } from "@noble/hashes/blake3.js";
import { hex, utf8 } from "../canon/bytes.js";
import { refuse } from "../canon/errors.js";
import { hasExactly, isObject, parseCanonical } from "../canon/json.js";
import { inputsIn, parseManifest } from "../history/manifests/manifest.js";

export const MAX_QUEUE = 1 << 28; // bytes
const MEMBERS = ["format", "salt", "request", "dataset", "reviewer", "round", "blind", "field", "text", "guideline", "questions", "items"];
const ITEM = ["item", "fields", "spans", "candidate", "by", "given"];
const ASKED = ["format", "title", "asks", "labels", "several", "reasons", "spans", "highlight", "questions"];

/** @typedef {{item: number, fields: {[name: string]: string}, spans: [number, number, string][], candidate: string[], by: string, given: string[][]}} Item */
/** @typedef {{id: string, asks: string, choices: string[]}} Further */
/** @typedef {{title: string, asks: string, labels: string[], several: boolean, reasons: string[], highlight: string[], questions: Further[]}} Questions */

/** A queue, as it came with a page: whole, and as its author signed it. */
export class Queue {
  /** @param {{queue: string, manifest: string, request: string}} carried The three files. */
  constructor(carried) {
    const bytes = utf8(carried.queue);
    const folder = parseCanonical(bytes, MAX_QUEUE);
    const manifest = parseManifest(utf8(carried.manifest));
    const request = parseManifest(utf8(carried.request));
    if (manifest.kind !== "queue" || request.kind !== "request") bad("it carries no queue");
    if (!hasExactly(folder, MEMBERS) || folder.format !== "lyrikstore-queue/1") bad("its queue has other members");
    const named = manifest.body.assignments.find((/** @type {any} */ one) => one.reviewer === folder.reviewer);
    const requestId = `blake3:${request.id}`;
    if (named === undefined || named.folder !== `blake3:${hex(blake3(bytes))}`) bad("what it shows is not what the author of the queue signed");
    if (folder.request !== requestId || inputsIn(manifest, "request")[0].id !== requestId) bad("its request is another one");
    if (!hasExactly(folder.questions, ASKED) || typeof folder.text !== "string" || !folder.items.every(isItem)) bad("an item in it has other members");
    if (!spansFit(folder)) bad("its spans are outside the text");
    this.id = `blake3:${manifest.id}`;
    /** @type {string} */
    this.name = manifest.name;
    /** @type {string} */
    this.reviewer = folder.reviewer;
    /** @type {string} */
    this.author = manifest.author;
    /** @type {boolean} */
    this.blind = folder.blind;
    /** @type {string} */
    this.field = folder.field;
    /** The field that is the text of the records; empty: none is. @type {string} */
    this.text = folder.text;
    /** @type {string} */
    this.guideline = folder.guideline;
    /** @type {boolean} */
    this.adjudicates = folder.round === "adjudication";
    /** @type {Questions} */
    this.questions = folder.questions;
    /** @type {Item[]} */
    this.items = folder.items;
    /** The numbers of the items. */
    this.known = new Set(this.items.map(({ item }) => item));
  }
}

/** Whether all spans are in the text, and some item has one. @param {{text: string, items: Item[]}} folder */
export const spansFit = ({ text, items }) => items.every(({ fields, spans }) => {
  const length = text && spans.length ? Array.from(fields[text] ?? "").length : 0;
  return spans.every(([start, end]) => start >= 0 && start < end && end <= length);
}) && (!text || items.some(({ fields }) => Object.hasOwn(fields, text)));

/** @param {any} one */
const isItem = (one) => hasExactly(one, ITEM) && Number.isSafeInteger(one.item) && isObject(one.fields) &&
  Object.values(one.fields).every((text) => typeof text === "string") && isTexts(one.candidate) && Array.isArray(one.spans) && one.spans.every(isSpan) && one.given.every(isTexts);

/** @param {any} value */
const isSpan = (value) => Array.isArray(value) && value.length === 3 && value.slice(0, 2).every(Number.isSafeInteger) && typeof value[2] === "string";

/** @param {any} value */
const isTexts = (value) => Array.isArray(value) && value.every((text) => typeof text === "string");

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("other-folder", `This page was changed after it was made, or is damaged: ${reason}.`);
}
