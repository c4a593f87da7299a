/**
 * The check `deployment.rights`: what the credentials beside a folder say (spec §14.7.7). Whoever deployed it judged the
 * rights by the whole store; what they found is stated. The credentials that the run relied on are beside it, and are
 * judged here: as of the run, and for what became of them since.
 */
import { parseId, short } from "../../canon/digest.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { quote } from "../../canon/quoting.js";
import { counted } from "../../canon/text.js";
import { formatTimestamp, parseTimestamp } from "../../canon/timestamps.js";
import { GRANT } from "../../credentials/credential.js";
import { permittedBy, useOfRun } from "../../credentials/use.js";
import { compare } from "../../history/trees/paths.js";
import { checkCredential } from "../credential/credential.js";
import { Problems } from "../problems.js";
import { notProven, stated, unchecked } from "../report.js";
import { faulty, judge, opened } from "../rights/judge.js";
import { leftOut, renewedBy } from "./credentials.js";
import { MAX_NAMED } from "../../../generated/limits.js";

const CHECK = "deployment.rights";
/** Reasons of `status` that say only that no list of the right age is at hand. */
const NO_NEWS = ["no-list", "future-list", "stale-list", "expired-list"];
/** Doubts of whoever deployed it that are about their own trust file. */
const OF_TRUST = ["unknown-issuer", "out-of-scope", "snapshot-only"];

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {import("../rights/judge.js").Ruling} Ruling */
/** @typedef {{credential: string, issuer: string, dataset: string, permits: string[], requires: string[], validUntil?: string}} Row */
/** @typedef {{trust: import("../../credentials/trust.js").Trust, at: number, notices: import("../credential/status.js").Notices}} Around `notices`: what issuers have said since, as far as it is at hand. */

/**
 * @param {any} deployment Its manifest, whose author states what they found.
 * @param {any} run The run that made the checkpoint; undefined: it is not at hand.
 * @param {Map<string, OpenedCredential>} credentials Those that the run names and that are at hand, by id.
 * @param {Around} around
 * @returns {Promise<Check>}
 */
export async function checkRightsBeside(deployment, run, credentials, around) {
  const found = deployment.body.rights;
  const detail = { stated: found };
  if (!run) {
    return unchecked(CHECK, "missing-file", "its run, which names the rights that it rests on, is not beside it", detail);
  }
  const review = new Review(deployment, run, credentials, around);
  /** @type {Map<string, any[]>} */
  const rights = new Map();
  for (const right of run.body.rights) rights.set(right.dataset, [...rights.get(right.dataset) ?? [], right]);
  for (const recorded of rights.values()) await review.checkDataset(recorded);
  review.checkEnd(found);
  const { problems, unbelieved, hidden } = review;
  if (!rights.size && run.inputs.some((/** @type {any} */ { kind, role }) => kind === "dataset" && role !== "test")) {
    problems.add(problems.bad, "none-recorded", "its run recorded no right to its data");
  }
  if (["warn", "unchecked"].includes(found.state) && !OF_TRUST.includes(found.reason)) {
    problems.add(problems.warnings, found.reason ?? "noted", `whoever deployed it found of its rights: ${found.state}`);
  }
  const rows = [...review.rows.values()];
  const all = {
    ...detail,
    ...(unbelieved.size ? { unbelieved: [...unbelieved].sort(compare) } : {}),
    ...(hidden.size ? { credentialsLeftOut: [...hidden].sort(compare).slice(0, MAX_NAMED) } : {}),
    ...(rows.length ? { credentials: rows.slice(0, MAX_NAMED) } : {}),
  };
  const said = wordsOf(found.state, rows, hidden.size);
  const check = problems.close(said, all);
  return check.state === "pass" ? stated(CHECK, said, all) : check;
}

/** What is not proven of the rights in a base model, as a sentence. @param {any} base @returns {string} */
export function rightsInBase({ name, author, body: { origin, rights } }) {
  if (origin !== "imported") return notProven("base-rights", name); // it is of this store, and so are its own runs
  return rights?.asserted ? notProven("asserted-rights", name, author, quote(rights.asserted, 200)) : notProven("unknown-rights", name);
}

