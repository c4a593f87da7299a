/** How the report on an audit file and its answers are shown. */
import { counted } from "../../src/canon/text.js";
import { isLeftOut } from "../../src/verify/report.js";
import { element, json, signed, written } from "../view.js";

const SHORT = 160; // characters
const MARK = new Map([
  ["pass", ["✓", "pass"]], ["fail", ["✗", "fail"]], ["warn", ["!", "warning"]],
  ["stated", ["»", "stated"]], ["unchecked", ["?", "not checked"]], ["n/a", ["–", "n/a"]],
]);
/** Sign, class, headline, what it means. @type {Map<string, [string, string, string, string]>} */
const VERDICT = new Map([
  ["trusted-without-data", ["✓", "good", "Everything that can be checked without the data holds", "The founder of the store is one that you believe. The data itself is not in this file."]],
  ["valid-without-data", ["!", "doubt", "Everything that can be checked without the data holds, but you have not said whom you believe", "Anybody can found a store: compare the founder's key with one that you received by another way, and enter it below."]],
  ["incomplete", ["–", "doubt", "Incomplete: something needed to decide is missing", "Ask for a file that has what is named here."]],
  ["invalid", ["✗", "bad", "Invalid: do not rely on this file", "Something in it was changed, cut or forged, or signed by nobody who may."]],
]);

/** @typedef {import("../../src/verify/report.js").Report} Report */
/** @typedef {import("../../src/verify/report.js").Check} Check */
/** @typedef {import("../../src/audit/answers/tables.js").Answer} Answer */
/** @typedef {(index: number) => void} Show */

/** The verdict and what decided it. @param {Report} report */
export function banner({ verdict, checks }) {
  const [sign, kind, words, meaning] = /** @type {[string, string, string, string]} */ (VERDICT.get(verdict));
  const wanted = kind === "bad" ? "fail" : verdict === "incomplete" ? "unchecked" : "warn";
  const why = checks.filter((check) => check.state === wanted && check.detail.reason !== "unknown-founder" && !isLeftOut(check));
  const list = why.length ? [element("ul", { "aria-label": "What decided" }, ...why.map(({ id, summary }) => element("li", {}, element("strong", {}, id), ` ${summary}`)))] : [];
  return element("div", { id: "banner", class: kind },
    element("h2", { id: "verdict", class: kind, "data-verdict": verdict, tabindex: "-1" }, ...signed(sign, words)),
    element("p", {}, meaning), ...list);
}

/** @param {Check} check */
export function checkRow({ id, state, summary, spec, detail }) {
  const [sign, word] = /** @type {string[]} */ (MARK.get(state));
  return element("li", { "data-check": id, "data-state": state }, element("details", {},
    element("summary", {}, element("span", { class: `mark ${state.replace("/", "")}` }, ...signed(sign, word)), element("strong", {}, id), element("span", {}, summary)),
    written(`${spec}\n${json(detail)}`)));
}

/** One question, with its answer. @param {{text: string}} question @param {Answer} answer @param {Show} show @param {number} kept How many entries the auditor had seen: what rests on a later one is new. */
export function questionRow({ text }, answer, show, kept) {
  const known = answer.state === "answered";
  const mark = known ? element("span", { class: "mark pass" }, ...signed("✓", "answered")) : element("span", { class: "mark warn" }, ...signed("?", "not known"));
  return element("li", { id: `question-${answer.id}`, "data-state": answer.state }, element("details", {},
    element("summary", {}, mark, element("span", {}, text), element("span", { class: "short" }, newIn(answer, kept) + shortOf(answer))),
    ...(known ? [] : [element("p", {}, `Not known: ${answer.because}.`)]),
    ...answer.tables.flatMap((table) => tableOf(text, table, show, kept))));
}

/** How many of its rows are new, in words. @param {Answer} answer @param {number} kept */
function newIn({ tables }, kept) {
  const count = tables.flatMap(({ rows }) => rows).filter((one) => isNew(one, kept)).length;
  return count ? `${count} new · ` : "";
}

/** @param {{log: number[]}} row @param {number} kept */
const isNew = ({ log }, kept) => (log.at(-1) ?? 0) >= kept;

/** An answer in one line. @param {Answer} answer */
function shortOf({ because, tables }) {
  if (because) return because;
  const [{ rows, columns }] = tables;
  const first = rows[0].cells.filter((cell, at) => cell && at < columns.length).slice(0, 4).join(" · ");
  const line = first.length > SHORT ? `${first.slice(0, SHORT)}…` : first;
  return rows.length > 1 ? `${counted(rows.length, "row")}: ${line}` : line;
}

/** @param {string} question @param {import("../../src/audit/answers/tables.js").Table} table @param {Show} show @param {number} kept */
function tableOf(question, { title, columns, rows }, show, kept) {
  const head = element("tr", {}, ...columns.map((column) => element("th", { scope: "col" }, column)), element("th", { scope: "col" }, "log entries"));
  const body = rows.map(({ cells, log }) => element("tr", {}, ...cells.map((cell) => element("td", classOf(cell), cell)), element("td", {},
    ...(isNew({ log }, kept) ? [element("span", { class: "mark warn" }, "new"), " "] : []), ...links(log, show))));
  return [element("h3", {}, title), element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}, a table: ${question}` },
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)))];
}

/** Where a cell may be broken. @param {string} cell @returns {{[name: string]: string}} */
function classOf(cell) {
  if (/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/.test(cell)) return { class: "moment" };
  return /\S{25}/.test(cell) ? { class: "long" } : {};
}

/** @param {number[]} log @param {Show} show */
function links(log, show) {
  return log.flatMap((index, at) => {
    const link = element("a", { href: `#entry-${index}`, class: "number" }, String(index));
    link.onclick = (event) => {
      event.preventDefault();
      show(index);
    };
    return at ? [", ", link] : [link];
  });
}
