/**
 * Make `generated/`: the schemas of `schemas/` compiled to plain functions, because compiling them
 * in the page would need `eval`; a validator for the schemas of others, which applies them without;
 * the limits and checks of `spec/`; the contexts and the BLAKE3 module as text, because the page is
 * one file.
 */
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import standalone from "ajv/dist/standalone/index.js";
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";

const ROOT = new URL("../", import.meta.url);
/** What the pages are made of: folders, files, `FILE#SECTION`; tests/meta/test_page.py reads it too. @type {string[]} */
export const SOURCES = JSON.parse(await readFile(new URL("sources.json", import.meta.url), "utf8"));

/** Read a file of the repository: one that is not among the sources could change unseen. @param {string} file */
function source(file) {
  if (!SOURCES.some((one) => file === one.split("#")[0] || file.startsWith(`${one}/`))) throw new Error(`${file} is not in sources.json`);
  return readFile(new URL(file, ROOT), "utf8");
}

const kinds = Object.entries(JSON.parse(await source("spec/manifest-kinds.json")));
const files = new Map([
  ["manifest", "manifest.schema.json"],
  ["datasetCredential", "dataset-credential-1.schema.json"],
  ["attestationCredential", "attestation-credential-1.schema.json"],
  ["grantCredential", "grant-credential-1.schema.json"],
  ["trust", "trust.schema.json"],
  // The bodies of manifests, by kind and format version.
  ...kinds.filter(([, { first = 1 }]) => first === 1).map(([kind]) => /** @type {[string, string]} */ ([`kind_${kind}`, `kinds/${kind}.schema.json`])),
  ...kinds.filter(([, { newest }]) => newest === 2).map(([kind]) => /** @type {[string, string]} */ ([`kind_${kind}_2`, `kinds-2/${kind}.schema.json`])),
]);

await mkdir(new URL("generated/", import.meta.url), { recursive: true });

/** Compile schemas into a module. @param {Map<string, string>} schemas Name of the function, file. @param {string} target @param {{[name: string]: string}} more */
async function compile(schemas, target, more = {}) {
  const ajv = new Ajv2020({ allErrors: false, strict: false, inlineRefs: false, code: { source: true, esm: true } });
  const exported = { ...more };
  for (const [name, file] of schemas) {
    ajv.addSchema(JSON.parse(await source(`schemas/${file}`)), name);
    exported[name] = name;
  }
  await build({
    stdin: { contents: standalone.default(ajv, exported), resolveDir: import.meta.dirname },
    bundle: true,
    minifySyntax: true,
    format: "esm",
    outfile: fileURLToPath(new URL(target, import.meta.url)),
    banner: { js: "// @ts-nocheck" },
    alias: { "ajv/dist/runtime/equal": fileURLToPath(new URL("equal.mjs", import.meta.url)) },
    logLevel: "warning",
  });
}

// With it, whether somebody's schema is one, asked before it is applied.
await compile(files, "generated/schemas.js", { metaSchema: "https://json-schema.org/draft/2020-12/schema" });
// What a page signs that asks for answers; apart, for it needs no other.
const ANSWERS = "attestation-credential-2.schema.json";
await compile(new Map([["cardAttestation", ANSWERS]]), "generated/answers_schema.js");

// Case folding and the assigned code points, whatever the browser knows: both verifiers refuse the same path.
const { assigned, folds } = JSON.parse(await source("spec/unicode-14.json"));
const ranges = assigned.map((/** @type {string} */ range) => range.replace(/[0-9a-f]+/g, "\\u{$&}"));
await writeFile(new URL("generated/unicode.js", import.meta.url), `
export const ASSIGNED = /[${ranges.join("")}]/u;
export const FOLDS = new Map(Object.entries(${JSON.stringify(folds)}));
`);

// What both verifiers share: the kinds of manifest; a name for each limit; the checks, without the codes that they give.
await writeFile(new URL("generated/kinds.js", import.meta.url), `
/** @typedef {{[role: string]: {kind: string, least?: number, most?: number, since?: number}}} Rules */
/** @typedef {{prefix: string, tree?: boolean, first?: number, newest?: number, inputs?: Rules, origins?: {[origin: string]: Rules}, either?: string[], attachments?: string[], described?: string[]}} Kind */
export const KINDS = new Map(Object.entries(/** @type {{[name: string]: Kind}} */ (${JSON.stringify(Object.fromEntries(kinds), null, 1)})));
`);
const limits = Object.entries(JSON.parse(await source("spec/limits.json")));
await writeFile(new URL("generated/limits.js", import.meta.url),
  limits.map(([name, { value }]) => `export const ${name} = ${value};\n`).join(""));
const { checks, procedures, notProven } = JSON.parse(await source("spec/checks.json"));
const each = (/** @type {any} */ table, /** @type {(row: any) => any} */ made) =>
  JSON.stringify(Object.fromEntries(Object.entries(table).map(([name, row]) => [name, made(row)])), null, 1);
