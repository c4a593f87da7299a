/** How a report is shown. Text nodes only, of what can be seen: nothing a document says becomes markup, or turns a line around. */
import { counted } from "../src/canon/text.js";
import { UNSEEN, visible } from "../src/canon/quoting.js";
import { isDoubtful } from "../src/verify/report.js";

const MARK = new Map([
  ["pass", ["✓", "pass"]], ["fail", ["✗", "fail"]], ["warn", ["!", "warning"]],
  ["stated", ["»", "stated"]], ["unchecked", ["?", "not checked"]], ["n/a", ["–", "n/a"]],
]);
const BEFORE = new Map([["stated", "stated, not checked: "], ["unchecked", "not checked: "]]);
const VERDICT = new Map([
  ["trusted", ["✓", "Trusted", "The files are exactly those that somebody you believe signed for. Use the data as the licence says."]],
  ["valid", ["!", "Valid, but your trust does not know who signed", "Everything fits together. Anybody could have made it: compare the key with one you received by another way."]],
  ["trusted-without-data", ["✓", "Everything that can be checked without the data holds", "Somebody you believe signed it. What rests on content that was left out was not checked: see below."]],
  ["valid-without-data", ["!", "Everything that can be checked without the data holds, but your trust does not know who signed", "Anybody could have made it. What rests on content that was left out was not checked: see below."]],
  ["incomplete", ["–", "Incomplete: something needed to decide is missing", "Ask for what is named here, or give it to this page."]],
  ["invalid", ["✗", "Invalid", "Something differs, ran out, was revoked or is forged. Do not use the data; ask the publisher."]],
]);
const WITHOUT_DATA = "Somebody you believe signed it, and every check that has to be made holds.";
/** Of a deployed folder. @type {Map<string, string>} */
const DEPLOYED = new Map([
  ["trusted", "The folder is exactly the one that somebody you believe deployed. Use the model as its card and NOTICE say."],
  ["invalid", "Something differs, was added, was revoked or is forged. Do not load it; ask whoever deployed it."],
]);
const ENDED = ["Valid, but the rights to its data have ended", "Everything fits together, and its rights held when it was made; they have ended: see below."];
const REVOKED = ["Valid, but a right that it rests on was revoked later",
  "Everything fits together, and its rights held when it was made; one was revoked: see below."];
const BASE_RIGHTS = ["Valid, but it recorded no right to what a model before it learned from",
  "Everything fits together, and so do the rights to its own data; an earlier version asked for no more."];
const UNKNOWN_RIGHTS = ["Valid, but your trust does not know who permitted it",
  "Everything fits together, but you do not believe whoever gave the rights that it rests on."];
const PRESENTED = "Somebody you believe signed each credential in it, and every check that has to be made holds.";
/** What is only checked of one kind of presented credential, and what to call that kind. */
const KINDS = [["grant", "a licence grant about "], ["attestation", "an attestation about "], ["terms", "the terms of "]];
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {{[name: string]: string}} [attributes]
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.map(seen));
  return made;
}

/** @param {Node | string} child */
const seen = (child) => (typeof child === "string" ? visible(child) : child);

/** Say something in a place of the page, unless it stands there: a screen reader reads every change. @param {string} id @param {string} words */
export function showText(id, words) {
  const said = visible(words);
  if (byId(id).textContent !== said) byId(id).textContent = said;
}

/** JSON to be read: what does not show is spelt out as JSON itself does it. @param {unknown} value */
export function json(value) {
  const unit = (/** @type {string} */ one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value, null, 2).replace(UNSEEN, (found) => (found === "\n" ? found : found.split("").map(unit).join("")));
}

/** A text of several lines, made by the page itself. @param {string} text */
export function written(text) {
  const made = element("pre", { tabindex: "0" });
  made.textContent = text;
  return made;
}

/** @param {string} tag @param {{[name: string]: string | number}} attributes @param {...(Node | string)} children */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children.map(seen));
  return made;
}

/** A sign for the eye, and words: a screen reader does not read "ballot x". @param {string} sign @param {string} words */
export const signed = (sign, words) => [element("span", { "aria-hidden": "true" }, `${sign} `), words];

/**
 * @param {import("../src/verify/report.js").Report} report
 * @param {Node[]} lineage
 * @param {import("./record.js").Setting} setting
 */
export function showReport(report, lineage, setting) {
  const [sign, words, meaning] = wordsOf(report);
  const failures = report.checks.filter((check) => check.state === "fail").length;
  byId("verdict").className = report.verdict;
  byId("banner").className = report.verdict;
  const more = failures ? `: ${counted(failures, "check")} failed` : onlyStated(report);
  byId("verdict").replaceChildren(...signed(sign, words + more));
  byId("meaning").textContent = meaning;
  byId("standing").hidden = report.standing === undefined;
  byId("standing").textContent = standingOf(report);
  byId("why").replaceChildren(...deciding(report).map(({ id, summary }) => element("li", {}, element("strong", {}, id), ` ${summary}`)));
  byId("facts").replaceChildren(...described(setting.rows));
  const said = report.checks.filter(isStated);
  byId("checks").replaceChildren(...report.checks.filter((check) => !isStated(check)).map(checkRow), ...(report.parts ?? []).map(partRow));
  byId("unproved").hidden = said.length === 0;
  byId("stated").replaceChildren(...said.map(checkRow));
  const heard = report.checks.find(({ id }) => id === "attestations")?.detail.attestations ?? [];
  byId("heard").hidden = heard.length === 0;
  byId("others").replaceChildren(...heard.map(attestationRow));
  byId("open").replaceChildren(...report.notProven.map((line) => element("li", {}, line)));
  byId("lineage").replaceChildren(...lineage);
  byId("origins").hidden = lineage.length === 0;
  byId("same").textContent = setting.command;
  byId("raw").textContent = json(report);
  byId("answer").hidden = false;
  document.title = visible(`${report.verdict}: ${setting.title}`); // what a printed page or a PDF is called
  byId("verdict").focus();
}

