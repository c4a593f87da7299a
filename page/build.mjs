/**
 * Build `lyrikstore/web/verify.html`, one file; `lyrikstore/web/draft.js`, the program of the pages on which
 * cards are answered; `lyrikstore/web/explore.js`, that of the lineage pages of the explorer; `lyrikstore/web/review.js`, that of reviewers' pages; and
 * `lyrikstore/web/audit.html`, an audit file without title and evidence: no network, the same bytes from the same sources.
 */
import { fileURLToPath } from "node:url";
import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { gzip } from "pako";
import { SOURCES } from "./generate.mjs";
// Made by it.
const { default: texts } = await import("./generated/texts.js");

const HERE = new URL("./", import.meta.url);
const NOTICE = new URL("../lyrikstore/web/NOTICE.md", import.meta.url);
const TARGET = new URL("../lyrikstore/web/verify.html", import.meta.url);
const DRAFT = new URL("../lyrikstore/web/draft.js", import.meta.url);
const REVIEW = new URL("../lyrikstore/web/review.js", import.meta.url);
const EXPLORE = new URL("../lyrikstore/web/explore.js", import.meta.url);
const AUDIT = new URL("../lyrikstore/web/audit.html", import.meta.url);

/** Fill the texts of the pages in: `{SECTION.KEY}`; what stands between backquotes is code. @param {string} html */
function worded(html) {
  const escape = (/** @type {string} */ text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  return html.replace(/\{([a-z]+)\.([a-z0-9-]+)\}/g, (name, section, key) => {
    const text = texts[section]?.[key];
    if (text === undefined) throw new Error(`no text ${name}`);
    return escape(text).replace(/`([^`]+)`/g, "<code>$1</code>");
  });
}

/** Give a program the texts of its own sections. @param {...string} sections @returns {import("esbuild").Plugin} */
const speaking = (...sections) => ({
  name: "texts",
  setup(building) {
    const own = JSON.stringify(Object.fromEntries(["common", ...sections].map((name) => [name, texts[name]])));
    building.onLoad({ filter: /generated[/]texts[.]js$/ }, () => ({ contents: own, loader: "json" }));
  },
});

/** @param {string} entry @param {"esm" | "iife"} format @param {import("esbuild").Plugin[]} plugins */
async function bundle(entry, format, plugins = []) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, HERE))],
    bundle: true,
    minify: true,
    format,
    define: { "import.meta.url": '""' }, // where the module would look for a file it is not asked for
    target: "es2022",
    charset: "ascii",
    legalComments: "inline",
    write: false,
    plugins,
    supported: { "top-level-await": true },
  });
  return outputFiles[0].text.trim();
}

const worker = await bundle("ui/hashing.worker.js", "iife");
const script = await bundle("ui/main.js", "esm", [speaking("verification"), {
  name: "worker",
  setup(building) {
    building.onResolve({ filter: /^worker:/ }, ({ path }) => ({ path, namespace: "worker" }));
    building.onLoad({ filter: /./, namespace: "worker" }, () => ({ contents: worker, loader: "text" }));
  },
}]);
// Inside a script element only this ends it; in JavaScript both spellings are the same string.
const escaped = (/** @type {string} */ text) => text.replaceAll("</script", "<\\/script");
const safe = escaped(script);
// Every page has this one, and cards carry it: of a signed one a changed style makes another text (spec 14.4.7).
const style = (await readFile(new URL("../lyrikstore/web/design.css", HERE), "utf8")).trim();
const hash = (/** @type {string} */ text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const csp = [
  "default-src 'none'",
  `script-src ${hash(safe)} 'wasm-unsafe-eval'`,
  `style-src ${hash(style)}`,
  "worker-src blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
// What this file was made of, so that whoever has no npm can see that it is not stale.
const root = new URL("../", import.meta.url);
const made = (await Promise.all(SOURCES.map(async (one) => {
  if (one.includes("#")) return [one];
  if ((await stat(new URL(one, root))).isFile()) return [one];
  return (await readdir(new URL(one, root), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(fileURLToPath(root).length));
}))).flat();
const sources = createHash("sha256");
for (const name of made.sort()) {
  const [file, section] = name.split("#");
  const bytes = await readFile(new URL(file, root));
  sources.update(`${name}\n`).update(section ? JSON.stringify(JSON.parse(bytes.toString())[section]) : bytes);
}
const madeOf = sources.digest("hex");
const page = worded(await readFile(new URL("ui/page.html", HERE), "utf8"));
const parts = new Map([["@CSP@", csp], ["@STYLE@", style], ["@SCRIPT@", safe], ["@SOURCES@", madeOf]]);
await writeFile(TARGET, page.replace(/@(?:CSP|STYLE|SCRIPT|SOURCES)@/g, (name) => /** @type {string} */ (parts.get(name))));
await writeFile(DRAFT, `/* sources ${madeOf} */\n${escaped(await bundle("ui/draft/main.js", "esm", [speaking("draft")]))}\n`);
await writeFile(REVIEW, `/* sources ${madeOf} */\n${escaped(await bundle("ui/review/main.js", "esm", [speaking("draft", "review")]))}\n`);
await writeFile(EXPLORE, `/* sources ${madeOf} */\n${escaped(await bundle("ui/explore/main.js", "esm"))}\n`);
// An audit file carries its program packed. The policy names the hash of what is unpacked: no other text is run.
const auditing = escaped(await bundle("ui/audit/main.js", "esm", [speaking("audit")]));
const loader = escaped(await bundle("ui/audit/loader.js", "esm"));
const policy = [
  "default-src 'none'",
  `script-src ${hash(loader)} ${hash(auditing)} 'wasm-unsafe-eval'`,
  `style-src ${hash(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
// By a packer that is not the machine's own: everywhere the same bytes.
const packed = Buffer.from(gzip(auditing, { level: 9 })).toString("base64");
const frame = worded(await readFile(new URL("ui/audit/page.html", HERE), "utf8"));
const pieces = new Map([["#CSP#", policy], ["#STYLE#", style], ["#PROGRAM#", packed], ["#LOADER#", loader], ["#SOURCES#", madeOf]]);
await writeFile(AUDIT, frame.replace(/#(?:CSP|STYLE|PROGRAM|LOADER|SOURCES)#/g, (name) => /** @type {string} */ (pieces.get(name))));
for (const target of [TARGET, DRAFT, REVIEW, EXPLORE, AUDIT]) {
  console.log(`${fileURLToPath(target)}: sha256 ${createHash("sha256").update(await readFile(target)).digest("hex")}`);
}

// What is inside may be handed on only with its licences. Of ajv a few functions are in the compiled schemas.
const { packages } = JSON.parse(await readFile(new URL("package-lock.json", HERE), "utf8"));
const inside = Object.keys(packages).filter((path) =>
  path && (!packages[path].dev || ["ajv", "fast-deep-equal"].includes(path.slice("node_modules/".length)))).sort();
const notices = await Promise.all(inside.map(async (path) => {
  const folder = new URL(`${path}/`, HERE);
  const file = (await readdir(folder)).sort().find((name) => /^licen[cs]e/i.test(name));
  const text = file ? (await readFile(new URL(file, folder), "utf8")).trim() : `Licence: ${packages[path].license}`;
  const { version } = packages[path];
  return `## ${path.slice("node_modules/".length)} ${version}\n\n${text.replaceAll(/[ \t]+$/gm, "").replaceAll("\r", "")}\n`;
}));
await writeFile(NOTICE, `Libraries in verify.html, draft.js, review.js, explore.js and audit.html, and their licences.\n\n${notices.join("\n")}`);
