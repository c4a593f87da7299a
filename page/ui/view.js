/** How a report is shown. Text nodes only, of what can be seen: nothing a document says becomes markup, or turns a line around. */
import { UNSEEN, visible } from "../src/canon/quoting.js";
import { isDoubtful } from "../src/verify/report.js";
import { countedText, pageText } from "./texts.js";

/** State of a check → its sign. */
const MARK = new Map([["pass", "✓"], ["fail", "✗"], ["warn", "!"], ["stated", "»"], ["unchecked", "?"], ["n/a", "–"]]);
/** Verdict → its sign. */
const SIGN = new Map([
  ["trusted", "✓"], ["valid", "!"], ["trusted-without-data", "✓"], ["valid-without-data", "!"], ["incomplete", "–"], ["invalid", "✗"],
]);
/** Reason of a right that a folder rests on → the text that says so. @type {Map<unknown, string>} */
const RIGHTS = new Map([["taken-back-later", "revoked"], ["ended-later", "ended"]]);
/** Verdict on a deployed folder → what it means, where that differs. */
const DEPLOYED = new Map([["trusted", "deployed-trusted"], ["invalid", "deployed-invalid"]]);
/** What is only checked of one kind of presented credential, and the kind. */
const KINDS = ["grant", "attestation", "terms"];
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

/** Return a text as nodes: what stands between backquotes is code. @param {string} name @param {import("./texts.js").Places} [places] */
export const wordedText = (name, places = {}) =>
  pageText(name, places).split("`").map((part, at) => (at % 2 ? element("code", {}, part) : part));

/** What the page was made of, as it says itself. */
export const sources = () => document.querySelector("meta[name=sources]")?.getAttribute("content") ?? "";

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
  const { words, meaning } = wordsOf(report);
  const failures = report.checks.filter((check) => check.state === "fail").length;
  byId("verdict").className = report.verdict;
  byId("banner").className = report.verdict;
  const more = failures ? countedText("verification.failed", failures) : onlyStated(report);
  byId("verdict").replaceChildren(...signed(signOf(report.verdict), words + more));
  byId("meaning").textContent = meaning;
  byId("standing").hidden = report.standing === undefined;
  byId("standing").textContent = standingOf(report);
  byId("why").replaceChildren(...deciding(report).map(reasonLine));
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
  return standing.asOf === null ? pageText("verification.standing-unknown") : pageText("verification.standing-since", { moment: standing.asOf });
}

/** Rows of a description list. @param {[string, string | Node][]} rows */
export const described = (rows) => rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);

/** A number for people. @param {number} value */
export const grouped = (value) => value.toLocaleString("en");

/** A check that decided. @param {import("../src/verify/report.js").Check} check */
export const reasonLine = ({ id, summary }) => element("li", {}, element("strong", {}, id), ` ${summary}`);

/** The sign of a verdict. @param {string} verdict */
export const signOf = (verdict) => /** @type {string} */ (SIGN.get(verdict));

/** One check, with its details folded up, unless it failed. @param {import("../src/verify/report.js").Check} check */
export function checkRow({ id, state, summary, spec, detail }) {
  const name = state.replace("/", "");
  const prefix = state === "stated" || state === "unchecked" ? pageText(`common.before-${state}`) : "";
  const line = [
    element("span", { class: `mark ${name}` }, ...signed(/** @type {string} */ (MARK.get(state)), pageText(`common.state-${name}`))), " ",
    element("strong", {}, id), " ", element("span", {}, prefix + summary),
  ];
  const details = element("details", {}, element("summary", {}, ...line), written(`${spec}\n${json(detail)}`));
  if (state === "fail") details.setAttribute("open", "");
  return element("li", { "data-check": id, "data-state": state }, details);
}

/** @param {import("../src/verify/report.js").Check} check */
const isStated = ({ state }) => state === "stated";

/** The verdict and what it means, in words. @param {import("../src/verify/report.js").Report} report */
function wordsOf(report) {
  const { verdict, checks, parts } = report;
  const pair = (/** @type {string} */ name, of = name) => ({ words: pageText(`verification.verdict-${name}`), meaning: pageText(`verification.means-${of}`) });
  const rights = deciding(report).find(({ id }) => id === "deployment.rights");
  if (verdict === "valid" && rights !== undefined && deciding(report).length === 1) {
    const { reason } = rights.detail;
    return pair(String(reason).startsWith("base-") ? "base-rights" : RIGHTS.get(reason) ?? "unknown-rights");
  }
  if (checks.some(({ id }) => id === "deployment.files")) {
    return pair(verdict, DEPLOYED.get(verdict) ?? verdict);
  }
  const looked = checks.some(({ id, state }) => id === "data.files" && state === "pass");
  if (verdict !== "trusted" || looked) return pair(verdict);
  return pair(verdict, parts === undefined ? "bare" : "presented");
}

/** What a good verdict rests on beside the checks. @param {import("../src/verify/report.js").Report} report */
function onlyStated({ verdict, checks }) {
  const said = checks.filter(isStated).map(({ id }) => id);
  return said.length && (verdict === "trusted" || verdict === "valid") ? pageText("verification.only-stated", { checks: said.join(", ") }) : "";
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
  const kind = KINDS.find((check) => part.checks.some(({ id }) => id === check)) ?? "credential";
  return nested(part, at, pageText("verification.part", { number: at + 1 }),
    pageText(`verification.part-${kind}`, { subject: part.subject, issuer: part.issuer ?? pageText("verification.nobody") }));
}

/** What somebody else attests. @param {any} one @param {number} at */
function attestationRow(one, at) {
  const { nickname } = one.checks.find((/** @type {any} */ { id }) => id === "trust.issuer")?.detail ?? {};
  const by = nickname === undefined ? one.issuer ?? pageText("verification.nobody") : `${nickname}, ${one.issuer}`;
  // ATTACK: a conclusion that goes on as if another had drawn it. What they say comes last.
  return nested(one, at, String(one.kind ?? "attestation"), pageText("verification.attested", { by, what: one.conclusion ?? one.id }));
}

/** @param {{verdict: string, checks: import("../src/verify/report.js").Check[]}} part @param {number} at @param {string} name @param {string} line */
function nested({ verdict, checks }, at, name, line) {
  const [words] = pageText(`verification.verdict-${verdict}`).split(/[,:]/);
  return element("li", { "data-part": String(at) },
    element("details", {},
      element("summary", {}, element("span", { class: `mark ${verdict}` }, ...signed(signOf(verdict), words)), " ",
        element("strong", {}, name), " ", element("span", {}, line)),
      element("ul", { class: "checks", role: "list" }, ...checks.map(checkRow))));
}
