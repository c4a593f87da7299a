/**
 * The page that an audit file is: it checks the evidence in it, and shows what that answers. Nothing leaves it.
 *
 * Whatever else stands in the document goes first: what is shown comes from the evidence alone.
 */
import { answersOf } from "../../src/audit/answers/answers.js";
import { Known } from "../../src/audit/answers/known.js";
import { checkLog, unreadable, verifyEvidence } from "../../src/audit/check.js";
import { unpackEvidence } from "../../src/audit/evidence.js";
import { OpenedEvidence } from "../../src/audit/opened.js";
import { statedBy, titleOf } from "../../src/audit/subject.js";
import { attempt, Refusal, refuse } from "../../src/canon/errors.js";
import { visible } from "../../src/canon/quoting.js";
import { Trust } from "../../src/credentials/trust.js";
import { QUESTIONS } from "../../generated/questions.js";
import { MAX_TRUST_FILE_BYTES } from "../../generated/limits.js";
import { countedText, pageText } from "../texts.js";
import { checkRow, described, element, grouped, json, showText, sources, wordedText, written } from "../view.js";
import { Entries } from "./entries.js";
import { banner, questionRow } from "./view.js";

const TURN = 40; // milliseconds between two looks at the window

/** @typedef {import("../../src/verify/report.js").Report} Report */

const carried = document.querySelectorAll("#evidence");
const heading = element("h1", {}, pageText("audit.title"));
const status = element("p", { id: "progress", class: "quiet", role: "status" });
const main = element("main", {}, heading, status);
document.body.replaceChildren(main);

/** Let the window be drawn, and say how far it is. */
function meter() {
  let last = performance.now();
  return async (/** @type {number} */ done, /** @type {number} */ total) => {
    if (performance.now() - last < TURN) return;
    status.textContent = pageText("audit.checking", { done: grouped(done), total: grouped(total) });
    await new Promise((resume) => setTimeout(resume));
    last = performance.now();
  };
}

/** @param {OpenedEvidence} opened */
function show(opened) {
  const known = new Known(opened);
  const answers = answersOf(known);
  const kept = keptIn(opened);
  const entries = new Entries(opened, (did) => known.who(did));
  const verdict = element("div", { id: "judged" });
  const checks = element("ul", { class: "list checks", role: "list" });
  const open = element("ul", { id: "open" });
  const raw = element("div");
  const doubt = element("p", { class: "problem" }, pageText("audit.doubt"));
  const judge = (/** @type {Trust} */ trust, /** @type {string} */ believed) => {
    const report = verifyEvidence(opened, { trust, at: Date.now() });
    verdict.replaceChildren(banner(report), element("dl", { id: "facts" }, ...described(factsOf(opened, report, answers, believed))));
    doubt.hidden = report.verdict !== "invalid";
    checks.replaceChildren(...report.checks.map(checkRow));
    open.replaceChildren(...report.notProven.map((line) => element("li", {}, line)));
    raw.replaceChildren(written(json(report)));
  };
  const title = titleOf(opened);
  heading.textContent = visible(title);
  document.title = visible(title);
  main.replaceChildren(heading, verdict, element("p", { class: "quiet" }, ...wordedText("audit.itself")), believing(judge),
    element("h2", { id: "questions-head" }, pageText("audit.questions")), doubt,
    element("ol", { class: "list questions", role: "list", "aria-labelledby": "questions-head" },
      ...QUESTIONS.map((question, at) => questionRow(question, answers[at], (index) => entries.show(index), kept))),
    element("h2", {}, pageText("audit.evidence")),
    entries.whole,
    element("details", { id: "checks" }, element("summary", {}, pageText("audit.checks")), checks),
    element("details", {}, element("summary", {}, pageText("audit.not-proven")), open),
    element("details", { class: "whole" }, element("summary", {}, pageText("common.report-json")), raw),
    element("footer", {}, element("p", {}, pageText("audit.made-by", { sources: sources() }))));
  raw.id = "raw";
  judge(new Trust(), pageText("audit.nobody"));
  beforePrinting(entries);
}

/** How many entries the log checkpoint covers that the auditor kept; Infinity without one, or if it is not of this log. @param {OpenedEvidence} opened @returns {number} */
function keptIn(opened) {
  const { state, detail } = checkLog(opened);
  return state === "pass" ? detail.keptSize ?? Infinity : Infinity;
}

