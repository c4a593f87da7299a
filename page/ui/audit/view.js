/** How the report on an audit file and its answers are shown. */
import { isLeftOut } from "../../src/verify/report.js";
import { countedText, pageText } from "../texts.js";
import { element, reasonLine, signed, signOf } from "../view.js";

const SHORT = 160; // characters
/** Verdict → its class. */
const KINDS = new Map([["trusted-without-data", "good"], ["valid-without-data", "doubt"], ["incomplete", "doubt"], ["invalid", "bad"]]);

/** @typedef {import("../../src/verify/report.js").Report} Report */
/** @typedef {import("../../src/audit/answers/tables.js").Answer} Answer */
/** @typedef {(index: number) => void} Show */

/** The verdict and what decided it. @param {Report} report */
export function banner({ verdict, checks }) {
  const kind = /** @type {string} */ (KINDS.get(verdict));
  const wanted = kind === "bad" ? "fail" : verdict === "incomplete" ? "unchecked" : "warn";
  const why = checks.filter((check) => check.state === wanted && check.detail.reason !== "unknown-founder" && !isLeftOut(check));
  const list = why.length ? [element("ul", { "aria-label": pageText("common.what-decided") }, ...why.map(reasonLine))] : [];
  return element("div", { id: "banner", class: kind },
    element("h2", { id: "verdict", class: kind, "data-verdict": verdict, tabindex: "-1" }, ...signed(signOf(verdict), pageText(`audit.verdict-${verdict}`))),
    element("p", {}, pageText(`audit.means-${verdict}`)), ...list);
}

/** One question, with its answer. @param {{text: string}} question @param {Answer} answer @param {Show} show @param {number} kept How many entries the auditor had seen: what rests on a later one is new. */
export function questionRow({ text }, answer, show, kept) {
  const known = answer.state === "answered";
  const mark = known ? element("span", { class: "mark pass" }, ...signed("✓", pageText("audit.answered"))) : element("span", { class: "mark warn" }, ...signed("?", pageText("audit.not-known")));
  return element("li", { id: `question-${answer.id}`, "data-state": answer.state }, element("details", {},
    element("summary", {}, mark, element("span", {}, text), element("span", { class: "short" }, newIn(answer, kept) + shortOf(answer))),
    ...(known ? [] : [element("p", {}, pageText("audit.not-known-because", { because: answer.because }))]),
    ...answer.tables.flatMap((table) => tableOf(text, table, show, kept))));
}

/** How many of its rows are new, in words. @param {Answer} answer @param {number} kept */
function newIn({ tables }, kept) {
  const count = tables.flatMap(({ rows }) => rows).filter((one) => isNew(one, kept)).length;
  return count ? pageText("audit.count-new", { count }) : "";
}

/** @param {{log: number[]}} row @param {number} kept */
const isNew = ({ log }, kept) => (log.at(-1) ?? 0) >= kept;

/** An answer in one line. @param {Answer} answer */
function shortOf({ because, tables }) {
  if (because) return because;
  const [{ rows, columns }] = tables;
  const first = rows[0].cells.filter((cell, at) => cell && at < columns.length).slice(0, 4).join(" · ");
  const line = first.length > SHORT ? `${first.slice(0, SHORT)}…` : first;
  return rows.length > 1 ? countedText("audit.rows", rows.length, { line }) : line;
}

/** @param {string} question @param {import("../../src/audit/answers/tables.js").Table} table @param {Show} show @param {number} kept */
function tableOf(question, { title, columns, rows }, show, kept) {
  const head = element("tr", {}, ...columns.map((column) => element("th", { scope: "col" }, column)), element("th", { scope: "col" }, pageText("audit.log-entries")));
  const body = rows.map(({ cells, log }) => element("tr", {}, ...cells.map((cell) => element("td", classOf(cell), cell)), element("td", {},
    ...(isNew({ log }, kept) ? [element("span", { class: "mark warn" }, pageText("audit.new")), " "] : []), ...links(log, show))));
  return [element("h3", {}, title), element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": pageText("audit.table-of", { title, question }) },
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)))];
}

/** Where a cell may be broken: a long word anywhere, a number nowhere, a time on paper alone. @param {string} cell @returns {{[name: string]: string}} */
function classOf(cell) {
  if (/\S{25}/.test(cell)) return { class: "long" };
  if (/\s/.test(cell)) return {};
  return { class: cell.length > 12 ? "moment" : "whole" };
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
