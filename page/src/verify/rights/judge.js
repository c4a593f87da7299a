/**
 * Whether a document gives the right to one use of one dataset (spec §12.7, §11.7.2), where its store is not at hand:
 * where in a log it stands, and what is said there of its key by then, is not looked at. Pure.
 */
import { quote } from "../../canon/quoting.js";
import { endsOf } from "../../credentials/terms.js";
import { judgeTerms, permittedBy } from "../../credentials/use.js";
import { checkCredential } from "../credential/credential.js";
import { ACCEPTED } from "../report.js";
import { isMeant, judgeGrant } from "./grants.js";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {import("./grants.js").Reason} Reason */
/** @typedef {import("./grants.js").Request} Request */
/**
 * What the judge says of one candidate: why it gives no right; what could not be checked, never a success; why the
 * verifier need not believe the issuer; that it gave the right and was revoked after the use; who issued it, where a
 * signature shows that; and when the first of the terms that give the right ends, with whether any of them requires that
 * data be deleted then. That they have ended is left to the caller: what was permitted was done.
 *
 * @typedef {{fault: Reason | null, open: Reason[], unbelieved: Reason | null, later: Reason | null, issuer: string | null, end: import("../../credentials/terms.js").TermsEnd | null}} Ruling
 */

const REVOKED = ["revoked", "suspended", "superseded"];

/** @param {Reason[]} open @returns {Ruling} */
export const opened = (...open) => ({ fault: null, open, unbelieved: null, later: null, issuer: null, end: null });
/** @param {string} code @param {string} text @returns {Ruling} */
export const faulty = (code, text) => ({ ...opened(), fault: { code, text } });

/** @param {OpenedCredential} credential A dataset credential. @param {OpenedCredential | undefined} grant One to the user that rests on it. @param {Request} request @returns {Promise<Ruling>} */
export const judge = (credential, grant, request) =>
  grant === undefined ? judgeCredential(credential, request) : judgeGranted(grant, credential, request);

/** @param {OpenedCredential} one @param {Request} request @returns {Promise<Ruling>} */
async function judgeCredential(one, { about, use, used, trust, notices, now }) {
  const { checks, claims, issuer, genuine, checkKey } = await checkCredential(one, { trust, at: use.at, notices });
  if (!genuine || claims === null || issuer === null) return faulty("unsound", "does not hold");
  if (!isMeant(about, claims)) return faulty("other-dataset", "is about something else"); // attack case A44
  for (const id of ["period", "trust.allowed"]) if (!ACCEPTED.includes(of(checks, id).state)) return failing(of(checks, id));
  const names = used(claims.terms);
  const partitions = claims.terms.partitions.filter(({ name }) => names.includes(name));
  const [answer, reason] = judgeTerms(partitions, claims.terms.partitions.length > 1, use);
  if (answer !== "permitted") {
    const permitted = quote(permittedBy(partitions).join(", ") || "nothing", 200);
    return faulty(answer, `does not permit it: ${quote(reason, 300)}; permits ${permitted}`);
  }
  const standing = [of(checks, "status"), checkKey()];
  const broken = standing.find(({ state }) => state === "fail");
  if (broken) return failing(broken);
  const { checks: since } = await checkCredential(one, { trust, at: now, notices });
  return {
    fault: null,
    open: openOf(standing),
    unbelieved: unbelievedOf(of(since, "trust.issuer"), of(checks, "issuer.document"), issuer),
    later: revocation(of(since, "status")),
    issuer,
    end: firstOf(endsOf(partitions, [one.document?.validUntil])),
  };
}

/** @param {OpenedCredential} one @param {OpenedCredential} terms @param {Request} request @returns {Promise<Ruling>} */
async function judgeGranted(one, terms, request) {
  const { checks, issuer, holder: named, fault, partitions, limits } = await judgeGrant(one, terms, request, request.use);
  const holder = of(checks, "grant.holder");
  if (holder.state === "fail") return faulty("other-holder", holder.summary);
  if (fault !== null) return { ...opened(), fault };
  if (issuer === null) return faulty("unsound", "does not hold");
  const standing = ["issuer.key", "status", "grant.terms"].map((id) => of(checks, id));
  if (standing[2].state === "warn") standing.pop(); // replaced terms are those of new grants
  const open = openOf(standing);
  if (holder.state === "unchecked") {
    const unpinned = "you pinned no document of that organisation, which would list the key of who uses it";
    open.unshift({ code: holder.detail.reason, text: `is for ${named}; ${unpinned}` });
  }
  const { checks: since } = await judgeGrant(one, terms, request, { ...request.use, at: request.now });
  return {
    fault: null,
    open,
    unbelieved: unbelievedOf(of(since, "trust.issuer"), of(checks, "issuer.document"), issuer),
    later: revocation(of(since, "status")) ?? revocation(of(since, "grant.terms")),
    issuer,
    end: firstOf(endsOf(partitions, [one.document?.validUntil, limits.useUntil])),
  };
}

/** @param {import("../../credentials/terms.js").TermsEnd[]} ends */
const firstOf = (ends) => ends.length ? { at: ends[0].at, delete: ends.some((one) => one.delete) } : null;
/** @param {Check[]} checks @param {string} id */
const of = (checks, id) => /** @type {Check} */ (checks.find((check) => check.id === id));
/** @param {Check} check */
const failing = ({ detail, summary }) => faulty(detail.reason, `is not in force: ${summary}`);

/** A warning too: of a list that was made later and cannot be read, say. @param {Check[]} checks @returns {Reason[]} */
const openOf = (checks) => checks.filter(({ state }) => !ACCEPTED.includes(state))
  .map(({ detail, summary }) => ({ code: detail.reason, text: `is not known to be in force: ${summary}` }));

/** @param {Check} believed @param {Check} document @param {string} issuer @returns {Reason | null} */
function unbelievedOf(believed, document, issuer) {
  if (believed.state !== "pass") {
    return { code: believed.detail.reason, text: `is by ${issuer}, whom your trust file does not name as a publisher of it` };
  }
  // ATTACK: whoever hands a credential over writes the document that lists its key.
  return document.detail.reason === "snapshot-only"
    ? { code: "snapshot-only", text: `is by ${issuer} only as a document says that was taken in with it` } : null;
}

/** That it was revoked since, if `status` or `grant.terms` says so. @param {Check} check @returns {Reason | null} */
const revocation = ({ state, detail }) => state === "fail" && REVOKED.includes(detail.reason)
  ? { code: "taken-back-later", text: `has been ${detail.reason} since` } : null;
