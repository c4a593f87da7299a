/** `YYYY-MM-DDTHH:MM:SSZ`, and nothing else (spec/06-manifests.md). */
import { CLOCK_SKEW_SECONDS } from "../../generated/limits.js";
import { refuse } from "./errors.js";

/** How far two honest clocks may be apart, in milliseconds. */
export const CLOCK_SKEW = CLOCK_SKEW_SECONDS * 1000;

const [FIRST, LAST] = [Date.parse("0001-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59.999Z")];
const FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/**
 * Return the moment in milliseconds.
 *
 * @param {any} text
 */
export function parseTimestamp(text) {
  const moment = typeof text === "string" && FORM.test(text) ? Date.parse(text) : NaN;
  // Date.parse takes the 30th of February for the 2nd of March, and 24:00 for the next day.
  if (!inCalendar(moment) || formatTimestamp(moment) !== text) {
    refuse("bad-timestamp", `not a time as 2026-11-24T12:00:00Z: ${JSON.stringify(text).slice(0, 60)}`);
  }
  return moment;
}

/** Whether a moment is of a year that dates are written with: not the year 0, not 10000. @param {number} moment */
export const inCalendar = (moment) => moment >= FIRST && moment <= LAST;

/** The first moment of a day `YYYY-MM-DD`; NaN if no calendar has it. @param {string} text */
export function parseDay(text) {
  const moment = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return inCalendar(moment) && formatTimestamp(moment).startsWith(text) ? moment : NaN;
}

/** @param {number} moment */
export const formatTimestamp = (moment) => new Date(moment).toISOString().replace(/\.\d{3}Z$/, "Z");