await writeFile(new URL("generated/checks.js", import.meta.url), `
/** @type {{[id: string]: {spec: string, w3c?: string, limitReason?: string}}} */
export const CHECKS = ${each(checks, ({ spec, w3c, doubt: limitReason }) => ({ spec, w3c, limitReason }))};
export const PROCEDURES = ${each(procedures, ({ optional = [], ...more }) =>
  ({ ...more, required: more.checks.filter((/** @type {string} */ id) => !optional.includes(id)) }))};
export const NOT_PROVEN = ${each(notProven, ({ text }) => text)};
`);

// The questions of an auditor, and the words of their answers.
const { questions } = JSON.parse(await source("spec/audit-questions.json"));
await writeFile(new URL("generated/questions.js", import.meta.url), `
/** @typedef {{id: string, text: string, tables: {[name: string]: {title: string, columns: string[]}}, because: {[code: string]: string}}} Question */
/** @type {Question[]} */
export const QUESTIONS = ${JSON.stringify(questions, null, 1)};
`);

// The texts of the pages with a program: no other section makes these pages anew.
const TEXTS = "lyrikstore/web/texts.json";
const sections = JSON.parse(await source(TEXTS));
const spoken = SOURCES.filter((one) => one.startsWith(`${TEXTS}#`)).map((one) => one.split("#")[1]);
await writeFile(new URL("generated/texts.js", import.meta.url), `
/** @type {{[section: string]: {[key: string]: string}}} */
export default ${JSON.stringify(Object.fromEntries(spoken.map((one) => [one, sections[one]])), null, 1)};
`);

// The digests that credentials pin: of the very files that this page carries or answers for.
const sri = async (/** @type {string} */ file) =>
  `sha384-${createHash("sha384").update(await source(file)).digest("base64")}`;
const pins = {
  context: await sri("lyrikstore/credentials/contexts/v1.jsonld"),
  ...Object.fromEntries(await Promise.all([...files].filter(([name]) => name.endsWith("Credential"))
    .map(async ([name, file]) => [name, await sri(`schemas/${file}`)]))),
  cardAttestation: await sri(`schemas/${ANSWERS}`),
};
await writeFile(new URL("generated/pins.js", import.meta.url), `export default ${JSON.stringify(pins, null, 1)};\n`);

// ATTACK: a stranger's schema with a pattern that takes for ever. The validator gets expressions that
// take linear time, no formats, which are annotations in this draft, and no reading of references of
// its own: it would take an `id`, which is no keyword any more, or members named as its own notes.
await build({
  stdin: { contents: `export { validate } from "@cfworker/json-schema"; export { take } from "./linear.mjs";`, resolveDir: import.meta.dirname },
  bundle: true,
  minify: true,
  format: "esm",
  outfile: fileURLToPath(new URL("generated/jsonschema.js", import.meta.url)),
  banner: { js: "// @ts-nocheck" },
  inject: [fileURLToPath(new URL("linear.mjs", import.meta.url))],
  logLevel: "warning",
  plugins: [{
    name: "without",
    setup(building) {
      building.onLoad({ filter: /json-schema\/dist\/esm\/format\.js$/ }, () => ({ contents: "export const format = {};" }));
      building.onLoad({ filter: /json-schema\/dist\/esm\/validate\.js$/ }, async ({ path }) => {
        const [before, after, ...more] = (await readFile(path, "utf8")).split("__absolute_ref__ || $ref;");
        if (after === undefined || more.length) throw new Error("the validator follows references in another way");
        return { contents: `${before}$ref;${after}` };
      });
    },
  }],
});

const contexts = new Map([
  ["https://www.w3.org/ns/credentials/v2", "w3c/contexts/credentials-v2.jsonld"],
  ["https://www.w3.org/ns/credentials/examples/v2", "w3c/contexts/credentials-examples-v2.jsonld"],
  ["https://www.w3.org/ns/credentials/undefined-terms/v2", "w3c/contexts/credentials-undefined-terms-v2.jsonld"],
  ["https://w3id.org/security/data-integrity/v2", "w3c/contexts/data-integrity-v2.jsonld"],
  ["https://w3id.org/security/multikey/v1", "w3c/contexts/multikey-v1.jsonld"],
  ["https://www.w3.org/ns/did/v1", "w3c/contexts/did-v1.jsonld"],
  ["https://w3id.org/lyrikstore/v1", "credentials/contexts/v1.jsonld"],
]);
const texts = Object.fromEntries(await Promise.all([...contexts].map(async ([url, file]) =>
  [url, await source(`lyrikstore/${file}`)])));
await writeFile(new URL("generated/contexts.js", import.meta.url),
  `/** @type {{[url: string]: string}} */\nexport default ${JSON.stringify(texts)};\n`);

const module = createRequire(import.meta.url).resolve("blake3-wasm/dist/wasm/web/blake3_js_bg.wasm");
const text = (await readFile(module)).toString("base64");
await writeFile(new URL("generated/blake3.js", import.meta.url), `export default "${text}";\n`);
