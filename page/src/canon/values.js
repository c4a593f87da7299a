/** The few kinds of value that the VC Data Model 2.0 is made of (spec §17.3). */
import { refuse, spelt } from "./errors.js";
import { isObject } from "./json.js";
import { inCalendar } from "./timestamps.js";
import { MAX_ITEMS } from "../../generated/limits.js";

/** White space, as part of a regular expression. Spelt out: what \\s takes differs by language. */
export const BLANK = String.raw`\t-\r\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff`;
const URL = new RegExp(`^[A-Za-z][A-Za-z0-9+.-]*:[^\\u0000-\\u0020\\u007f${BLANK}<>"{}|\\\\^\`]+$`, "u");
const LANGUAGE = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/;
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(0\d|1[0-3]|14(?=:00)):([0-5]\d))?$/;

/** An absolute URL, of any scheme. @param {any} text @returns {boolean} */
export const isUrl = (text) => typeof text === "string" && URL.test(text);

/** Text with a language, and nothing it could hide. @param {any} value */
export function isLanguageValue(value) {
  const { "@value": text, "@language": language = "en", "@direction": direction = "ltr" } = value;
  return typeof text === "string" && typeof language === "string" && LANGUAGE.test(language) &&
    (direction === "ltr" || direction === "rtl") &&
    Object.keys(value).every((name) => ["@value", "@language", "@direction"].includes(name));
}

/** The members of a set that is written as one value or as a list. @param {any} value @returns {any[]} */
export const itemsOf = (value) => (Array.isArray(value) ? value : [value]);

/** What a document has under a name, as a set; nothing where it has none. @param {any} document @param {string} name @returns {any[]} */
export const statedIn = (document, name) => (Object.hasOwn(document, name) ? itemsOf(document[name]) : []);

/** The members of a set of objects, at least one. @param {any} value @param {string} where @returns {any[]} */
export function objectsOf(value, where) {
  const items = itemsOf(value);
  if (!items.length || items.length > MAX_ITEMS) bad(where, `missing, empty, or more than ${MAX_ITEMS}`);
  if (!items.every(isObject)) bad(where, "not an object or a list of objects");
  return items;
}

/** The types of an object, whatever else stands there. @param {any} document @returns {string[]} */
export const typesOf = (document) => statedIn(document, "type").filter((name) => typeof name === "string");

/** The identifier of an issuer, holder or subject. @param {any} value @returns {string | null} */
export function idOf(value) {
  const found = isObject(value) ? value.id : value;
  return typeof found === "string" ? found : null;
}

/** Read a dateTimeStamp of XML Schema; without an offset it is UTC. @param {any} text @returns {number} */
export function parseStamp(text) {
  const found = typeof text === "string" ? STAMP.exec(text) : null;
  if (found === null) return refuse("bad-timestamp", `not a dateTimeStamp: ${spelt(text).slice(0, 40)}`);
  const [, local, fraction = "", sign, hours = "0", minutes = "0"] = found;
  const time = Date.parse(`${local}Z`);
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  const moment = time + Number(`0.${fraction || 0}`) * 1000 + (sign === "-" ? offset : -offset);
  if (!inCalendar(time) || !new Date(time).toISOString().startsWith(local) || !inCalendar(Math.floor(moment))) {
    refuse("bad-timestamp", `no such date or time: ${text.slice(0, 40)}`);
  }
  return moment;
}

/** @param {string} where @param {string} reason @returns {never} */
export function bad(where, reason) {
  return refuse("bad-credential", `${where}: ${reason}`);
}
