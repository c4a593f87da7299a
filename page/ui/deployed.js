/** What a deployed folder says of itself: who made it, from what, under which rights, approved by whom. */
import { isObject, parse } from "../src/canon/json.js";
import { inputsIn } from "../src/history/manifests/manifest.js";
import { MANIFEST } from "../src/verify/deployment/layout.js";
import { pageText } from "./texts.js";
import { byId, described, element, json, written } from "./view.js";

/** @typedef {import("../src/verify/report.js").Report} Report */
/** @typedef {[string, string][]} Rows */

/** @param {Report} report @param {import("../src/verify/deployment/folder.js").EvidenceFiles} evidence */
export function showDeployed(report, evidence) {
  const manifest = documentIn(evidence.files.get(MANIFEST));
  const whole = element("details", { class: "whole" }, element("summary", {}, pageText("verification.manifest")));
  whole.addEventListener("toggle", () => whole.append(written(json(manifest))), { once: true });
  const detailOf = (/** @type {string} */ id) => report.checks.find((check) => check.id === id)?.detail ?? {};
  const made = detailOf("deployment.made-from");
  byId("claims").replaceChildren(
    ...list("", madeRows(report, manifest, made)),
    ...list(pageText("verification.made-from"), (made.inputs ?? []).map((/** @type {any} */ { role, id, name }) =>
      [role, name === undefined ? pageText("verification.input-absent", { id }) : `${name}, ${id}`])),
    ...rightsOf(detailOf("deployment.rights")),
    ...list(pageText("verification.left-out"), (detailOf("deployment.rights").credentialsLeftOut ?? [])
      .map((/** @type {string} */ id) => [pageText("verification.credential"), id])),
    ...(isObject(manifest) ? [whole] : []),
  );
}

/** The name that its manifest gives it, if that is signed. @param {Report} report */
export const nameOf = (report) => {
  const made = report.checks.find(({ id }) => id === "deployment.made-from");
  return typeof made?.detail.deployment === "string" ? made.detail.deployment : report.subject;
};

/** @param {Report} report @param {any} manifest @param {any} made @returns {Rows} */
function madeRows(report, manifest, made) {
  const approval = report.checks.find(({ id }) => id === "deployment.approval");
  /** @type {[string, unknown][]} */
  const rows = [[pageText("verification.deployed-by"), report.issuer ?? pageText("verification.not-signed")]];
  if (made.deployment !== undefined) { // else the manifest is not sound
    const { body } = manifest;
    const limits = Object.entries(body.limits).map(([name, value]) => `${name} ${value}`).join(", ");
    rows.push([pageText("verification.deployment"), made.deployment], [pageText("verification.deployed-for"), `${body.loader} (${body.target})`], [pageText("verification.task"), body.task],
      [pageText("verification.weights"), body.quantization === "none" ? pageText("verification.weights-sealed") : pageText("verification.weights-rounded", { how: body.quantization })], [pageText("verification.limits"), limits],
      [pageText("verification.deployed-on"), manifest.created], [pageText("verification.approved"), approval?.summary],
      [pageText("verification.decided"), inputsIn(manifest, "decision").length ? pageText("verification.decided-by-rules") : ""]);
  }
  return rows.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => [name, String(value)]);
}

/** @param {any} detail */
function rightsOf({ stated, credentials = [] }) {
  if (stated === undefined) return [];
  const found = [stated.state, stated.reason].filter((word) => word !== undefined).join(", ");
  return [
    ...list(pageText("verification.rights"), [[pageText("verification.rights-found"), found]]),
    ...credentials.flatMap((/** @type {any} */ { credential, issuer, dataset, permits, requires, validUntil }) => list(pageText("verification.terms-of-dataset", { dataset }), [
      [pageText("verification.permits"), permits.join(", ")], [pageText("verification.rights-must"), requires.join(", ") || pageText("verification.must-nothing")], [pageText("verification.rights-by"), issuer],
      [pageText("verification.rights-valid"), validUntil === undefined ? pageText("verification.without-end") : pageText("verification.until", { moment: validUntil })], [pageText("verification.credential"), credential],
    ])),
  ];
}

/** @param {string} title @param {Rows} rows */
const list = (title, rows) => rows.length
  ? [...(title ? [element("h4", {}, title)] : []), element("dl", {}, ...described(rows))] : [];

/** What a file says, signed or not. @param {Uint8Array | undefined} bytes */
function documentIn(bytes) {
  try {
    return bytes === undefined ? null : parse(bytes);
  } catch {
    return null;
  }
}
