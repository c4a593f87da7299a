/** Credentials and presentations in an envelope of another securing mechanism, which is not opened (spec §17.11). */
import { attempt } from "../../canon/errors.js";
import { printable, quote } from "../../canon/quoting.js";
import { failed, reportOf, unchecked } from "../../verify/report.js";
import { VC_CONTEXT } from "../contexts.js";
import { modelProblem } from "../problems.js";
import { bad, statedIn, typesOf } from "../../canon/values.js";

export const CREDENTIAL = "EnvelopedVerifiableCredential";
export const PRESENTATION = "EnvelopedVerifiablePresentation";
const TOKEN = "[A-Za-z0-9!#$&^_.+-]{1,127}";
// RFC 2397: a media type, parameters, a comma, data. Without a media type it would be plain text.
const DATA_URL = new RegExp(`^data:(${TOKEN}/${TOKEN})(?:;[\\x21-\\x2b\\x2d-\\x7e]{1,200})?,[\\x21-\\x7e]+$`);

/** @param {any} document @param {string} kind */
export const isEnveloped = (document, kind) => typesOf(document).includes(kind);

/** The media type of what an envelope holds (M11). @param {any} document @param {string} kind @returns {string} */
export function checkEnvelope(document, kind) {
  if (!statedIn(document, "@context").includes(VC_CONTEXT)) bad("@context", "an envelope without the credentials context");
  if (statedIn(document, "type").length !== 1) bad("type", `an envelope is of type ${kind} and no other`);
  const found = typeof document.id === "string" ? DATA_URL.exec(document.id) : null;
  return found === null ? bad("id", "not a data: URL with a media type") : found[1];
}

/** Invalid if it is malformed, else incomplete. @param {any} document @param {string} kind @param {import("../../verify/report.js").Check} read @param {number} at */
export function judgeEnvelope(document, kind, read, at) {
  const id = "envelope";
  const check = attempt(() => {
    const mediaType = checkEnvelope(document, kind);
    return unchecked(id, "not-read", `holds ${quote(mediaType)}, which is not read here: only Data Integrity proofs are`, { mediaType });
  }, (error) => failed(id, error.kind, quote(error.message, 300), modelProblem("MALFORMED_VALUE_ERROR")));
  return reportOf("envelope", [read, check], {
    subject: printable(document.id) ?? "an envelope",
    issuer: null,
    at,
    profile: "w3c",
  });
}
