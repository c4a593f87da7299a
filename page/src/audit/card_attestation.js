/** Attestations about cards, models and stores (spec §20.9, §20.10), as the log of a store has them. */
import { cardAttestation } from "../../generated/answers_schema.js";
import { checkOpinion } from "../credentials/credential.js";

const CONTEXTS = ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/lyrikstore/v2"];

/** @type {import("../credentials/credential.js").Kind} */
export const CARD_ATTESTATION = {
  type: "AttestationCredential",
  schema: "cardAttestation",
  words: "an attestation about a card",
  checkSubject: checkOpinion,
  // Before opinions, it had answers and challenges only.
  earlier: ["sha384-fx+2ncNVUi9kPWld+SVNjK0TeePxTsXfg6pGPfDoA5C2bxp5BZaE5Q5BIf1W2ZQp"],
  fits: (document) => /** @type {any} */ (cardAttestation)(document),
};

/** Whether a document says by its context that it is one. @param {any} document */
export const isAboutCard = (document) => {
  const context = document?.["@context"];
  return Array.isArray(context) && context.length === 2 && context.every((one, at) => one === CONTEXTS[at]);
};