class Review {
  /** @param {any} deployment @param {any} run @param {Map<string, OpenedCredential>} credentials @param {Around} around */
  constructor(deployment, run, credentials, around) {
    this.run = run;
    this.atHand = credentials;
    this.around = around;
    this.left = leftOut(deployment);
    this.then = parseTimestamp(run.created);
    this.deployed = parseTimestamp(deployment.created);
    this.renewals = renewedBy(deployment).flatMap((id) => credentials.get(id) ?? []);
    /** @type {import("../../credentials/terms.js").TermsEnd[]} */
    this.ends = [];
    this.problems = new Problems(CHECK);
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** @type {Set<string>} */
    this.unbelieved = new Set();
    /** Credentials that are left out, so that what they gave is stated. @type {Set<string>} */
    this.hidden = new Set();
  }

  /** Add what is wrong with the rights to one source: one that holds is enough. @param {any[]} rights */
  async checkDataset(rights) {
    const { problems } = this;
    const rulings = [];
    for (const right of rights) rulings.push(await this.#judge(right));
    const [{ label: first, ruling: { fault: shown } }] = rulings;
    if (rulings.every(({ ruling }) => ruling.fault) && shown) problems.add(problems.bad, shown.code, `${first} ${shown.text}`);
    const ends = rulings.filter(({ ruling }) => ruling.fault === null).map(({ ruling }) => ruling.end);
    if (ends.length && !ends.includes(null)) this.ends.push(latest(/** @type {any[]} */ (ends)));
    for (const { label, ruling: { fault, open, unbelieved, later, issuer } } of rulings) {
      if (fault !== null) continue;
      // What has become of it since, nobody can tell from a folder: that is not proven.
      for (const { code, text } of open) if (!NO_NEWS.includes(code)) problems.add(problems.lost, code, `${label} ${text}`);
      if (unbelieved !== null && issuer !== null) this.unbelieved.add(issuer);
      for (const one of [later, unbelieved]) if (one !== null) problems.add(problems.warnings, one.code, `${label} ${one.text}`);
    }
  }

  /** Add what is wrong with when the rights end, as whoever deployed it says. Folders that say nothing of it are as they were before any did. @param {any} said */
  checkEnd({ until, deleteOnExpiry }) {
    if (until === undefined) return;
    const { problems, ends } = this;
    const end = ends.length ? Math.min(...ends.map(({ at }) => at)) : Infinity;
    if (parseTimestamp(until) > end) {
      // ATTACK: whoever serves it signs that the rights go on for longer than they do.
      problems.add(problems.bad, "disagrees", `says that its rights end at ${until}, not at ${formatTimestamp(end)}`);
    } else if (ends.some((one) => one.delete) && !deleteOnExpiry) {
      problems.add(problems.bad, "disagrees", "does not say that data has to be deleted when its rights end");
    }
    if (this.around.at > parseTimestamp(until)) {
      problems.add(problems.warnings, "ended-later", `its rights ended at ${until}${deleteOnExpiry ? ", and some of the data had to be deleted" : ""}`);
    }
  }

  /** @param {any} right @returns {Promise<{label: string, ruling: Ruling}>} */
  async #judge(right) {
    const named = [right.credential, right.grant].filter((id) => id !== undefined);
    const label = `${right.grant === undefined ? "credential" : "grant"} ${short(parseId(named.at(-1)))}`;
    const hidden = named.filter((id) => this.left.has(id));
    if (hidden.length) {
      for (const id of hidden) this.hidden.add(id);
      return { label, ruling: this.#stated(right.issuer) };
    }
    const [terms, grant] = named.map((id) => this.atHand.get(id));
    if (terms === undefined || (named.length > 1 && grant === undefined)) {
      return { label, ruling: opened({ code: "missing-file", text: "or what it rests on, is not beside it" }) };
    }
    const { trust, notices } = this.around;
    const { checks, claims, genuine } = await checkCredential(terms, { trust, at: this.then, notices });
    const proof = /** @type {Check} */ (checks.find(({ id }) => id === "proof"));
    if (claims !== null && proof.state === "unchecked") return { label, ruling: opened({ code: proof.detail.reason, text: proof.summary }) };
    if (claims === null || !genuine) return { label, ruling: faulty("unsound", "does not hold") };
    return { label, ruling: await this.#rule(right, terms, grant, claims) };
  }

  /** @param {string} issuer @returns {Ruling} */
  #stated(issuer) {
    // ATTACK: credentials by nobody are left out, so that nobody asks who gave them.
    const unbelieved = this.around.trust.knows(issuer) ? null :
      { code: "unknown-issuer", text: `is left out, and by ${issuer}, whom your trust file does not name` };
    return { ...opened(), unbelieved, issuer };
  }

  /** @param {any} right @param {OpenedCredential} terms @param {OpenedCredential | undefined} grant @param {import("../credential/credential.js").Claims} claims */
  async #rule(right, terms, grant, claims) {
    const known = claims.terms.partitions.map(({ name }) => name);
    const names = /** @type {string[]} */ (right.partitions ?? known);
    // ATTACK: partitions that the terms do not have, of which nothing is prohibited.
    if (!names.length || !names.every((name) => known.includes(name))) {
      return faulty("disagrees", "has other partitions than the run recorded");
    }
    this.#note(terms, claims, names);
    const use = attempt(() => useOfRun(this.run.body, this.then));
    if (use instanceof Refusal) return faulty(use.kind, quote(use.message, 200));
    const own = `blake3:${claims.store}` === this.run.store; // of an import, the publisher's own version
    const { trust, notices, at: now } = this.around;
    /** @type {import("../rights/judge.js").Request} */
    const request = {
      about: { manifest: own ? parseId(right.dataset) : claims.manifest, tree: claims.tree, name: claims.name, store: claims.store },
      use,
      used: ({ partitions }) => partitions.map(({ name }) => name).filter((name) => names.includes(name)),
      holder: this.run.author,
      trust,
      notices,
      now,
    };
    const ruling = await judge(terms, grant, request);
    if (ruling.fault !== null) return ruling;
    if (ruling.issuer !== right.issuer) return faulty("other-issuer", "has another issuer than recorded");
    return { ...ruling, end: await this.#endOf(ruling, request, names) };
  }

  /** When a right ends, with what had renewed it when the folder was made. @param {Ruling} ruling @param {import("../rights/judge.js").Request} request @param {string[]} names */
  async #endOf(ruling, request, names) {
    const used = (/** @type {import("../../credentials/terms.js").Terms} */ { partitions }) => {
      const known = partitions.map(({ name }) => name);
      return names.every((name) => known.includes(name)) ? names : known;
    };
    const wanted = { ...request, use: { ...request.use, at: this.deployed }, used };
    const ends = [ruling.end];
    const grants = this.renewals.filter(({ kind }) => kind === GRANT);
    for (const terms of this.renewals) {
      for (const grant of [undefined, ...grants]) {
        const found = await judge(terms, grant, wanted);
        if (found.fault === null && (found.unbelieved === null || found.issuer === ruling.issuer)) ends.push(found.end);
      }
    }
    return ends.includes(null) ? null : latest(/** @type {any[]} */ (ends));
  }

