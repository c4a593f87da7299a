/** What lies below `lyrikstore/` of a deployed folder, as far as it is read (spec §14.7.7). */
import { refuse } from "../../canon/errors.js";
import { isLitter } from "../delivery/compare_files.js";
import { areFew } from "../delivery/siblings.js";
import { compare } from "../../history/trees/paths.js";
import { CARD, evidenceFile, LEAVES, REPORT, SIGNED_FILES, TREE } from "./layout.js";
import { MAX_DEPLOYED_EVIDENCE_BYTES, MAX_JSON_BYTES, MAX_SIBLINGS } from "../../../generated/limits.js";

/** Files that may be larger than a manifest. */
const LARGE = new Set([TREE, CARD, REPORT, SIGNED_FILES, LEAVES]);

/**
 * `files`: those whose name is on the fixed list; `surplus`: what cannot belong there; `litter`: what desktops drop.
 *
 * @typedef {{files: Map<string, Uint8Array>, surplus: string[], litter: string[], unreadable: string[]}} EvidenceFiles
 */

/**
 * Read what lies there.
 *
 * @param {{path: string, size: number, bytes: () => Promise<Uint8Array>}[]} found Everything below `lyrikstore/`, by its path there.
 * @returns {Promise<EvidenceFiles>}
 */
export async function readEvidence(found) {
  /** @type {EvidenceFiles} */
  const evidence = { files: new Map(), surplus: [], litter: [], unreadable: [] };
  if (found.length > MAX_SIBLINGS) tooMany();
  let left = MAX_DEPLOYED_EVIDENCE_BYTES;
  for (const { path, size, bytes } of found.toSorted((one, other) => compare(one.path, other.path))) {
    if (isLitter(path)) evidence.litter.push(path);
    else if (evidenceFile(path) === null) evidence.surplus.push(path);
    else if (size > (LARGE.has(path) ? left : Math.min(left, MAX_JSON_BYTES))) evidence.unreadable.push(path);
    else {
      const data = await bytes().catch(() => null);
      if (data === null) evidence.unreadable.push(path);
      else evidence.files.set(path, data);
      left -= data?.length ?? 0;
    }
  }
  if (!areFew(evidence.files.values())) tooMany();
  return evidence;
}

/** @returns {never} */
function tooMany() {
  return refuse("too-many-files", `The folder lyrikstore holds more than a deployment has: ${MAX_SIBLINGS} files, or too many ` +
    "policies. Get the deployed folder again from whoever handed it over.");
}
