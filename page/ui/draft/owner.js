/** Whose key signs: a new one, or the one in a key file. */
import { Refusal, refuse } from "../../src/canon/errors.js";
import { fingerprint, keyWords, newSeed, signerOf } from "../../src/draft/key.js";
import { checkPassphrase, MAX_KEY_FILE, openKey, sealKey } from "../../src/draft/key_file.js";
import { pageText } from "../texts.js";
import { described, element } from "../view.js";
import { chosenOf, field, line, radios, say } from "./fields.js";

/** @typedef {import("../../src/draft/key.js").Signer} Signer */

/** The key that signs, once there is one. */
export class Owner {
  constructor() {
    /** @type {Signer | null} */
    this.signer = null;
    /** Whether its file still has to be downloaded. */
    this.unsaved = false;
    this.link = /** @type {HTMLAnchorElement} */ (element("a", { id: "draft-key-file", class: "button" }, pageText("draft.key-download")));
  }

  /** Return the part of the form that asks for it. */
  section() {
    const hidden = (/** @type {string} */ name, /** @type {string} */ label, kind = "current-password") =>
      line(name, label, { type: "password", autocomplete: kind });
    const fresh = element("form", { id: "draft-fresh" }, hidden("passphrase", pageText("draft.passphrase-new"), "new-password"),
      hidden("again", pageText("draft.passphrase-again"), "new-password"), element("button", { id: "draft-make" }, pageText("draft.key-make")));
    const kept = element("form", { id: "draft-kept-key", hidden: "" }, line("file", pageText("draft.key-file"), { type: "file", accept: ".json" }),
      hidden("old-passphrase", pageText("draft.passphrase")), element("button", { id: "draft-open" }, pageText("draft.key-open")));
    const made = element("section", { id: "draft-key", "aria-labelledby": "draft-key-head" },
      element("h3", { id: "draft-key-head" }, pageText("draft.key")),
      element("p", {}, pageText("draft.key-what")),
      radios("source", pageText("draft.key-which"), [["fresh", pageText("draft.key-new")], ["kept-key", pageText("draft.key-kept")]]), fresh, kept,
      element("p", { id: "draft-key-status", role: "status" }), element("p", { id: "draft-key-problem", class: "problem", role: "alert" }),
      element("div", { id: "draft-key-ready", hidden: "" }));
    made.addEventListener("change", () => {
      for (const one of [fresh, kept]) one.hidden = one.id !== `draft-${chosenOf("source")}`;
    });
    fresh.onsubmit = (event) => this.settle(event, () => this.make());
    kept.onsubmit = (event) => this.settle(event, () => this.open());
    this.link.onclick = () => { this.unsaved = false; };
    return made;
  }

  async make() {
    const passphrase = checkPassphrase(field("passphrase").value);
    if (passphrase !== field("again").value) refuse("other-passphrase", pageText("draft.passphrases-differ"));
    const seed = newSeed();
    const file = await sealKey(seed, passphrase);
    this.take(await signerOf(seed));
    URL.revokeObjectURL(this.link.href);
    this.link.href = URL.createObjectURL(new Blob([new Uint8Array(file)], { type: "application/json" }));
    this.link.download = "my-key.json";
    this.unsaved = true;
    field("key-ready").append(element("p", {}, pageText("draft.key-keep")),
      element("p", {}, this.link));
  }

  async open() {
    const [file] = field("file").files;
    if (!file) refuse("no-file", pageText("draft.key-choose"));
    if (file.size > MAX_KEY_FILE) refuse("bad-key-file", pageText("draft.key-too-large", { most: MAX_KEY_FILE }));
    this.take(await openKey(new Uint8Array(await file.arrayBuffer()), field("old-passphrase").value));
    this.unsaved = false;
  }

  /** @param {Signer} signer */
  take(signer) {
    this.signer = signer;
    for (const id of ["passphrase", "again", "old-passphrase"]) field(id).value = "";
    field("key-ready").replaceChildren(...spelled(signer));
    field("key-ready").hidden = false;
  }

  /** Do what takes a while, and say how it went. @param {Event} event @param {() => Promise<void>} work */
  async settle(event, work) {
    event.preventDefault();
    if (field("key-status").textContent === pageText("draft.key-wait")) return; // pressed twice
    say("key-problem", "");
    say("key-status", pageText("draft.key-wait"));
    try {
      await work();
      say("key-status", pageText("draft.key-ready"));
    } catch (error) {
      say("key-status", "");
      if (!(error instanceof Refusal)) throw error;
      say("key-problem", error.message);
    }
  }
}

/** How a key is read out. @param {Signer} signer */
export const spelled = (signer) => [
  element("p", {}, pageText("draft.key-words-what")),
  element("dl", {}, ...described([[pageText("draft.key-did"), signer.did],
    [pageText("draft.key-words"), element("span", { class: "words" }, keyWords(signer.public).join(" "))],
    [pageText("draft.key-fingerprint"), fingerprint(signer.public)]])),
];
