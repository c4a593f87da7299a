/** What lies in a deployed folder, by its name (spec §14.7.5). */

/** Where the evidence lies; nothing below it is in the tree. */
export const FOLDER = "lyrikstore";
export const MANIFEST = "manifest.json";
export const TREE = "tree.jsonl";
export const GENESIS = "genesis.json";
export const LOG_PROOF = "log.tlog-proof";
export const CONSISTENCY = "log.consistency.json";
export const LEAVES = "log.leaves";
export const CARD = "card.json";
export const REPORT = "report.json";
export const SIGNED_FILES = "model.sig";
export const UNSIGNED = "UNSIGNED.txt";
/** What folders of earlier versions had in place of a signed manifest. */
export const EARLIER = "deployment.json";

/**
 * By what a file below `lyrikstore/` is verified: `input` are manifests among the inputs, `credential` also what says
 * whether one still holds.
 *
 * @typedef {"manifest" | "tree" | "log" | "input" | "credential" | "card" | "attachment" | "nothing"} Vouched
 */
/** @typedef {{vouched: Vouched, kind: string, short: string}} EvidenceFile `kind`: of an input, that of the manifest; `short`: of a file that is named after a digest, the first digits of it. */

/** @type {Map<string, Vouched>} */
const FIXED = new Map([
  [MANIFEST, "manifest"], [TREE, "tree"], [GENESIS, "log"], [LOG_PROOF, "log"], [CONSISTENCY, "log"], [LEAVES, "log"],
  [CARD, "card"], [REPORT, "attachment"], [SIGNED_FILES, "attachment"], [UNSIGNED, "nothing"],
]);
const POLICY = /^policy-[1-9][0-9]{0,8}\.(?:json|tlog-proof)$/;
const INPUT = /^(checkpoint|run|evaluation|card|approval|decision)-([0-9a-f]{12})\.(?:json|tlog-proof)$/;
const CREDENTIAL = /^(?:credential|statement|document)-([0-9a-f]{12})\.(?:json|tlog-proof)$/;
const CURRENT = /^credential-([0-9a-f]{12})-(?:revocation|suspension)\.json$/;

/** What a file is; null: it does not belong there. @param {string} name Its path below `lyrikstore/`. @returns {EvidenceFile | null} */
export function evidenceFile(name) {
  const fixed = FIXED.get(name) ?? (POLICY.test(name) ? "log" : undefined);
  if (fixed !== undefined) return { vouched: fixed, kind: "", short: "" };
  const [, kind, input] = INPUT.exec(name) ?? [];
  if (input !== undefined) return { vouched: "input", kind, short: input };
  const [, short] = CREDENTIAL.exec(name) ?? CURRENT.exec(name) ?? [];
  return short === undefined ? null : { vouched: "credential", kind: "", short };
}
