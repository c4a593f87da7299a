/** `YYYY-MM-DDTHH:MM:SSZ`, and nothing else (spec/06-manifests.md). */
import { refuse } from "./errors.js";

const FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/**
 * Return the moment in milliseconds.
 *
 * @param {any} text
 */
export function parseTimestamp(text) {
  const moment = typeof text === "string" && FORM.test(text) ? Date.parse(text) : NaN;
  // Date.parse takes the 30th of February for the 2nd of March, and 24:00 for the next day.
  if (Number.isNaN(moment) || formatTimestamp(moment) !== text) {
    refuse("bad-timestamp", `not a time as 2026-11-24T12:00:00Z: ${JSON.stringify(text).slice(0, 60)}`);
  }
  return moment;
}

/** @param {number} moment */
export const formatTimestamp = (moment) => new Date(moment).toISOString().replace(/\.\d{3}Z$/, "Z");
