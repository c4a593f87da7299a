/** What was entered so far, kept for another day: by the browser, or in a file (spec §14.8.4). */
import { refuse } from "../canon/errors.js";
import { hasExactly, isObject } from "../canon/json.js";
import { MAX_DRAFT } from "./draft.js";

/** @typedef {import("./attestation.js").Entered} Entered */
/** @typedef {import("./attestation.js").Entry} Entry */
/** @typedef {import("./draft.js").Draft} Draft */

const FORMAT = "lyrikstore-draft/1";
const STATES = ["open", "value", "unknown", "not-applicable"];
const TEXTS = ["grounds", "name", "liability"];

/** Under which name a browser keeps what is entered about a card. @param {Draft} draft */
export const shelfOf = (draft) => `lyrikstore draft ${draft.cardId}`;

/** What was entered, as a text; no key is in it. @param {Draft} draft @param {Entered} entered @param {string} at When. */
export const written = (draft, entered, at) => JSON.stringify({ format: FORMAT, card: draft.cardId, at, entered });

/**
 * Return what somebody entered before, and when.
 *
 * ATTACK A155: answers to another card, or to questions that this one does not ask, are put under a signature.
 *
 * @param {Draft} draft
 * @param {string} text
 * @returns {{entered: Entered, at: string}}
 */
export function readEntered(draft, text) {
  if (text.length > MAX_DRAFT) bad("it is too long");
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    bad("it is no JSON");
  }
  if (!hasExactly(found, ["format", "card", "at", "entered"]) || found.format !== FORMAT || typeof found.at !== "string") bad("it has another form");
  if (found.card !== draft.cardId) refuse("other-card", "This file holds answers to another card, or to another state of it.");
  const { entered } = found;
  if (!hasExactly(entered, ["kind", "entries", "challenges", ...TEXTS]) || !["answers", "challenge"].includes(entered.kind)) bad("it has other members");
  for (const name of TEXTS) if (typeof entered[name] !== "string") bad(`${name} is no text`);
  if (!Array.isArray(entered.entries) || !entered.entries.every((/** @type {unknown} */ one) => isEntry(draft, one))) bad("an answer in it is to no question of the card");
  if (!Array.isArray(entered.challenges) || !entered.challenges.every((/** @type {any} */ id) => draft.statements.has(id))) bad("it disputes what the card does not state");
  return { entered, at: found.at };
}

/** @param {Draft} draft @param {any} one */
function isEntry(draft, one) {
  if (!isObject(one) || !hasExactly(one, ["question", "state", "text", "choice", "scope"])) return false;
  const asked = draft.questions.find(({ id }) => id === one.question);
  return asked !== undefined && STATES.includes(one.state) && typeof one.text === "string" &&
    ["", ...asked.choices].includes(one.choice) && ["version", "name"].includes(one.scope);
}

/** @param {string} reason @returns {never} */
function bad(reason) {
  return refuse("bad-saved", `This is no file that this page saved: ${reason}.`);
}
