/** Answers: tables of texts, each row with the log entries that it is taken from (spec §22.5). */

/** @typedef {import("../../../generated/questions.js").Question} Question */
/** @typedef {{cells: string[], log: number[]}} Row */
/** @typedef {{title: string, columns: string[], rows: Row[]}} Table */
/** @typedef {{id: string, state: "answered" | "not-known", because: string, tables: Table[]}} Answer */
/** @typedef {{tables: {[name: string]: Row[]}, because?: string}} Found What evidence says to a question. `because`: code of the reason why this is no answer; without one it is, if there is a row. */

/** A row; the log indices are sorted, each once. @param {number[]} log @param {...string} cells @returns {Row} */
export const row = (log, ...cells) => ({ cells, log: [...new Set(log)].sort((left, right) => left - right) });

/** The answer to a question, in the question's words. @param {Question} question @param {Found} found @returns {Answer} */
export function answer({ id, tables, because }, found) {
  const made = Object.entries(tables).map(([name, words]) => ({ ...words, rows: found.tables[name] ?? [] })).filter(({ rows }) => rows.length);
  const code = found.because || (made.length ? "" : "none");
  return { id, state: code ? "not-known" : "answered", because: code ? because[code] : "", tables: made };
}
