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
import { counted } from "../../src/canon/text.js";
import { Trust } from "../../src/credentials/trust.js";
import { QUESTIONS } from "../../generated/questions.js";
import { MAX_TRUST_FILE_BYTES } from "../../generated/limits.js";
import { described, element, grouped, json, showText, written } from "../view.js";
import { Entries } from "./entries.js";
import { banner, checkRow, questionRow } from "./view.js";

const TURN = 40; // milliseconds between two looks at the window
const ITSELF = "A page that checks itself is no proof of itself: whoever changed it could have changed this sentence, too. " +
  "Check the same file with a program of your own: lyrikstore verify FILE.";

/** @typedef {import("../../src/verify/report.js").Report} Report */

const carried = document.querySelectorAll("#evidence");
const heading = element("h1", {}, "An audit file");
const status = element("p", { id: "progress", class: "quiet", role: "status" });
const main = element("main", {}, heading, status);
document.body.replaceChildren(main);

/** Let the window be drawn, and say how far it is. */
function meter() {
  let last = performance.now();
  return async (/** @type {number} */ done, /** @type {number} */ total) => {
    if (performance.now() - last < TURN) return;
    status.textContent = `Checking signature ${grouped(done)} of ${grouped(total)} …`;
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
  const doubt = element("p", { class: "problem" }, "This file is invalid: what follows is what it says, not what is so.");
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
  main.replaceChildren(heading, verdict, element("p", { class: "quiet" }, ITSELF), believing(judge),
    element("h2", { id: "questions-head" }, "Questions"), doubt,
    element("ol", { class: "list questions", role: "list", "aria-labelledby": "questions-head" },
      ...QUESTIONS.map((question, at) => questionRow(question, answers[at], (index) => entries.show(index), kept))),
    element("h2", {}, "Evidence"),
    entries.whole,
    element("details", { id: "checks" }, element("summary", {}, "Checks"), checks),
    element("details", {}, element("summary", {}, "What is not proven"), open),
    element("details", { class: "whole" }, element("summary", {}, "The report as JSON"), raw),
    element("footer", {}, element("p", {}, `This file was made by lyrikstore. It holds signed statements and no data. Program: ${sources()}`)));
  raw.id = "raw";
  judge(new Trust(), "nobody yet");
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
  return [
    ["about", `${word} ${subject}`],
    ["founded by", genesis === null ? "not established" : genesis.author],
    ["you believe", believed],
    ["log checkpoint", log?.state === "pass" ? `${counted(evidence.leaves.length, "entry")} of ${log.detail.origin}` : "does not hold"],
    ...(log?.state === "pass" && log.detail.keptSize !== undefined ? /** @type {[string, string][]} */ ([["since you looked", sinceOf(evidence.leaves.length - log.detail.keptSize)]]) : []),
    ["newest claimed time", newest],
    ...(seen === null ? [] : /** @type {[string, string][]} */ ([["outside time", `entry 0 existed by ${seen.time}, as ${seen.by} says; lyrikstore verify judges that`]])),
    ["in this file", counted(evidence.objects.size, "signed object") + (leftOut ? `; ${counted(leftOut, "entry is", "entries are")} left out` : "; nothing is left out")],
    ["questions", `${known} answered, ${answers.length - known} not known`],
  ];
}

/** @param {number} count */
const sinceOf = (count) => `${counted(count, "new entry")}, nothing rewritten: what rests on one is marked new`;

/** Whom the reader believes. @param {(trust: Trust, believed: string) => void} judge */
function believing(judge) {
  const did = /** @type {HTMLInputElement} */ (element("input", { id: "did", type: "text", placeholder: "did:key:z6Mk…", autocomplete: "off", autocapitalize: "off", spellcheck: "false" }));
  const file = /** @type {HTMLInputElement} */ (element("input", { id: "trust", type: "file", accept: ".toml", hidden: "" }));
  const choose = element("button", { type: "button", id: "choose-trust" }, "or your trust file");
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
    showText("believed", `Judged again: you believe ${words}.`);
  };
  const byKey = () => {
    const key = did.value.trim();
    return { make: () => (key ? Trust.of(key) : new Trust()), words: key || "nobody yet" };
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
    take(() => (source ? Trust.parse(source) : refuse("bad-trust", "the trust file is empty or too large")), `whom ${given.name} names`);
  });
  choose.onclick = () => file.click();
  return element("section", { id: "believe" }, element("p", { class: "choose" },
    element("label", { for: "did" }, "The founder's key, as you know it"), did, choose, file), said);
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

const sources = () => document.querySelector("meta[name=sources]")?.getAttribute("content") ?? "";

/** @param {unknown} error */
function fail(error) {
  const refusal = error instanceof Refusal ? error : new Refusal("bad-audit", "the program of this page failed on it");
  const report = unreadable(refusal, Date.now());
  document.title = "Invalid: an audit file";
  main.replaceChildren(heading, banner(report), element("p", { class: "quiet" }, ITSELF),
    element("ul", { class: "list checks", role: "list" }, ...report.checks.map(checkRow)),
    element("details", {}, element("summary", {}, "The report as JSON"), element("div", { id: "raw" }, written(json(report)))));
}

try {
  if (carried.length !== 1) refuse("bad-audit", "not an audit file: it has no evidence, or several");
  status.textContent = "Reading the evidence …";
  await new Promise((resume) => setTimeout(resume));
  show(await new OpenedEvidence(unpackEvidence(carried[0].textContent ?? "")).read(meter()));
} catch (error) {
  fail(error);
  if (!(error instanceof Refusal)) throw error;
}
