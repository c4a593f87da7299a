/** What belongs to a record beside the report: what was judged, by what and by whose word, and how to do it again. */
import { counted } from "../src/canon/text.js";
import { blake3 } from "../src/canon/digest.js";

/** @typedef {import("../src/verify/report.js").Report} Report */
/** @typedef {{command: string, title: string, rows: [string, string][]}} Setting */
/** @typedef {{given: string, target: string, folder: string | null, at: string, challenge?: string, domain?: string, title?: string}} Asked What the user gave and entered; `title`: what to call it, where no credential says so. */
/** @typedef {{words: string, name: string | null, bytes: Uint8Array | null}} Believed `name`: of a trust file that the user has. */

const PLAIN = /^[A-Za-z0-9_./:@+=][A-Za-z0-9_./:@+=-]{0,200}$/;
const MAX_TITLE = 200;
const WORDS = /** @type {const} */ ([
  ["pass", "passed"], ["fail", "failed"], ["warn", "with a warning"], ["stated", "stated, not checked"],
  ["unchecked", "not made"], ["n/a", "not applicable"],
]);

/** @param {Report} report @param {any} credential @param {Asked} asked @param {Believed} believed @returns {Setting} */
export function settingOf(report, credential, asked, believed) {
  // The subject of a grant is whoever holds it: a name there is no name of what was judged.
  const subject = credential?.credentialSubject;
  const name = subject?.contentRoot === undefined ? credential?.name : subject.name;
  const title = asked.title ?? (typeof name === "string" && name ? name.slice(0, MAX_TITLE) : report.subject);
  const nickname = report.checks.find(({ id }) => id === "trust.issuer")?.detail.nickname;
  const issuer = report.issuer ?? "nobody named";
  const digest = believed.bytes === null ? "" : `, BLAKE3 ${blake3(believed.bytes)}`;
  /** @type {[string, string][]} */
  const rows = [
    ["what was judged", title === report.subject ? title : `${title}, ${report.subject}`],
    ["signed by", nickname === undefined ? issuer : `${nickname}, ${issuer}`],
    ["judged for the moment", report.at],
    ["trust", `${believed.words}${digest}`],
    ["what was given", asked.given],
    ["checks", tally(report)],
    ["verified by", `the page of lyrikstore made of the sources ${sources()}`],
  ];
  if (asked.at) rows.splice(3, 0, ["verified on", `${new Date().toISOString().slice(0, 19)}Z`]);
  return { command: again(asked, believed), title, rows };
}

/** How many checks ended how. @param {Report} report */
function tally({ checks }) {
  const parts = WORDS.map(([state, words]) => [checks.filter((check) => check.state === state).length, words]);
  return `${counted(checks.length, "check")}: ${parts.filter(([count]) => count).map(([count, words]) => `${count} ${words}`).join(", ")}`;
}

const sources = () => document.querySelector("meta[name=sources]")?.getAttribute("content") ?? "";

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
