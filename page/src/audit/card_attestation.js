/** Attestations about cards (spec §20.9), as the log of a store has them. */
import { cardAttestation } from "../../generated/answers_schema.js";

const CONTEXTS = ["https://www.w3.org/ns/credentials/v2", "https://w3id.org/lyrikstore/v2"];

/** @type {import("../credentials/credential.js").Kind} */
export const CARD_ATTESTATION = {
  type: "AttestationCredential",
  schema: "cardAttestation",
  words: "an attestation about a card",
  checkSubject: () => undefined,
  fits: (document) => /** @type {any} */ (cardAttestation)(document),
};

/** Whether a document says by its context that it is one. @param {any} document */
export const isAboutCard = (document) => {
  const context = document?.["@context"];
  return Array.isArray(context) && context.length === 2 && context.every((one, at) => one === CONTEXTS[at]);
};
