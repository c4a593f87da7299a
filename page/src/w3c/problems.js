/** The problem types of RFC 9457 that the W3C texts define (spec §17.5). */
import { quote } from "../canon/quoting.js";
import { failed } from "../verify/report.js";

const SECURITY = "https://w3id.org/security#";
const PROOF = new Map([
  ["bad-domain", "INVALID_DOMAIN_ERROR"], ["bad-challenge", "INVALID_CHALLENGE_ERROR"],
  ["bad-rdf", "PROOF_TRANSFORMATION_ERROR"], ["unknown-suite", "PROOF_TRANSFORMATION_ERROR"],
  ["bad-key", "INVALID_VERIFICATION_METHOD"], ["weak-key", "INVALID_VERIFICATION_METHOD"],
  ["bad-json", "PARSING_ERROR"],
]);

const problem = (/** @type {string} */ place) => (/** @type {string} */ title) => ({ problem: { type: place + title, title } });

export const modelProblem = problem("https://www.w3.org/TR/vc-data-model#");
export const statusProblem = problem("https://www.w3.org/ns/credentials/status-list#");
export const securityProblem = problem(SECURITY);
/** @param {string} kind Of the refusal of a proof. */
export const proofProblem = (kind) => securityProblem(PROOF.get(kind) ?? "PROOF_VERIFICATION_ERROR");
/** The check `model` of what is none. @param {string} what @param {import("../canon/errors.js").Refusal} error */
export const modelFailed = (what, { kind, message }) =>
  failed("model", kind, `not a ${what} of the VC Data Model 2.0: ${quote(message, 300)}`, modelProblem("MALFORMED_VALUE_ERROR"));
