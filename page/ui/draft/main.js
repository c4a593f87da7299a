/**
 * The page that asks an expert, and signs what they say. Nothing leaves it but files that they download.
 *
 * Whatever else stands in the document goes first: what is shown comes from the data alone.
 */
import { utf8 } from "../../src/canon/bytes.js";
import { Refusal } from "../../src/canon/errors.js";
import { parse } from "../../src/canon/json.js";
import { visible } from "../../src/canon/quoting.js";
import { MAX_LONG, problemsOf, sign } from "../../src/draft/attestation.js";
import { Draft } from "../../src/draft/draft.js";
import { countedText, pageText } from "../texts.js";
import { described, element, json } from "../view.js";
import { drawn, essentials, titleOf } from "./card.js";
import { disputed, pick, picked } from "./challenge.js";
import { choose, chosenOf, field, fill, line, linkTo, longText, radios, say } from "./fields.js";
import { Kept } from "./kept.js";
import { Owner } from "./owner.js";
import { openItems, preview } from "./preview.js";
import { enter, entryOf, questionsOf, settle, showProgress } from "./questions.js";

/** @typedef {import("../../src/draft/attestation.js").Entered} Entered */
/** @typedef {import("../../src/draft/attestation.js").Problem} Problem */

const carried = field("data").textContent;
const place = element("section", { id: "draft", "aria-labelledby": "draft-head" }, element("h2", { id: "draft-head" }, pageText("draft.answer-and-sign")));
const heading = element("h1", {}, pageText("draft.title"));
const main = element("main", {}, heading, place);
document.body.replaceChildren(main);
document.title = pageText("draft.title");
const owner = new Owner();
/** What is entered, kept. @type {Kept | undefined} */
let kept;

/** @param {Draft} draft */
function show(draft) {
  const { questions } = draft;
  const keeping = new Kept(draft, () => entered(draft), (/** @type {Entered} */ before) => restore(draft, before));
  kept = keeping;
  const open = questions.filter((one) => one.open).length;
  heading.textContent = visible(titleOf(draft));
  document.title = visible(`${pageText("draft.title")}: ${draft.subject.name}`);
  main.insertBefore(essentials(draft), place);
  place.append(
    element("p", {}, countedText("draft.lead", open)),
    radios("kind", pageText("draft.kind"), [["answers", pageText("draft.kind-answers")], ["challenge", pageText("draft.kind-challenge")]]),
    questionsOf(draft),
    disputed(draft),
    element("section", { "aria-labelledby": "draft-who-head" }, element("h3", { id: "draft-who-head", tabindex: "-1" }, pageText("draft.you")),
      line("name", pageText("draft.name"), { autocomplete: "name" }),
      longText("liability", pageText("draft.liability"), MAX_LONG, { rows: "2" })),
    keeping.section(),
    owner.section(),
    element("section", { "aria-labelledby": "draft-preview-head" }, element("h3", { id: "draft-preview-head" }, pageText("draft.preview")),
      element("dl", {}, ...described([[pageText("draft.about"), draft.subject.name],
        [pageText("draft.about-version"), draft.subject.manifest.slice("urn:".length)], [pageText("draft.about-card"), draft.cardId]])),
      openItems(draft),
      element("div", { id: "draft-preview" })),
    element("p", { class: "choose" }, element("button", { id: "draft-sign", type: "button", class: "primary" }, pageText("draft.sign"))),
    element("div", { id: "draft-problems", class: "problems", role: "alert", tabindex: "-1" }),
    element("section", { id: "draft-signed", "aria-labelledby": "draft-signed-head", hidden: "" }),
  );
  main.append(drawn(draft));
  for (const one of questions) settle(one);
  place.addEventListener("input", (/** @type {any} */ { target }) => {
    if (target.closest("#draft-key, #draft-find, #draft-load")) return;
    keeping.later();
    field("signed").hidden = true; // what was signed is no longer what is here
    showEntered(draft);
  });
  field("kind").addEventListener("change", turn);
  field("disputed").dispatchEvent(new Event("input"));
  showEntered(draft);
  keeping.begin();
  field("sign").onclick = () => press(draft);
}

