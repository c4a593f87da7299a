/** How a report is shown. Text nodes only: nothing a document says becomes markup. */

const MARK = new Map([
  ["pass", "✓ pass"], ["fail", "✗ fail"], ["warn", "! warning"], ["unchecked", "– not checked"], ["n/a", "– n/a"],
]);
const VERDICT = new Map([
  ["trusted", ["✓ Trusted", "The files are exactly those that somebody you believe signed for. Use the data as the licence says."]],
  ["valid", ["! Valid, but your trust does not know the issuer", "Everything fits together. Anybody could have made it: compare the key with one you received on another way."]],
  ["incomplete", ["– Incomplete: something needed to decide is missing", "Ask for the missing files named below, or give them to this page."]],
  ["invalid", ["✗ Invalid", "Something differs, ran out, was taken back or is forged. Do not use the data; ask the publisher."]],
]);
const MAX_ROWS = 2000;
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} id @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {{[name: string]: string}} [attributes]
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * @param {import("../src/report.js").Report} report
 * @param {any} credential The parsed credential, or null.
 * @param {any} manifest The parsed manifest, or null.
 */
export function showReport(report, credential, manifest) {
  const [words, meaning] = /** @type {string[]} */ (VERDICT.get(report.verdict));
  const failures = report.checks.filter((check) => check.state === "fail").length;
  byId("verdict").className = report.verdict;
  byId("verdict").textContent = failures ? `${words}: ${failures} check${failures > 1 ? "s" : ""} failed` : words;
  byId("meaning").textContent = meaning;
  byId("checks").replaceChildren(...report.checks.map(checkRow));
  byId("open").replaceChildren(...report.notProven.map((line) => element("li", {}, line)));
  showClaims(report, credential);
  byId("lineage").replaceChildren(lineage(credential, manifest));
  byId("raw").textContent = JSON.stringify(report, null, 2);
  byId("answer").hidden = false;
  byId("verdict").focus();
}

/** @param {import("../src/report.js").Check} check */
function checkRow(check) {
  const word = check.state === "unchecked" ? `not checked: ${check.summary}` : check.summary;
  const line = [
    element("span", { class: `mark ${check.state}` }, /** @type {string} */ (MARK.get(check.state))),
    element("strong", {}, check.id), " ", word,
  ];
  const details = element("details", {}, element("summary", {}, ...line),
    element("pre", { tabindex: "0" }, `${check.spec}\n${JSON.stringify(check.detail, null, 2)}`));
  const row = element("li", { "data-check": check.id, "data-state": check.state }, details);
  if (check.state === "fail") details.setAttribute("open", "");
  return row;
}

/** @param {import("../src/report.js").Report} report @param {any} credential */
function showClaims(report, credential) {
  const subject = credential?.credentialSubject;
  /** @type {[string, unknown][]} */
  const rows = [["issuer, as signed", report.issuer ?? "nobody named"]];
  if (subject) {
    const licence = subject.licence ?? {};
    rows.push(
      ["issuer calls itself", credential.issuer?.name],
      ["dataset", subject.name],
      ["version", subject.version],
      ["content", subject.id],
      ["files", `${subject.fileCount} files, ${subject.byteSize} bytes, ${subject.recordCount} records`],
      ["licence", licence.spdxExpression],
      ["you may", list(licence.permits)],
      ["you may not", list(licence.prohibits)],
      ["you must", list(licence.requires)],
      ["valid", `${credential.validFrom} to ${credential.validUntil ?? "no end"}`],
    );
    for (const field of Array.isArray(subject.descriptor) ? subject.descriptor : []) {
      const value = field.state === "value" ? text(field.value) : `${field.state}${field.reason ? `: ${field.reason}` : ""}`;
      rows.push([String(field.field), `${value}${field.basis ? ` (${field.basis})` : ""}`]);
    }
  }
  byId("claims").replaceChildren(...rows.filter(([, value]) => value !== undefined && value !== "")
    .flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]));
}

/** @param {unknown} words */
const list = (words) => (Array.isArray(words) ? words.join(", ") : "");
/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/**
 * Sources on the left, the dataset on the right; the same as a nested list for those who do not see it.
 *
 * @param {any} credential
 * @param {any} manifest
 */
function lineage(credential, manifest) {
  const inputs = Array.isArray(manifest?.inputs) ? manifest.inputs : [];
  const name = credential?.credentialSubject?.name ?? "unreadable";
  if (!inputs.length) {
    return element("p", {}, manifest ? `${name} was committed as it is: it names no sources.` : "Its manifest is not here.");
  }
  const names = inputs.map((/** @type {any} */ item) => `${item.kind} ${String(item.id).slice(7, 19)} as ${item.role}`);
  const height = 44 * inputs.length + 12;
  const svg = document.createElementNS(SVG, "svg");
  const make = (/** @type {string} */ tag, /** @type {object} */ attributes, content = "") => {
    const made = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    made.textContent = content;
    svg.append(made);
  };
  for (const [key, value] of Object.entries({ viewBox: `0 0 640 ${height}`, width: 640, height, "aria-hidden": true })) {
    svg.setAttribute(key, String(value));
  }
  const middle = height / 2;
  names.forEach((/** @type {string} */ label, /** @type {number} */ at) => {
    const y = 44 * at + 6;
    make("rect", { x: 4, y, width: 270, height: 32, rx: inputs[at].kind === "dataset" ? 3 : 16 });
    make("text", { x: 14, y: y + 21 }, label);
    make("path", { d: `M274 ${y + 16} C330 ${y + 16} 330 ${middle} 380 ${middle}` });
  });
  make("rect", { x: 380, y: middle - 16, width: 250, height: 32, rx: 3, class: "here" });
  make("text", { x: 390, y: middle + 5 }, name.slice(0, 34));
  const items = names.map((/** @type {string} */ label) => element("li", {}, `${label}, as its signed manifest says`));
  return element("div", {}, svg, element("p", {}, `${name} was made from:`), element("ul", {}, ...items));
}

/**
 * One row per file, its state beside it.
 *
 * @param {{path: string, bytes: number, blake3: string, state: string}[]} files
 */
export function showFiles(files) {
  const shown = files.slice(0, MAX_ROWS);
  byId("count").textContent = files.length > shown.length
    ? `${files.length} files, of which the first ${shown.length} are shown; the checks cover all.`
    : `${files.length} files`;
  byId("shards").replaceChildren(...shown.map((file) => element("tr", { "data-path": file.path },
    element("td", {}, file.path),
    element("td", {}, String(file.bytes)),
    element("td", { class: "digest" }, file.blake3.slice(0, 16)),
    element("td", { class: file.state === "matches" ? "pass" : file.state === "listed" ? "" : "fail" }, file.state))));
}
