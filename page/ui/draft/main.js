/**
 * The page that asks an expert, and signs what they say. Nothing leaves it but files that they download.
 *
 * Whatever else stands in the document goes first: what is shown comes from the data alone.
 */
import { utf8 } from "../../src/canon/bytes.js";
import { Refusal } from "../../src/canon/errors.js";
import { parse } from "../../src/canon/json.js";
import { counted } from "../../src/canon/text.js";
import { MAX_LONG, problemsOf, sign } from "../../src/draft/attestation.js";
import { Draft } from "../../src/draft/draft.js";
import { element, json } from "../view.js";
import { drawn } from "./card.js";
import { disputed, pick, picked } from "./challenge.js";
import { choose, chosenOf, field, fill, line, linkTo, longText, radios, say } from "./fields.js";
import { Kept } from "./kept.js";
import { Owner } from "./owner.js";
import { openItems, preview } from "./preview.js";
import { asked, enter, entryOf, settle } from "./questions.js";

/** @typedef {import("../../src/draft/attestation.js").Entered} Entered */
/** @typedef {import("../../src/draft/attestation.js").Problem} Problem */

const carried = field("data").textContent;
const place = element("section", { id: "draft", "aria-labelledby": "draft-head" }, element("h2", { id: "draft-head" }, "Answer and sign"));
const main = element("main", {}, element("h1", {}, "A card to be answered"), place);
document.body.replaceChildren(main);
document.title = "A card to be answered";
const owner = new Owner();
/** What is entered, kept. @type {Kept | undefined} */
let kept;

/** @param {Draft} draft */
function show(draft) {
  const { questions } = draft;
  const keeping = new Kept(draft, () => entered(draft), (/** @type {Entered} */ before) => restore(draft, before));
  kept = keeping;
  const open = questions.filter((one) => one.open).length;
  place.append(
    element("p", {}, `${counted(open, "question is", "questions are")} open. Answer what you can, leave the rest open, and sign: you then ` +
      "download one file, and send it yourself to whoever gave you this page. This page sends nothing anywhere. " +
      "The facts that a question needs stand beside it; the whole card is at the end of the page."),
    element("dl", {}, element("dt", {}, "About"), element("dd", {}, draft.subject.name),
      element("dt", {}, "Its version"), element("dd", {}, draft.subject.manifest.slice("urn:".length)),
      element("dt", {}, "This card"), element("dd", {}, draft.cardId)),
    openItems(draft),
    radios("kind", "What do you want to do?", [["answers", "answer questions"], ["challenge", "dispute statements of the card"]]),
    element("section", { id: "draft-answers", "aria-label": "Questions" },
      ...questions.map((one, at) => asked(one, at + 1, questions.length))),
    disputed(draft),
    element("section", { "aria-labelledby": "draft-who-head" }, element("h3", { id: "draft-who-head" }, "You"),
      line("name", "Your name, and in what capacity you speak", { autocomplete: "name" }),
      longText("liability", "What you answer for, and how far: one sentence", MAX_LONG, { rows: "2" })),
    keeping.section(),
    owner.section(),
    element("section", { "aria-labelledby": "draft-preview-head" }, element("h3", { id: "draft-preview-head" }, "What you will sign"),
      element("div", { id: "draft-preview", class: "evidence" })),
    element("p", { class: "choose" }, element("button", { id: "draft-sign", type: "button", class: "primary" }, "Sign")),
    element("div", { id: "draft-problems", class: "problems", role: "alert", tabindex: "-1" }),
    element("section", { id: "draft-signed", "aria-labelledby": "draft-signed-head", hidden: "" }),
  );
  main.append(drawn(draft));
  for (const one of questions) settle(one);
  place.addEventListener("input", (/** @type {any} */ { target }) => {
    if (target.closest("#draft-key, #draft-find, #draft-load")) return;
    keeping.later();
    field("signed").hidden = true; // what was signed is no longer what is here
    preview(draft, entered(draft));
  });
  field("kind").addEventListener("change", turn);
  field("disputed").dispatchEvent(new Event("input"));
  preview(draft, entered(draft));
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
  if (signer === null) problems.push({ field: "source", message: "There is no key yet: make one, or open your key file." });
  else if (owner.unsaved) problems.push({ field: "key-file", message: "Download your key file first: without it you cannot sign as the same person again." });
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
  field("problems").replaceChildren(...(items.length ? [element("h3", {}, "Not signed yet"), element("ul", {}, ...items)] : []));
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
    href: URL.createObjectURL(new Blob([new Uint8Array(file)], { type: "application/json" })) }, `Download ${name}`);
  const raw = element("pre", { id: "draft-raw", tabindex: "0" });
  raw.textContent = json(document);
  field("signed").replaceChildren(
    element("h3", { id: "draft-signed-head", tabindex: "-1" }, "Signed. Nothing was sent"),
    element("p", {}, "Download the file and send it to whoever gave you this page. It holds what you said, what stood beside it, and your signature."),
    element("p", {}, link), element("p", {}, `Signed by ${document.issuer.name}, with the key ${document.issuer.id}`),
    element("details", {}, element("summary", {}, "What was signed, as JSON"), raw));
  field("signed").hidden = false;
  field("signed-head").focus();
}

addEventListener("beforeunload", (event) => {
  kept?.now();
  if (kept?.safe === false || owner.unsaved) event.preventDefault();
});
addEventListener("pagehide", () => kept?.now());

try {
  if (globalThis.crypto?.subtle === undefined) throw new Refusal("no-crypto", "This browser cannot sign here. Open the page from your disk in a current one.");
  show(new Draft(utf8(carried)));
} catch (error) {
  const why = error instanceof Refusal ? error.message : "This page was changed after it was made, or is damaged.";
  place.append(element("p", { id: "draft-refused", class: "problem", role: "alert" }));
  say("refused", `${why} Nothing can be signed with it: ask for it again.`);
}