/** In how far it is known that the issuer stands by it, in a sentence. @param {import("../src/verify/report.js").Report} report */
function standingOf({ standing }) {
  if (standing === undefined) return "";
  const known = standing.asOf === null ? ": no status list says so" : ` since ${standing.asOf}, when the newest status list here was made`;
  return `Whether the issuer still stands by it is not known${known}.`;
}

/** Rows of a description list. @param {[string, string | Node][]} rows */
export const described = (rows) => rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);

/** A number for people. @param {number} value */
export const grouped = (value) => value.toLocaleString("en");

/** @param {import("../src/verify/report.js").Check} check */
function checkRow(check) {
  const word = (BEFORE.get(check.state) ?? "") + check.summary;
  const [sign, state] = /** @type {string[]} */ (MARK.get(check.state));
  const line = [
    element("span", { class: `mark ${check.state.replace("/", "")}` }, ...signed(sign, state)), " ",
    element("strong", {}, check.id), " ", element("span", {}, word),
  ];
  const details = element("details", {}, element("summary", {}, ...line),
    written(`${check.spec}\n${json(check.detail)}`));
  const row = element("li", { "data-check": check.id, "data-state": check.state }, details);
  if (check.state === "fail") details.setAttribute("open", "");
  return row;
}

/** @param {import("../src/verify/report.js").Check} check */
const isStated = ({ state }) => state === "stated";

/** Sign, verdict and what it means, in words. @param {import("../src/verify/report.js").Report} report */
function wordsOf(report) {
  const { verdict, checks, parts } = report;
  const [sign, words, meaning] = /** @type {string[]} */ (VERDICT.get(verdict));
  const folder = checks.some(({ id }) => id === "deployment.files");
  const rights = deciding(report).find(({ id }) => id === "deployment.rights");
  if (verdict === "valid" && rights !== undefined && deciding(report).length === 1) {
    const reason = String(rights.detail.reason);
    if (reason.startsWith("base-")) return [sign, ...BASE_RIGHTS];
    const later = { "taken-back-later": REVOKED, "ended-later": ENDED }[reason];
    return [sign, ...(later ?? UNKNOWN_RIGHTS)];
  }
  if (folder) return [sign, words, DEPLOYED.get(verdict) ?? meaning];
  const looked = checks.some(({ id, state }) => id === "data.files" && state === "pass");
  const bare = parts === undefined ? WITHOUT_DATA : PRESENTED;
  return [sign, words, verdict === "trusted" && !looked ? bare : meaning];
}

/** What a good verdict rests on beside the checks. @param {import("../src/verify/report.js").Report} report */
function onlyStated({ verdict, checks }) {
  const said = checks.filter(isStated).map(({ id }) => id);
  return said.length && (verdict === "trusted" || verdict === "valid") ? `; stated, not checked: ${said.join(", ")}` : "";
}

/** The checks that kept the verdict from being better. @param {import("../src/verify/report.js").Report} report */
function deciding({ verdict, checks }) {
  if (verdict === "trusted") return [];
  if (verdict === "valid") return checks.filter(isDoubtful);
  const state = verdict === "invalid" ? "fail" : "unchecked";
  return checks.filter((check) => check.state === state);
}

/** One credential of a presentation, with its own checks. @param {import("../src/verify/report.js").Report} part @param {number} at */
function partRow(part, at) {
  const kind = KINDS.find(([check]) => part.checks.some(({ id }) => id === check))?.[1] ?? "";
  return nested(part, at, `credential ${at + 1}`, `${kind}${part.subject} by ${part.issuer ?? "nobody named"}`);
}

/** What somebody else attests. @param {any} one @param {number} at */
function attestationRow(one, at) {
  const { nickname } = one.checks.find((/** @type {any} */ { id }) => id === "trust.issuer")?.detail ?? {};
  const by = nickname === undefined ? one.issuer ?? "nobody named" : `${nickname}, ${one.issuer}`;
  // ATTACK: a conclusion that goes on as if another had drawn it. What they say comes last.
  return nested(one, at, String(one.kind ?? "attestation"), `by ${by}: ${one.conclusion ?? one.id}`);
}

/** @param {{verdict: string, checks: import("../src/verify/report.js").Check[]}} part @param {number} at @param {string} name @param {string} line */
function nested({ verdict, checks }, at, name, line) {
  const [sign, words] = /** @type {string[]} */ (VERDICT.get(verdict));
  return element("li", { "data-part": String(at) },
    element("details", {},
      element("summary", {}, element("span", { class: `mark ${verdict}` }, ...signed(sign, words.split(/[,:]/)[0])), " ",
        element("strong", {}, name), " ", element("span", {}, line)),
      element("ul", { class: "checks", role: "list" }, ...checks.map(checkRow))));
}
