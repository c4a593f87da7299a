/**
 * Verification of whatever a person hands over: a delivery, another document of ours, or a credential
 * or presentation that others issued. No DOM, no network; everything comes in as arguments.
 */
import { openAll } from "./credentials/opened.js";
import { keysFor } from "./verify/credential/envelope.js";
import { statusUpdatesAmong } from "./verify/credential/status.js";
import { isOfDataset, verifyAlone, verifyDelivery } from "./verify/verify.js";
import { isPresentation, verifyPresentation } from "./w3c/profile/presentation.js";
import { Resources } from "./w3c/profile/resources.js";
import { verifyW3c } from "./w3c/profile/verify.js";

/** How the names of files begin that the user gave apart from the delivery. */
export const GIVEN = "given/";

/**
 * Return the report on whatever a file is: of profile `lyrik` a delivery, an attestation or a grant,
 * of profile `w3c` a credential or presentation of others (spec §17.1). With a challenge or a domain it
 * is judged as a presentation, whatever it says it is.
 *
 * @param {import("./credentials/opened.js").OpenedCredential} opened
 * @param {Parameters<typeof verifyDelivery>[1] & {challenge?: string, domain?: string}} given
 */
export async function verifyFile(opened, given) {
  const { siblings, trust, at, challenge, domain } = given;
  // ATTACK: who asked for a presentation and is handed the bare credential has nobody's answer.
  const asked = challenge !== undefined || domain !== undefined;
  if (!asked && isOfDataset(opened)) return verifyDelivery(opened, given);
  const files = openAll(siblings.values());
  const notices = statusUpdatesAmong(files);
  if (!asked && opened.profile === "lyrik") return verifyAlone(opened, { files, notices, trust, at });
  // What the user gave apart may be found by the URL that it claims; what came with the credential may not.
  const named = new Map([...siblings].filter(([name]) => name.startsWith(GIVEN)));
  const beside = [...siblings].filter(([name]) => !named.has(name)).map(([, bytes]) => bytes);
  const surroundings = { trust, at, resolver: keysFor(trust, notices), notices, resources: new Resources(named, beside) };
  return asked || isPresentation(opened.bytes)
    ? verifyPresentation(opened.bytes, surroundings, { challenge, domain })
    : verifyW3c(opened.bytes, surroundings);
}
