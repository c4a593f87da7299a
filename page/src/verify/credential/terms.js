/** What a credential says of use, age and law, checked as far as it can be (spec §11.4.6). */
import { blake3 } from "../../canon/digest.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { counted } from "../../canon/text.js";
import { nameSome, quote } from "../../canon/quoting.js";
import { failed, notApplicable, passed, stated, unchecked, warned } from "../report.js";
import { assign } from "../../credentials/terms.js";
import { limitWords } from "../../credentials/territory.js";
import { parseTimestamp } from "../../canon/timestamps.js";
import { compare } from "../../history/trees/paths.js";

const DAY = 86_400_000;

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../credentials/terms.js").Terms} Terms */
/** @typedef {import("../../credentials/terms.js").Partition} Partition */

/** What may be done, as whoever signed states it, in one line. @param {Terms} terms @returns {Check} */
export function checkTerms({ partitions, licence }) {
  const [first, ...others] = partitions;
  const shown = partitions.slice(0, 3).map((part) => `${part.name}: ${words(part)}`).join("; ");
  const more = partitions.length > 3 ? `; and ${partitions.length - 3} more` : "";
  const union = (/** @type {"prohibits" | "requires"} */ member) => [...new Set(partitions.flatMap((part) => part[member]))];
  return stated("terms", others.length ? `${counted(partitions.length, "partition")}; ${shown}${more}` : words(first), {
    permits: first.permits.filter((word) =>
      partitions.every(({ permits, prohibits }) => permits.includes(word) && !prohibits.includes(word))),
    prohibits: union("prohibits"),
    requires: union("requires"),
    partitions: partitions.map(spelt),
    ...(licence === null ? {} : { licence }),
  });
}

/** Whether a file beside the credential has the name that deliveries give a licence text. @param {string} name */
export const isTextName = (name) => name === "LICENCE.txt" || (name.startsWith("LICENCE-") && name.endsWith(".txt"));

/**
 * The same in a delivery: only if the texts that it names are there.
 *
 * @param {Terms} terms
 * @param {Check} check
 * @param {(digest: string) => Uint8Array | undefined} find
 * @param {Map<string, Uint8Array>} siblings The files beside the credential, by name.
 * @returns {Check}
 */
export function checkTexts({ texts }, check, find, siblings) {
  const missing = [...texts].find(([digest]) => find(digest) === undefined);
  const other = missing && [...siblings].filter(([name, bytes]) => isTextName(name) && !texts.has(blake3(bytes)))
    .map(([name]) => name).sort(compare)[0];
  if (other !== undefined) {
    return unchecked("terms", "altered", `${check.summary}; ${quote(other)} is not the text named: it was altered`, check.detail);
  }
  if (missing) {
    const what = missing[1] === null ? "the licence text" : `the text of ${quote(missing[1])}`;
    return unchecked("terms", "missing-file", `${check.summary}; ${what} is not beside the credential`, check.detail);
  }
  if (!texts.size) return check;
  const said = texts.size === 1 ? "the licence text is the one" : "the licence texts are those";
  return stated("terms", `${check.summary}; ${said} named`, check.detail);
}

/**
 * Whether each file is in exactly one partition, as large as said.
 *
 * @param {any} subject
 * @param {Terms} terms
 * @param {import("../../history/trees/tree.js").Tree | null} tree
 * @param {number[] | null} counts Records of each file, in tree order.
 * @returns {Check}
 */
export function checkPartitions(subject, terms, tree, counts) {
  const id = "terms.partitions";
  if (tree === null) return unchecked(id, "missing-file", "no sound list of files to divide");
  const numbers = attempt(() => assign(tree, terms.partitions));
  if (numbers instanceof Refusal) return failed(id, numbers.kind, quote(numbers.message, 300));
  const found = terms.partitions.map(() => ({ files: 0, bytes: 0, records: 0 }));
  numbers.forEach((number, at) => {
    found[number].files += 1;
    found[number].bytes += tree.entries[at].bytes;
    found[number].records += counts?.[at] ?? 0;
  });
  const wrong = subject.licence.partitions.flatMap((/** @type {any} */ said, /** @type {number} */ at) => {
    const claimed = { files: String(said.fileCount), bytes: said.byteSize, records: said.recordCount };
    return /** @type {const} */ (["files", "bytes", "records"])
      .filter((what) => (what !== "records" || counts !== null) && claimed[what] !== String(found[at][what]))
      .map((what) => ({ partition: said.name, what, claimed: claimed[what], found: String(found[at][what]) }));
  });
  if (wrong.length) {
    const names = [...new Set(wrong.map((/** @type {any} */ item) => item.partition))].sort();
    return failed(id, "differs", `other files than claimed are in partition ${nameSome(names)}`, { partitions: wrong });
  }
  const [size, count] = [tree.entries.length, found.length];
  const whole = count === 1 ? `one set of terms for ${counted(size, "file")}` : `of ${counted(size, "file")} each is in one of ${counted(count, "partition")}`;
  return counts === null
    ? unchecked(id, "not-recomputed", `${whole}; their records were not counted`)
    : passed(id, whole, { partitions: count });
}

