/** Schemas that are credentials themselves (spec §17.7): somebody signed them, so they count as far as that credential does. */
import { isObject, parse } from "../../../canon/json.js";
import { bad, statedIn, typesOf } from "../../../canon/values.js";

export const SCHEMA_CREDENTIAL = "JsonSchemaCredential";
const META_SCHEMA = [
  "https://www.w3.org/ns/credentials/json-schema/v2.json",
  "https://www.w3.org/2022/credentials/v2/json-schema-credential-schema.json", // older drafts
];
const META_DIGEST = "sha384-S57yQDg1MTzF56Oi9DbSQ14u7jBy0RDdx0YbeV7shwhCS88G8SCXeFq82PafhCrW";
const MADE = ["format", "model", "proof", "issuer.binding", "period", "status"];
const OF_ITS_OWN = ["schema", "related"];

/** The schema in a credential, and the URL that its `$id` has to be. Looks at no proof. @param {Uint8Array} bytes @param {string} url @returns {{schema: any, name: string}} */
export function readSchemaCredential(bytes, url) {
  const document = parse(bytes, { foreign: true });
  if (!isObject(document)) return bad("credential", "not a JSON object");
  if (document.id !== url) bad("id", "the schema is another one");
  if (!typesOf(document).includes(SCHEMA_CREDENTIAL)) bad("type", `does not include ${SCHEMA_CREDENTIAL}`);
  if (!isOfMetaSchema(document.credentialSchema)) bad("credentialSchema", `not that of a ${SCHEMA_CREDENTIAL}`);
  const subject = document.credentialSubject;
  if (!isObject(subject) || !isJsonSchema(subject)) return bad("credentialSubject/type", "not JsonSchema");
  const schema = subject.jsonSchema;
  if (!isObject(schema)) return bad("credentialSubject/jsonSchema", "missing, or not an object");
  return { schema, name: Object.hasOwn(subject, "id") ? subject.id : schema.$id };
}

/** Why a schema's credential does not hold, whoever its issuer is. @param {import("../../../verify/report.js").Report} report @returns {{state: "fail" | "unchecked", why: string} | null} */
export function whyNot({ checks }) {
  const own = checks.filter(({ id }) => !OF_ITS_OWN.includes(id));
  const wrong = own.find(({ state }) => state === "fail");
  if (wrong) return { state: "fail", why: `${wrong.id}: ${wrong.summary}` };
  const open = own.find(({ id, state }) => state === "unchecked" && !id.startsWith("trust."));
  if (open) return { state: "unchecked", why: `${open.id}: ${open.summary}` };
  return MADE.every((id) => own.some((made) => made.id === id)) ? null : { state: "unchecked", why: "it was not verified" };
}

/** @param {any} item */
const isJsonSchema = (item) => {
  const types = statedIn(item, "type");
  return types.length === 1 && types[0] === "JsonSchema";
};

/** @param {any} stated */
const isOfMetaSchema = (stated) => isObject(stated) && META_SCHEMA.includes(stated.id) && isJsonSchema(stated) &&
  (Object.hasOwn(stated, "digestSRI") ? stated.digestSRI : META_DIGEST) === META_DIGEST;
