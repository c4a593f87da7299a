/** Whose key signs: a new one, or the one in a key file. */
import { Refusal, refuse } from "../../src/canon/errors.js";
import { fingerprint, keyWords, newSeed, signerOf } from "../../src/draft/key.js";
import { checkPassphrase, MAX_KEY_FILE, openKey, sealKey } from "../../src/draft/key_file.js";
import { element } from "../view.js";
import { chosenOf, field, line, radios, say } from "./fields.js";

/** @typedef {import("../../src/draft/key.js").Signer} Signer */

/** The key that signs, once there is one. */
export class Owner {
  constructor() {
    /** @type {Signer | null} */
    this.signer = null;
    /** Whether its file still has to be downloaded. */
    this.unsaved = false;
    this.link = /** @type {HTMLAnchorElement} */ (element("a", { id: "draft-key-file", class: "button" }, "Download your key file"));
  }

  /** Return the part of the form that asks for it. */
  section() {
    const hidden = (/** @type {string} */ name, /** @type {string} */ label, kind = "current-password") =>
      line(name, label, { type: "password", autocomplete: kind });
    const fresh = element("form", { id: "draft-fresh" }, hidden("passphrase", "Passphrase, at least 12 characters: a sentence is good", "new-password"),
      hidden("again", "The same passphrase again", "new-password"), element("button", { id: "draft-make" }, "Make the key"));
    const kept = element("form", { id: "draft-kept-key", hidden: "" }, line("file", "Your key file", { type: "file", accept: ".json" }),
      hidden("old-passphrase", "Its passphrase"), element("button", { id: "draft-open" }, "Open the key"));
    const made = element("section", { id: "draft-key", "aria-labelledby": "draft-key-head" },
      element("h3", { id: "draft-key-head" }, "Your key"),
      element("p", {}, "What you sign is signed by a key that only you have. It is kept in a file under a passphrase, which nobody " +
        "can find out for you if you forget it."),
      radios("source", "Which key signs?", [["fresh", "a new key"], ["kept-key", "the key in my key file"]]), fresh, kept,
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
    if (passphrase !== field("again").value) refuse("other-passphrase", "The two passphrases differ.");
    const seed = newSeed();
    const file = await sealKey(seed, passphrase);
    this.take(await signerOf(seed));
    URL.revokeObjectURL(this.link.href);
    this.link.href = URL.createObjectURL(new Blob([new Uint8Array(file)], { type: "application/json" }));
    this.link.download = "my-key.json";
    this.unsaved = true;
    field("key-ready").append(element("p", {}, "Keep this file: with it and the passphrase you sign again as the same person."),
      element("p", {}, this.link));
  }

  async open() {
    const [file] = field("file").files;
    if (!file) refuse("no-file", "Choose your key file first.");
    if (file.size > MAX_KEY_FILE) refuse("bad-key-file", `This is not a key file of such a page: it has more than ${MAX_KEY_FILE} bytes.`);
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
    if (field("key-status").textContent.endsWith("…")) return; // pressed twice
    say("key-problem", "");
    say("key-status", "One moment: a passphrase is made slow to guess…");
    try {
      await work();
      say("key-status", "Your key is ready.");
    } catch (error) {
      say("key-status", "");
      if (!(error instanceof Refusal)) throw error;
      say("key-problem", error.message);
    }
  }
}

/** How a key is read out. @param {Signer} signer */
export const spelled = (signer) => [
  element("p", {}, "Whoever takes your answers has to know that this key is yours. Read its words to them by telephone; they are no secret."),
  element("dl", {}, element("dt", {}, "Key"), element("dd", { class: "did" }, signer.did),
    element("dt", {}, "In words"), element("dd", { class: "words" }, keyWords(signer.public).join(" ")),
    element("dt", {}, "Fingerprint"), element("dd", {}, fingerprint(signer.public))),
];
