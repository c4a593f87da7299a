/** What is signed: the answers or challenges that were entered, as an attestation (spec §14.8.3). */
import { cardAttestation } from "../../generated/answers_schema.js";
import pins from "../../generated/pins.js";
import { hex } from "../canon/bytes.js";
import { refuse } from "../canon/errors.js";
import { canonical } from "../canon/json.js";
import { formatTimestamp } from "../canon/timestamps.js";
import { addProof } from "../crypto/proofs/eddsa_jcs.js";

const CONTEXTS = ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/lyrikstore/v2"];
const SCHEMA = "https://w3id.org/lyrikstore/schemas/attestation-credential-2.json";
export const MAX_ANSWER = 4000; // characters
export const MAX_LONG = 10_000;
export const MAX_NAME = 1000;
export const MAX_ITEMS = 256;
const CONTROL = /(?!\n)\p{Cc}/u;

/** @typedef {import("./draft.js").Draft} Draft */
/** @typedef {import("./draft.js").Question} Question */
/** @typedef {import("./key.js").Signer} Signer */
/** @typedef {"open" | "value" | "unknown" | "not-applicable"} State */
/** @typedef {{question: string, state: State, text: string, choice: string, scope: "version" | "name"}} Entry */
/**
 * What somebody entered.
 *
 * @typedef {object} Entered
 * @property {"answers" | "challenge"} kind
 * @property {Entry[]} entries
 * @property {string[]} challenges Ids of statements.
 * @property {string} grounds
 * @property {string} name
 * @property {string} liability
 */
/** @typedef {{field: string, message: string}} Problem `field`: where in the form. */

/** How many characters a text has, as its limit counts them. @param {string} text */
export const lengthOf = (text) => Array.from(text).length;

/**
 * Return why nothing is signed yet; nothing if all is well.
 *
 * @param {Draft} draft
 * @param {Entered} entered
 * @returns {Problem[]}
 */
export function problemsOf(draft, { kind, entries, challenges, grounds, name, liability }) {
  /** @type {Problem[]} */
  const found = [];
  const add = (/** @type {string} */ field, /** @type {string | null} */ message) => {
    if (message !== null) found.push({ field, message });
  };
  if (kind === "answers") {
    const given = entries.filter(({ state }) => state !== "open");
    if (!given.length) add("answers", "Nothing is answered yet.");
    if (given.length > MAX_ITEMS) add("answers", `One file holds at most ${MAX_ITEMS} answers.`);
    for (const one of given) {
      const asked = /** @type {Question} */ (draft.questions.find(({ id }) => id === one.question));
      const text = `text-${one.question}`;
      if (one.state === "value" && asked.choices.length && !one.choice) add(`choice-${one.question}`, `“${asked.asks}”: nothing is chosen.`);
      add(text, wrongWith(one.text, MAX_ANSWER, `“${asked.asks}”: ${one.state === "value" ? "the answer" : "the reason"}`));
    }
  } else {
    if (!challenges.length) add("challenges", "No statement is picked yet.");
    if (challenges.length > MAX_ITEMS) add("challenges", `One file holds at most ${MAX_ITEMS} statements.`);
    add("grounds", wrongWith(grounds, MAX_LONG, "Why they are wrong"));
  }
  add("name", wrongWith(name, MAX_NAME, "Your name"));
  add("liability", wrongWith(liability, MAX_LONG, "What you answer for"));
  return found;
}

/** @param {string} text @param {number} limit @param {string} what @returns {string | null} */
function wrongWith(text, limit, what) {
  if (!text.trim()) return `${what} is missing.`;
  const length = lengthOf(text);
  if (length > limit) return `${what} has ${length} characters; ${limit} are the most.`;
  const control = CONTROL.exec(text)?.[0];
  if (control !== undefined) {
    const code = /** @type {number} */ (control.codePointAt(0)).toString(16).toUpperCase().padStart(4, "0");
    return `${what} holds a control character, U+${code}, at character ${lengthOf(text.slice(0, text.indexOf(control))) + 1}: delete it.`;
  }
  return text.isWellFormed() ? null : `${what} holds half a character: type it again.`;
}

/**
 * Return the signed document as the bytes of its file.
 *
 * @param {Draft} draft
 * @param {Entered} entered Without problems.
 * @param {Signer} signer
 * @param {number} now Milliseconds.
 * @param {string} [id] For test vectors.
 */
export async function sign(draft, entered, signer, now, id = uuid()) {
  const moment = formatTimestamp(now);
  const unsigned = {
    "@context": CONTEXTS,
    id,
    type: ["VerifiableCredential", "AttestationCredential"],
    issuer: { id: signer.did, name: entered.name },
    validFrom: moment,
    credentialSchema: { id: SCHEMA, type: "JsonSchema", digestSRI: pins.cardAttestation },
    credentialSubject: { ...draft.subject, attestation: attestationOf(draft, entered) },
  };
  const signed = await addProof(unsigned, signer, moment);
  // ATTACK: a card whose ids or texts are such that whoever is given the answers refuses them.
  if (!cardAttestation(signed)) refuse("schema", "The card of this page is of a form for which nothing can be signed.");
  return canonical(signed);
}

/** @param {Draft} draft @param {Entered} entered */
function attestationOf(draft, { kind, entries, challenges, grounds, liability }) {
  const card = `urn:${draft.cardId}`;
  if (kind === "challenge") return { type: "Attestation", kind, card, challenges, grounds, liability };
  const answers = entries.filter(({ state }) => state !== "open").map((one) => answerOf(draft, one));
  return { type: "Attestation", kind, card, answers, liability };
}

/** @param {Draft} draft @param {Entry} entry */
function answerOf(draft, { question, state, text, choice, scope }) {
  const { asks, shows } = /** @type {Question} */ (draft.questions.find(({ id }) => id === question));
  const seen = shows.map(({ id, text: shown }) => ({ type: "SeenStatement", statement: id, text: shown }));
  return {
    type: "Answer", question, asks, state, text, scope,
    ...(state === "value" && choice ? { choice } : {}),
    ...(seen.length ? { seen } : {}),
  };
}

/** A random UUID; `crypto.randomUUID` is younger than some browsers in use. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return `urn:uuid:${hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`;
}
