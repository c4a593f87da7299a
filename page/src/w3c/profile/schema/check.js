/**
 * The schemas that a credential names for itself (spec §17.7): text that somebody
 * else wrote, taken only from what is at hand, and applied within bounds.
 */
import { take, validate } from "../../../../generated/jsonschema.js";
import { metaSchema } from "../../../../generated/schemas.js";
import { attempt, Refusal, refuse } from "../../../canon/errors.js";
import { quote } from "../../../canon/quoting.js";
import { failed, notApplicable, passed, unchecked } from "../../../verify/report.js";
import { isObject, parse } from "../../../canon/json.js";
import { modelProblem } from "../../problems.js";
import { pinnedBy } from "../resources.js";
import { checkCost } from "./limits.js";
import { readSchemaCredential, SCHEMA_CREDENTIAL, whyNot } from "./credential.js";
import { isUrl, statedIn } from "../../../canon/values.js";
import { MAX_SCHEMAS, MAX_SCHEMA_BYTES } from "../../../../generated/limits.js";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";
const OLDER = [
  "https://json-schema.org/draft/2019-09/schema", "http://json-schema.org/draft-07/schema", "https://json-schema.org/draft-07/schema",
];

/** @typedef {import("../../../verify/report.js").Check} Check */

/** @typedef {(bytes: Uint8Array) => Promise<import("../../../verify/report.js").Report>} Judge Verifies a credential that holds a schema, with no resources at hand, so that none leads to another. */
/** @typedef {{result: "success" | "failure" | "indeterminate", why: string}} Applied */

/** The check `schema` (S1). @param {any} document @param {import("../resources.js").Resources} resources @param {Judge} judge @returns {Promise<Check>} */
export async function checkSchemas(document, resources, judge) {
  const stated = statedIn(document, "credentialSchema");
  if (!stated.length) return notApplicable("schema", "names no schema for itself");
  if (stated.length > MAX_SCHEMAS) return unchecked("schema", "too-many", `names more than ${MAX_SCHEMAS} schemas`);
  /** @type {Check[]} */
  const checks = [];
  for (const item of stated) checks.push(await checkOne(document, item, resources, judge));
  return checks.find(({ state }) => state === "fail") ?? checks.find(({ state }) => state === "unchecked") ?? checks[0];
}

/** @param {any} document @param {any} item @param {import("../resources.js").Resources} resources @param {Judge} judge @returns {Promise<Check>} */
async function checkOne(document, item, resources, judge) {
  const { id: url, type } = item;
  const kind = Array.isArray(type) ? type.join() : type;
  if (kind !== "JsonSchema" && kind !== SCHEMA_CREDENTIAL) {
    return unchecked("schema", "unknown-type", `a schema of a type not known here: ${quote(JSON.stringify(type))}`);
  }
  const bytes = attempt(() => resources.find(url, pinnedBy(item)));
  if (bytes instanceof Refusal) return failed("schema", bytes.kind, quote(bytes.message, 300), modelProblem("MALFORMED_VALUE_ERROR"));
  if (bytes === undefined) return unchecked("schema", "not-at-hand", `the schema ${quote(url)} is not at hand`);
  const { result, why, detail } = kind === "JsonSchema"
    ? { ...apply(document, bytes, url), detail: {} }
    : await applyCredential(document, bytes, url, judge);
  if (result === "success") return passed("schema", `satisfies ${quote(url)}`, { result, ...detail });
  const summary = `${quote(url)}: ${quote(why, 300)}`;
  return result === "failure"
    ? failed("schema", "failure", summary, { result, ...detail, ...modelProblem("MALFORMED_VALUE_ERROR") })
    : unchecked("schema", "indeterminate", summary, { result });
}

/** @param {any} document @param {Uint8Array} bytes @param {string} url @param {Judge} judge @returns {Promise<Applied & {detail: object}>} */
async function applyCredential(document, bytes, url, judge) {
  const report = await judge(bytes);
  const detail = report.issuer === undefined ? {} : { schemaIssuer: report.issuer };
  const broken = whyNot(report);
  const applied = attempt(() => {
    if (bytes.length > MAX_SCHEMA_BYTES) refuse("schema-cost", `the schema has more than ${MAX_SCHEMA_BYTES} bytes`);
    const { schema, name } = readSchemaCredential(bytes, url);
    return applyParsed(document, schema, name);
  }, ({ kind, message }) => /** @type {Applied} */ ({ result: kind === "schema-cost" ? "indeterminate" : "failure", why: message }));
  if (broken === null || applied.result === "failure") return { ...applied, detail };
  return { result: broken.state === "fail" ? "failure" : "indeterminate", why: broken.why, detail };
}

/** @param {any} document @param {Uint8Array} bytes @param {string} url @returns {Applied} */
function apply(document, bytes, url) {
  if (bytes.length > MAX_SCHEMA_BYTES) return { result: "indeterminate", why: `the schema has more than ${MAX_SCHEMA_BYTES} bytes` };
  const schema = attempt(() => parse(bytes, { foreign: true }));
  if (schema instanceof Refusal) return { result: "failure", why: `the schema is not JSON: ${schema.message}` };
  return applyParsed(document, schema, url);
}

/** @param {any} document @param {any} schema @param {string} url @returns {Applied} */
function applyParsed(document, schema, url) {
  if (!isObject(schema) || typeof schema.$schema !== "string") {
    return { result: "failure", why: "the schema does not say of which draft it is" };
  }
  if (!isUrl(schema.$id)) return { result: "failure", why: "the schema has no $id" };
  if (schema.$id.replace(/#$/, "") !== url.replace(/#$/, "")) {
    return { result: "failure", why: `the schema is another one: ${schema.$id.slice(0, 200)}` };
  }
  const draft = schema.$schema.replace(/#$/, "");
  if (OLDER.includes(draft)) return { result: "indeterminate", why: "this page applies no schema of a draft before 2020-12" };
  if (draft !== DRAFT) return { result: "indeterminate", why: `a draft not known here: ${schema.$schema.slice(0, 80)}` };
  const known = attempt(() => checkCost(schema, document));
  if (known instanceof Refusal) return { result: "indeterminate", why: known.message };
  if (!metaSchema(schema)) return { result: "failure", why: "no such schema" };
  try {
    take(known.patterns);
    const { valid, errors } = validate(document, schema, "2020-12", known.places);
    if (valid) return { result: "success", why: "" };
    const [first] = errors.slice(-1);
    return { result: "failure", why: `${first.instanceLocation}: ${first.error}` };
  } catch (error) { // a pattern that cannot be taken
    return { result: "indeterminate", why: /** @type {Error} */ (error).message };
  }
}