/** The period that is claimed, and apart from it what shows existence. @param {any} subject @param {Check} logged @returns {Check} */
export function checkAge(subject, logged) {
  const { type, ...claimed } = subject.age;
  const { origin, index } = subject.log;
  const inLog = logged.state === "pass";
  const existence = { shownBy: inLog ? "log-inclusion" : "nothing", notLaterThan: "not proven", ...(inLog ? { origin, index } : {}) };
  const shown = inLog
    ? `it existed when entry ${index} of its log was made; by which date is not proven: no witness and no time stamp says so`
    : "that it existed by some date is not proven";
  const { collectedFrom: first, collectedUntil: last, snapshotAt } = claimed;
  const made = Math.floor(parseTimestamp(snapshotAt) / DAY);
  // One day of grace: a day may be that of a calendar east of UTC.
  if (last !== undefined && Date.parse(last) / DAY - made > 1) {
    return failed("age", "contradiction", `collected until ${last}, after this version was made, ${snapshotAt.slice(0, 10)}`, { claimed, existence });
  }
  const period = [["from", first], ["until", last]].filter(([, day]) => day).map(([word, day]) => ` ${word} ${day}`).join("");
  const said = period ? `claimed: collected${period}` : "no period of collection is claimed";
  return stated("age", `${said}; ${shown}`, { claimed, existence });
}

/** Statements of law, each with its basis and with who warrants it. @param {any} subject @param {string | null} issuer @param {string} validFrom @returns {Check} */
export function checkRegulatory({ regulatory: statements = [] }, issuer, validFrom) {
  const id = "regulatory";
  if (!statements.length) return notApplicable(id, "no statement about laws");
  const later = statements.find((/** @type {any} */ item) => item.asOf > validFrom.slice(0, 10));
  if (later) return failed(id, "future", `${quote(later.regime)} is judged as of ${later.asOf}, after it begins`);
  const shown = statements.slice(0, 3).map((/** @type {any} */ { regime, status, basis, warrantedBy: party, asOf }) => {
    const who = party.did === issuer ? "by the issuer" : `by ${quote(party.name ?? party.did)}, so the issuer says,`;
    return `${quote(regime)}: ${quote(status)} on the basis of ${quote(basis)}, warranted ${who} as of ${asOf}`;
  });
  const more = statements.length > 3 ? `; and ${statements.length - 3} more` : "";
  const byOthers = statements.filter((/** @type {any} */ item) => item.warrantedBy.did !== issuer).length;
  const summary = shown.join("; ") + more;
  return byOthers
    ? warned(id, "unsigned-warrant", `${summary}; whoever is named did not sign it`, { statements, byOthers })
    : stated(id, summary, { statements, byOthers });
}

/** A partition as a report shows it: without its counts and selectors. @param {Partition} part */
function spelt({ name, permits, prohibits, requires, grantable, spdxExpression, limits }) {
  const lists = Object.entries({ permits, prohibits, requires, grantable }).filter(([, list]) => list.length);
  return {
    type: "Partition", name, ...Object.fromEntries(lists.map(([member, list]) => [member, [...new Set(list)]])),
    ...(spdxExpression === undefined ? {} : { spdxExpression }),
    ...(Object.keys(limits).length ? { limits } : {}),
  };
}

/** @param {Partition} part */
function words({ permits, prohibits, requires, limits }) {
  const parts = /** @type {[string, string[]][]} */ ([["permits", permits], ["prohibits", prohibits], ["requires", requires]])
    .filter(([verb, list]) => list.length || verb === "permits")
    .map(([verb, list]) => `${verb} ${list.map((word) => quote(word)).join(", ") || "nothing"}`);
  const order = ["territory", "useFrom", "useUntil", "seats", "purposes"];
  const bounds = order.filter((name) => limits[name] !== undefined)
    .map((name) => `${name} ${limitWords(name, limits[name]).join(", ")}`);
  return [...parts, ...(bounds.length ? [`only ${bounds.join(", ")}`] : [])].join("; ");
}
