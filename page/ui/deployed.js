/** What a deployed folder says of itself: who made it, from what, under which rights, approved by whom. */
import { isObject, parse } from "../src/canon/json.js";
import { inputsIn } from "../src/history/manifests/manifest.js";
import { MANIFEST } from "../src/verify/deployment/layout.js";
import { byId, described, element, json, written } from "./view.js";

/** @typedef {import("../src/verify/report.js").Report} Report */
/** @typedef {[string, string][]} Rows */

/** @param {Report} report @param {import("../src/verify/deployment/folder.js").EvidenceFiles} evidence */
export function showDeployed(report, evidence) {
  const manifest = documentIn(evidence.files.get(MANIFEST));
  const whole = element("details", { class: "whole" }, element("summary", {}, "The manifest in full"));
  whole.addEventListener("toggle", () => whole.append(written(json(manifest))), { once: true });
  const detailOf = (/** @type {string} */ id) => report.checks.find((check) => check.id === id)?.detail ?? {};
  const made = detailOf("deployment.made-from");
  byId("claims").replaceChildren(
    ...list("", madeRows(report, manifest, made)),
    ...list("Made from", (made.inputs ?? []).map((/** @type {any} */ { role, id, name }) =>
      [role, name === undefined ? `${id}, which is not beside it, or not sound` : `${name}, ${id}`])),
    ...rightsOf(detailOf("deployment.rights")),
    ...list("Credentials left out, since they may name values of the data", (detailOf("deployment.rights").credentialsLeftOut ?? [])
      .map((/** @type {string} */ id) => ["credential", id])),
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
  const rows = [["deployed by, as signed", report.issuer ?? "nobody: it is not signed"]];
  if (made.deployment !== undefined) { // else the manifest is not sound
    const { body } = manifest;
    const limits = Object.entries(body.limits).map(([name, value]) => `${name} ${value}`).join(", ");
    rows.push(["deployment", made.deployment], ["for", `${body.loader} (${body.target})`], ["task", body.task],
      ["weights", body.quantization === "none" ? "as sealed" : `rounded to ${body.quantization}`], ["limits", limits],
      ["deployed, as claimed", manifest.created], ["approved", approval?.summary],
      ["decided", inputsIn(manifest, "decision").length ? "by rules: not checked here" : ""]);
  }
  return rows.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => [name, String(value)]);
}

/** @param {any} detail */
function rightsOf({ stated, credentials = [] }) {
  if (stated === undefined) return [];
  const found = [stated.state, stated.reason].filter((word) => word !== undefined).join(", ");
  return [
    ...list("Rights that it rests on", [["as whoever deployed it found them", found]]),
    ...credentials.flatMap((/** @type {any} */ { credential, issuer, dataset, permits, requires, validUntil }) => list(`Terms of ${dataset}`, [
      ["permits", permits.join(", ")], ["you must", requires.join(", ") || "nothing that is named"], ["by", issuer],
      ["valid", validUntil === undefined ? "without an end" : `until ${validUntil}`], ["credential", credential],
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
