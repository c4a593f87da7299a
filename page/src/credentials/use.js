/** What terms say to a use (spec §19.2). Nothing infers anything from a licence identifier. */
import { refuse } from "../canon/errors.js";
import { counted } from "../canon/text.js";
import { isObject } from "../canon/json.js";
import { parseTimestamp } from "../canon/timestamps.js";
import { territoryWords } from "./territory.js";

/** @typedef {"prohibited" | "unknown" | "not-stated" | "undeclared" | "permitted"} Answer */
/** @typedef {[Answer, string]} Said What terms say to a use, and the word or limit that decides. */
/** @typedef {{acts: string[], at: number, territory: string[], seats: number | null, purposes: string[]}} Use What somebody wants to do, as far as they say; `acts`: words of permissions, all of which are needed. */
/** @typedef {import("./terms.js").Partition} Partition */

/** Worst first. @type {Answer[]} */
const ANSWERS = ["prohibited", "unknown", "not-stated", "undeclared", "permitted"];
/** Ends the reason why a use is not permitted that would be, had it said where or for whom it is. */
export const NOT_DECLARED = ", which the use does not declare";

/**
 * The use that a run is: its purpose, and its config's `use`; always `train`.
 *
 * ATTACK: a run for the purpose `evaluate`, on data that nobody may train on. Whatever a run is for, it changes
 * parameters of a model by means of the data.
 *
 * @param {any} body Of a run manifest.
 * @param {number} at
 * @returns {Use}
 */
export function useOfRun({ purpose, config }, at) {
  const declared = Object.hasOwn(config, "use") ? config.use : {};
  if (!isObject(declared)) return badUse();
  const { seats = null, also = [], territory = [], purposes = [] } = declared;
  if (seats !== null && !Number.isSafeInteger(seats)) badUse();
  const isWords = (/** @type {any} */ words) => Array.isArray(words) && words.every((word) => typeof word === "string");
  if (![also, territory, purposes].every(isWords)) badUse();
  return { acts: [...new Set(["train", purpose, ...also])], at, territory, seats, purposes };
}

/** What terms say to a use of some of their partitions, and why. @param {Partition[]} partitions Those that are used. @param {boolean} several Whether the terms have more than one. @param {Use} use @returns {Said} */
export function judgeTerms(partitions, several, use) {
  const rulings = partitions.map((part) => ({ name: part.name, said: judgePartition(part, use) }));
  const [answer] = worstOf(rulings.map(({ said }) => said));
  const decides = rulings.find(({ said }) => said[0] === answer);
  if (decides === undefined) return [answer, ""];
  const why = explained(answer, decides.said[1]);
  return [answer, several && why ? `${why} (partition ${decides.name})` : why];
}

/** @param {Answer} answer @param {string} reason */
function explained(answer, reason) {
  if (answer === "prohibited") return `prohibited: ${reason}`;
  if (answer === "not-stated") return `${reason} is not permitted`;
  return answer === "undeclared" ? `permitted ${reason}${NOT_DECLARED}` : "";
}

/** @param {Partition} part @param {Use} use @returns {Said} */
function judgePartition({ permits, prohibits, limits }, use) {
  const answer = (/** @type {string} */ act) => prohibits.includes(act) ? "prohibited" : permits.includes(act) ? "permitted" : "not-stated";
  return worstOf([...use.acts.map((act) => /** @type {Said} */ ([answer(act), act])), judgeLimits(limits, use)]);
}

/** Whether a use keeps within limits, and the limit that decides. @param {any} limits As `TermLimits`. @param {Use} use @returns {Said} */
export function judgeLimits({ territory = [], useFrom, useUntil, seats, purposes = [] }, use) {
  /** @type {Said[]} */
  const rulings = [["permitted", ""]];
  if (useFrom !== undefined && use.at < parseTimestamp(useFrom)) rulings.push(["prohibited", `only from ${useFrom}`]);
  if (useUntil !== undefined && use.at > parseTimestamp(useUntil)) rulings.push(["prohibited", `only until ${useUntil}`]);
  /** @param {boolean} declared @param {boolean} within @returns {Answer} */
  const bound = (declared, within) => !declared ? "undeclared" : within ? "permitted" : "prohibited";
  if (territory.length) {
    const inside = use.territory.every((place) => territory.includes(place) || territory.includes(place.split("-")[0]));
    rulings.push([bound(use.territory.length > 0, inside), `only in ${territoryWords(territory).join(", ")}`]);
  }
  if (seats !== undefined) {
    rulings.push([bound(use.seats !== null, use.seats !== null && use.seats <= seats), `for ${counted(seats, "person", "people")} at most`]);
  }
  if (purposes.length) {
    const inside = use.purposes.every((word) => purposes.includes(word));
    rulings.push([bound(use.purposes.length > 0, inside), `only for ${purposes.join(", ")}`]);
  }
  return worstOf(rulings);
}

/** The first of the worst; of none, what nothing stands against: permitted. @param {Said[]} rulings @returns {Said} */
function worstOf(rulings) {
  const worst = ANSWERS.find((answer) => rulings.some(([one]) => one === answer)) ?? "permitted";
  return rulings.find(([one]) => one === worst) ?? [worst, ""];
}

/** What every partition permits and none prohibits. @param {Partition[]} partitions @returns {string[]} */
export function permittedBy(partitions) {
  const [first, ...others] = partitions;
  return (first?.permits ?? []).filter((word) =>
    others.every(({ permits }) => permits.includes(word)) && !partitions.some(({ prohibits }) => prohibits.includes(word)));
}

/** @returns {never} */
function badUse() {
  return refuse("bad-use", "the config's use is malformed");
}