/** @param {OpenedEvidence} opened @param {Report} report @param {{state: string}[]} answers @param {string} believed @returns {[string, string][]} */
function factsOf(opened, report, answers, believed) {
  const { evidence, leftOut, genesis } = opened;
  const known = answers.filter(({ state }) => state === "answered").length;
  const log = report.checks.find(({ id }) => id === "log.checkpoint");
  const newest = [...opened.manifests.values()].at(-1)?.created ?? "";
  const [[word, subject]] = Object.entries(evidence.about);
  const seen = statedBy(opened, 0);
  /** @type {[string, string | undefined][]} */
  const rows = [
    ["about", `${word} ${subject}`],
    ["founded-by", genesis === null ? pageText("audit.not-established") : genesis.author],
    ["you-believe", believed],
    ["log-checkpoint", log?.state === "pass" ? countedText("audit.entries-of", evidence.leaves.length, { origin: log.detail.origin }) : pageText("audit.does-not-hold")],
    ["since", log?.state === "pass" && log.detail.keptSize !== undefined ? countedText("audit.new-entries", evidence.leaves.length - log.detail.keptSize) : undefined],
    ["newest", newest],
    ["outside-time", seen === null ? undefined : pageText("audit.seen", seen)],
    ["in-this-file", countedText("audit.objects", evidence.objects.size) + (leftOut ? countedText("audit.left-out", leftOut) : pageText("audit.left-out-nothing"))],
    ["questions", pageText("audit.questions-known", { known, unknown: answers.length - known })],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [/** @type {[string, string]} */ ([pageText(`audit.fact-${name}`), value])]));
}

/** Whom the reader believes. @param {(trust: Trust, believed: string) => void} judge */
function believing(judge) {
  const did = /** @type {HTMLInputElement} */ (element("input", { id: "did", type: "text", placeholder: pageText("common.publisher-placeholder"), autocomplete: "off", autocapitalize: "off", spellcheck: "false" }));
  const file = /** @type {HTMLInputElement} */ (element("input", { id: "trust", type: "file", accept: ".toml", hidden: "" }));
  const choose = element("button", { type: "button", id: "choose-trust" }, pageText("common.choose-trust"));
  const said = element("p", { id: "believed", class: "quiet", role: "status" });
  const take = (/** @type {() => Trust} */ make, /** @type {string} */ words) => {
    const trust = attempt(make);
    if (trust instanceof Refusal) {
      said.className = "problem";
      said.textContent = visible(trust.message);
      return;
    }
    said.className = "quiet";
    judge(trust, words);
    showText("believed", pageText("audit.judged-again", { words }));
  };
  const byKey = () => {
    const key = did.value.trim();
    return { make: () => (key ? Trust.of(key) : new Trust()), words: key || pageText("audit.nobody") };
  };
  // While somebody types, what is no key yet is no mistake.
  did.addEventListener("input", () => {
    const { make, words } = byKey();
    if (!(attempt(make) instanceof Refusal)) take(make, words);
  });
  did.addEventListener("change", () => {
    const { make, words } = byKey();
    if (attempt(make) instanceof Refusal) take(make, words);
  });
  file.addEventListener("change", async () => {
    const [given] = file.files ?? [];
    if (given === undefined) return;
    const source = given.size > MAX_TRUST_FILE_BYTES ? "" : await given.text();
    take(() => (source ? Trust.parse(source) : refuse("bad-trust", pageText("audit.bad-trust"))), pageText("audit.whom-file", { name: given.name }));
  });
  choose.onclick = () => file.click();
  return element("section", { id: "believe" }, element("p", { class: "choose" },
    element("label", { for: "did" }, pageText("audit.founder-key")), did, choose, file), said);
}

/** On paper everything is open, but the signed texts. @param {Entries} entries */
function beforePrinting(entries) {
  /** @type {Element[]} */
  let opened = [];
  addEventListener("beforeprint", () => {
    entries.draw(1000);
    opened = [...main.querySelectorAll("details:not([open], .whole)")];
    for (const one of opened) one.setAttribute("open", "");
  });
  addEventListener("afterprint", () => opened.forEach((one) => one.removeAttribute("open")));
}

/** @param {unknown} error */
function fail(error) {
  const refusal = error instanceof Refusal ? error : new Refusal("bad-audit", pageText("audit.program-failed"));
  const report = unreadable(refusal, Date.now());
  document.title = pageText("audit.title-invalid");
  main.replaceChildren(heading, banner(report), element("p", { class: "quiet" }, ...wordedText("audit.itself")),
    element("ul", { class: "list checks", role: "list" }, ...report.checks.map(checkRow)),
    element("details", {}, element("summary", {}, pageText("common.report-json")), element("div", { id: "raw" }, written(json(report)))));
}

try {
  if (carried.length !== 1) refuse("bad-audit", pageText("audit.not-one"));
  status.textContent = pageText("audit.reading");
  await new Promise((resume) => setTimeout(resume));
  show(await new OpenedEvidence(unpackEvidence(carried[0].textContent ?? "")).read(meter()));
} catch (error) {
  fail(error);
  if (!(error instanceof Refusal)) throw error;
}
