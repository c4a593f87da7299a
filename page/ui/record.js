/** What belongs to a record beside the report: what was judged, by what and by whose word, and how to do it again. */
import { blake3 } from "../src/canon/digest.js";
import { countedText, pageText } from "./texts.js";
import { sources } from "./view.js";

/** @typedef {import("../src/verify/report.js").Report} Report */
/** @typedef {{command: string, title: string, rows: [string, string][]}} Setting */
/** @typedef {{given: string, target: string, folder: string | null, at: string, challenge?: string, domain?: string, title?: string}} Asked What the user gave and entered; `title`: what to call it, where no credential says so. */
/** @typedef {{words: string, name: string | null, bytes: Uint8Array | null}} Believed `name`: of a trust file that the user has. */

const PLAIN = /^[A-Za-z0-9_./:@+=][A-Za-z0-9_./:@+=-]{0,200}$/;
const MAX_TITLE = 200;
const STATES = /** @type {const} */ (["pass", "fail", "warn", "stated", "unchecked", "n/a"]);
/** What a row is called. @param {string} name */
const label = (name) => pageText(`verification.record-${name}`);

/** @param {Report} report @param {any} credential @param {Asked} asked @param {Believed} believed @returns {Setting} */
export function settingOf(report, credential, asked, believed) {
  // The subject of a grant is whoever holds it: a name there is no name of what was judged.
  const subject = credential?.credentialSubject;
  const name = subject?.contentRoot === undefined ? credential?.name : subject.name;
  const title = asked.title ?? (typeof name === "string" && name ? name.slice(0, MAX_TITLE) : report.subject);
  const nickname = report.checks.find(({ id }) => id === "trust.issuer")?.detail.nickname;
  const issuer = report.issuer ?? pageText("verification.nobody");
  const digest = believed.bytes === null ? "" : `, BLAKE3 ${blake3(believed.bytes)}`;
  /** @type {[string, string][]} */
  const rows = [
    [label("judged"), title === report.subject ? title : `${title}, ${report.subject}`],
    [label("signed-by"), nickname === undefined ? issuer : `${nickname}, ${issuer}`],
    [label("moment"), report.at],
    [label("trust"), `${believed.words}${digest}`],
    [label("given"), asked.given],
    [label("checks"), tally(report)],
    [label("verified-by"), pageText("verification.this-page", { sources: sources() })],
  ];
  if (asked.at) rows.splice(3, 0, [label("verified-on"), `${new Date().toISOString().slice(0, 19)}Z`]);
  return { command: again(asked, believed), title, rows };
}

/** How many checks ended how. @param {Report} report */
function tally({ checks }) {
  const counts = STATES.map((state) => /** @type {const} */ ([state, checks.filter((check) => check.state === state).length])).filter(([, count]) => count);
  const found = counts.map(([state, count]) => pageText(`verification.tally-${state.replace("/", "")}`, { count })).join(", ");
  return countedText("verification.tally", checks.length, { found });
}

/** @param {Asked} asked @param {Believed} believed */
function again({ target, folder, at, challenge, domain }, { name }) {
  const words = ["lyrikstore verify", word(target, "FILE")];
  if (folder !== null) words.push("--data", word(folder, "FOLDER"));
  if (name !== null) words.push("--trust", word(name, "FILE"));
  for (const [option, value] of /** @type {[string, string | undefined][]} */ ([["--at", at], ["--challenge", challenge], ["--domain", domain]])) {
    if (value) words.push(option, word(value, "TEXT"));
  }
  return words.join(" ");
}

/** ATTACK: the name of a file, copied into a shell. @param {string} text @param {string} otherwise */
const word = (text, otherwise) => (PLAIN.test(text) ? text : otherwise);