  /** @param {OpenedCredential} terms @param {import("../credential/credential.js").Claims} claims @param {string[]} names */
  #note(terms, claims, names) {
    const used = claims.terms.partitions.filter(({ name }) => names.includes(name));
    const until = terms.document?.validUntil;
    this.rows.set(terms.id, {
      credential: `blake3:${terms.id}`,
      issuer: terms.issuer ?? "",
      dataset: claims.name,
      permits: permittedBy(used).sort(compare),
      requires: [...new Set(used.flatMap((part) => part.requires))].sort(compare),
      ...(typeof until === "string" ? { validUntil: until } : {}),
    });
  }
}

/** @param {import("../../credentials/terms.js").TermsEnd[]} ends */
const latest = (ends) => ends.reduce((one, other) => other.at > one.at || (other.at === one.at && other.delete) ? other : one);

/** What the folder says of its rights, for people. @param {string} state @param {Row[]} rows @param {number} hidden */
function wordsOf(state, rows, hidden) {
  const duties = [...new Set(rows.flatMap(({ requires }) => requires))].sort(compare);
  const by = [...new Set(rows.map(({ issuer }) => issuer))].sort(compare);
  const parts = [`whoever deployed it found its rights: ${state}`];
  if (rows.length) parts.push(`${counted(rows.length, "credential")} beside it, by ${quote(by.join(", "), 300)}`);
  if (hidden) parts.push(`${counted(hidden, "credential")} that may name values of the data left out: what they gave is stated`);
  if (duties.length) parts.push(`duties: ${quote(duties.join(", "), 300)}`);
  else if (!hidden) parts.push("no duties are named");
  return `${parts.join("; ")}; NOTICE has all of them`;
}
