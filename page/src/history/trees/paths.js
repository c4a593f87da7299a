/** The path grammar, the same in every verifier (spec §5.3). */
import { refuse } from "../../canon/errors.js";
import { utf8 } from "../../canon/bytes.js";
import { MAX_COMPONENT_BYTES, MAX_PATH_BYTES } from "../../../generated/limits.js";
import { ASSIGNED, FOLDS } from "../../../generated/unicode.js";

const IGNORABLE =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const DEVICE = /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9])$/;
const OURS = new Set([".git", ".lyrikstore"]);
const SHORT_FORM = /^(?:git|lyriks|gi[0-9a-f]{4}|ly[0-9a-f]{4})~[0-9]+$/;

/** As Unicode 14.0.0 folds it, whatever the browser knows. @param {string} text */
export const casefold = (text) => Array.from(text, (character) => FOLDS.get(character) ?? character).join("");

/** The key under which caseless and normalising file systems compare a path. @param {string} path */
function fold(path) {
  return casefold(path.normalize("NFD")).normalize("NFD");
}

/**
 * Compare by code point, which is the order of the UTF-8 bytes; `<` compares UTF-16.
 *
 * @param {string} left
 * @param {string} right
 */
export function compare(left, right) {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a !== b) {
      // A surrogate stands for a code point above every other unit.
      const high = (/** @type {number} */ unit) => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit);
      return high(a) - high(b);
    }
  }
  return left.length - right.length;
}

/**
 * Return the code of what is wrong with a path alone, or "".
 *
 * @param {string} path
 */
export function offence(path) {
  if (path === "") return "empty";
  if (path.length > MAX_PATH_BYTES || utf8(path).length > MAX_PATH_BYTES) return "too-long";
  if (path.startsWith("/")) return "absolute";
  for (const component of path.split("/")) {
    const found = componentOffence(component);
    if (found) return found;
  }
  return "";
}

/** @param {string} component */
function componentOffence(component) {
  if (["", ".", ".."].includes(component)) return "dots";
  if (!component.isWellFormed()) return "not-text";
  if (utf8(component).length > MAX_COMPONENT_BYTES) return "too-long";
  if (component.includes("\\")) return "backslash";
  const bare = lookalike(component);
  if (bare) return bare;
  if (component.includes(":")) return "colon";
  for (const character of component) {
    if (CONTROL.test(character)) return "control";
    if (BIDI.test(character)) return "bidi";
    if (character.search(IGNORABLE) === 0) return "ignorable";
    if (!ASSIGNED.test(character)) return "unassigned";
  }
  if (component.normalize("NFC") !== component) return "not-nfc";
  return /[. ]$/.test(component) ? "trailing" : "";
}

/** What some file system makes of it must not be a name that a tool acts on. @param {string} component */
function lookalike(component) {
  const once = casefold(component.replace(IGNORABLE, "").normalize("NFKC"));
  const bare = once.replace(IGNORABLE, "").normalize("NFKC").split(":")[0].replace(/[. ]+$/, "");
  if (OURS.has(bare) || SHORT_FORM.test(bare)) return "lookalike";
  return DEVICE.test(bare.split(".")[0].replace(/ +$/, "")) ? "device" : "";
}

/** Finds paths that some file system cannot keep apart, as they are added. */
class Twins {
  constructor() {
    /** @type {Map<string, {spelling: string, folder: boolean}>} */
    this.keys = new Map();
  }

  /** Return the code of how a path collides with one added before, or "". @param {string} path */
  add(path) {
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      const found = this.claim(path.slice(0, end), true);
      if (found) return found;
    }
    return this.claim(path, false);
  }

  /** @param {string} spelling @param {boolean} folder */
  claim(spelling, folder) {
    const key = fold(spelling);
    const kept = this.keys.get(key);
    if (kept === undefined) this.keys.set(key, { spelling, folder });
    if (kept === undefined || (folder && kept.folder && kept.spelling === spelling)) return "";
    if (kept.folder !== folder) return "file-and-folder";
    return kept.spelling === spelling ? "duplicate" : "twin";
  }
}

/** Return if the paths, in order, can stand in one tree; refuse otherwise. @param {string[]} paths */
export function checkPaths(paths) {
  for (const path of paths) {
    const found = offence(path);
    if (found) refuse("bad-path", `${JSON.stringify(path.slice(0, 200))}: ${found}`);
  }
  const twins = new Twins();
  let before = "";
  for (const path of paths) {
    if (before !== "" && compare(path, before) <= 0) {
      refuse("bad-tree", `${JSON.stringify(path.slice(0, 200))}: out of order, or twice in the tree`);
    }
    const clash = twins.add(path);
    if (clash) refuse("bad-tree", `${JSON.stringify(path.slice(0, 200))}: ${clash}`);
    before = path;
  }
}