/** Show what is to be done: to answer, or to dispute. */
function turn() {
  field("answers").hidden = chosenOf("kind") !== "answers";
  field("disputed").hidden = chosenOf("kind") === "answers";
}

/** Put back what was entered before. @param {Draft} draft @param {Entered} before */
function restore(draft, before) {
  choose("kind", before.kind);
  turn();
  for (const question of draft.questions) {
    const entry = before.entries.find((one) => one.question === question.id);
    if (entry) enter(question, entry);
  }
  pick(before.challenges);
  for (const name of /** @type {const} */ (["grounds", "name", "liability"])) fill(name, before[name]);
  field("signed").hidden = true;
  showEntered(draft);
}

/** Say how far it is, and what would be signed. @param {Draft} draft */
function showEntered(draft) {
  showProgress(draft);
  preview(draft, entered(draft));
}

/** @param {Draft} draft @returns {Entered} */
const entered = (draft) => ({
  kind: /** @type {any} */ (chosenOf("kind")),
  entries: draft.questions.map(entryOf),
  challenges: picked(),
  grounds: field("grounds").value,
  name: field("name").value,
  liability: field("liability").value,
});

/** @param {Draft} draft */
async function press(draft) {
  field("signed").hidden = true;
  const what = entered(draft);
  const problems = problemsOf(draft, what);
  const { signer } = owner;
  if (signer === null) problems.push({ field: "source", message: pageText("draft.no-key") });
  else if (owner.unsaved) problems.push({ field: "key-file", message: pageText("draft.key-unsaved") });
  complain(problems);
  if (problems.length || signer === null) return;
  try {
    signed(what.kind, await sign(draft, what, signer, Date.now()), draft);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    complain([{ field: "sign", message: error.message }]);
  }
}

/** Say why nothing was signed. @param {Problem[]} problems */
function complain(problems) {
  place.querySelectorAll("[aria-invalid]").forEach((/** @type {Element} */ one) => one.removeAttribute("aria-invalid"));
  const items = problems.map(({ field: name, message }) => {
    const control = controlOf(name);
    control.setAttribute("aria-invalid", "true");
    return element("li", {}, linkTo(() => control, message));
  });
  field("problems").replaceChildren(...(items.length ? [element("h3", {}, pageText("draft.not-signed")), element("ul", {}, ...items)] : []));
  if (items.length) field("problems").focus();
}

/** Where something can be changed. @param {string} name @returns {HTMLElement} */
function controlOf(name) {
  const found = field(name);
  return found.matches("input, textarea, button, a") ? found : found.querySelector("input, textarea");
}

/** @param {string} kind @param {Uint8Array} file @param {Draft} draft */
function signed(kind, file, draft) {
  const document = parse(file);
  const name = `${draft.subject.name.split("/").slice(1).join("-")}-${kind}.json`;
  const link = element("a", { id: "draft-result", class: "button primary", download: name,
    href: URL.createObjectURL(new Blob([new Uint8Array(file)], { type: "application/json" })) }, pageText("draft.download", { name }));
  const raw = element("pre", { id: "draft-raw", tabindex: "0" });
  raw.textContent = json(document);
  field("signed").replaceChildren(
    element("h3", { id: "draft-signed-head", tabindex: "-1" }, pageText("draft.signed")),
    element("p", {}, pageText("draft.signed-what")),
    element("p", {}, link), element("p", {}, pageText("draft.signed-who", { name: document.issuer.name, key: document.issuer.id })),
    element("details", {}, element("summary", {}, pageText("draft.signed-json")), raw));
  field("signed").hidden = false;
  field("signed-head").focus();
}

addEventListener("beforeunload", (event) => {
  kept?.now();
  if (kept?.safe === false || owner.unsaved) event.preventDefault();
});
addEventListener("pagehide", () => kept?.now());

try {
  if (globalThis.crypto?.subtle === undefined) throw new Refusal("no-crypto", pageText("draft.no-crypto"));
  show(new Draft(utf8(carried)));
} catch (error) {
  const why = error instanceof Refusal ? error.message : pageText("draft.damaged");
  place.append(element("p", { id: "draft-refused", class: "problem", role: "alert" }));
  say("refused", pageText("draft.refused", { why }));
}
