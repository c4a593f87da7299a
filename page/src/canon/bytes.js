/** Bytes and their spellings. Every decoder here accepts exactly one spelling of the same bytes. */
import { refuse } from "./errors.js";
import { MAX_BASE58_DIGITS } from "../../generated/limits.js";

const ENCODER = new TextEncoder();
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const DIGIT = new Map([...BASE58].map((digit, value) => [digit, BigInt(value)]));
const CHUNK = 1 << 20;
const ascii = new TextDecoder("latin1");

/** @param {string} text */
export const utf8 = (text) => ENCODER.encode(text);

/**
 * @param {Uint8Array} bytes
 * @param {string} kind The code of the refusal of bytes that are not UTF-8.
 */
export function text(bytes, kind) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse(kind, "not UTF-8");
  }
}

/** @param {Uint8Array[]} parts */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 */
export function same(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** Whether bytes contain an ASCII text. @param {Uint8Array} bytes @param {string} text */
export function includes(bytes, text) {
  // ATTACK: megabytes of almost that. The browser's own search is many times faster than a loop here.
  for (let at = 0; at < bytes.length; at += CHUNK) {
    if (ascii.decode(bytes.subarray(at, at + CHUNK + text.length)).includes(text)) return true;
  }
  return false;
}

/**
 * Whether a string in a JSON text may hold this text; cheap, never wrongly no.
 *
 * ATTACK: `\u0043redential` is the same word to whoever parses it, and another to a search.
 *
 * @param {Uint8Array} bytes
 * @param {string} text
 */
export const maySay = (bytes, text) => includes(bytes, text) || includes(bytes, "\\u");

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} digits Lower-case hexadecimal, an even number of digits. */
export function unhex(digits) {
  if (!/^(?:[0-9a-f]{2})*$/.test(digits)) refuse("bad-digest", "not lower-case hexadecimal");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** @param {Uint8Array} bytes */
export function base64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}

/**
 * @param {string} encoded Standard base64 with padding.
 * @param {string} kind
 */
export function unbase64(encoded, kind) {
  let binary = "";
  try {
    binary = atob(encoded);
  } catch {
    refuse(kind, "not base64");
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  // atob skips white space and stray bits: only what it writes back alike has one spelling.
  return base64(bytes) === encoded ? bytes : refuse(kind, "not base64 in its one spelling");
}

/**
 * @param {string} encoded base64url without padding.
 * @param {string} kind
 */
export function unbase64url(encoded, kind) {
  if (!/^[A-Za-z0-9_-]*$/.test(encoded)) refuse(kind, "not base64url");
  const standard = encoded.replaceAll("-", "+").replaceAll("_", "/");
  return unbase64(standard + "=".repeat(-standard.length & 3), kind);
}

/** @param {Uint8Array} bytes */
export function base64url(bytes) {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {Uint8Array} bytes */
export function base58(bytes) {
  let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let digits = "";
  for (; number; number /= 58n) digits = BASE58[Number(number % 58n)] + digits;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros < 0 ? bytes.length : zeros) + digits;
}

/**
 * @param {string} digits base58btc, without a multibase prefix; decoding is quadratic, so capped.
 * @param {number} limit
 */
export function unbase58(digits, limit = MAX_BASE58_DIGITS) {
  if (digits.length > limit) refuse("bad-base58", `more than ${limit} base58 characters`);
  let number = 0n;
  for (const digit of digits) {
    const value = DIGIT.get(digit);
    if (value === undefined) refuse("bad-base58", "not a base58 character");
    number = number * 58n + /** @type {bigint} */ (value);
  }
  const zeros = digits.length - digits.replace(/^1+/, "").length;
  const rest = number ? number.toString(16) : "";
  return concat(new Uint8Array(zeros), unhex(rest.padStart(rest.length + (rest.length & 1), "0")));
}
