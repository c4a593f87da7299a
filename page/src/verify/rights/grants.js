/** Rights that rest on more than a dataset's own credential: imports and grants (spec §20.8). */
import { parseUrn } from "../../canon/digest.js";
import { attempt } from "../../canon/errors.js";
import { DATASET } from "../../credentials/credential.js";
import { Resolver } from "../../credentials/did.js";
import { judgeLimits, judgeTerms, NOT_DECLARED } from "../../credentials/use.js";
import { didKey } from "../../crypto/ed25519.js";
import { checkGrant } from "../credential/grant.js";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {{manifest: string, tree: string, name: string, store: string}} Published A dataset as its publisher knows it. */
/** @typedef {{code: string, text: string}} Reason Why something is so; `text` follows the name of the document. */
/** @typedef {(terms: import("../../credentials/terms.js").Terms) => string[]} Used Given terms, the names of those of their partitions that are used. */
/**
 * What somebody did with one dataset, and by what that is judged: `about`: it, as its publisher knows it; `holder`: who
 * used it, as did:key; `now`: the later moment of verification.
 *
 * @typedef {{about: Published, use: import("../../credentials/use.js").Use, used: Used, holder: string, trust: import("../../credentials/trust.js").Trust, notices: import("../credential/status.js").Notices, now: number}} Request
 */

/** Whether a dataset credential or a grant is about the dataset (A44): whoever is believed for some names says so of other data. @param {Published} about @param {Published} said */
export const isMeant = (about, said) =>
  about.manifest === said.manifest && about.tree === said.tree && about.name === said.name && about.store === said.store;

/**
 * Whether a grant lets whoever has a key use a dataset. Never throws for bad input. Whether its issuer is believed,
 * whether its status could be read, and whether the key is known to be its holder's, is left to the caller, who finds
 * all three among the checks.
 *
 * @param {OpenedCredential} opened The grant.
 * @param {OpenedCredential} terms The dataset credential that it rests on.
 * @param {Request} request
 * @param {import("../../credentials/use.js").Use} use
 * @returns {Promise<{checks: Check[], issuer: string | null, holder: string, fault: Reason | null, partitions: import("../../credentials/terms.js").Partition[], limits: any}>} `holder`: whom it is granted to; `partitions`: what it gives of each that is used, within `limits`.
 */
export async function judgeGrant(opened, terms, { about, used, holder: key, trust, notices }, use) {
  const holder = holderOf(opened, key, trust, use.at);
  const { checks, envelope } = await checkGrant(opened, { trust, at: use.at, notices, files: [], terms, holder });
  const { document, issuer } = envelope;
  const subject = document?.credentialSubject;
  const given = (/** @type {Reason | null} */ fault, /** @type {any[]} */ partitions = []) =>
    ({ checks, issuer, holder: String(subject?.id), fault, partitions, limits: subject?.grant?.limits ?? {} });
  const broken = checks.find(({ state }) => state === "fail");
  if (broken) return given({ code: broken.detail.reason, text: broken.summary });
  if (document === null || !envelope.genuine) return given({ code: "unsound", text: "does not hold" });
  const { dataset, permits, limits = {} } = subject.grant;
  const said = { manifest: parseUrn(dataset.manifest), tree: parseUrn(dataset.id), name: dataset.name, store: parseUrn(dataset.store) };
  if (!isMeant(about, said)) return given({ code: "other-dataset", text: "is about something else" });
  const claims = terms.claimsAs(DATASET);
  const names = claims === null ? [] : used(claims.terms);
  const wider = (claims?.terms.partitions ?? []).filter(({ name }) => names.includes(name))
    .map((part) => ({ ...part, permits: [...new Set([...part.permits, ...permits])] }));
  const within = judgeTerms(wider, wider.length > 1, use);
  let [limited, by] = judgeLimits(limits, use);
  if (limited === "undeclared") by = `permitted ${by}${NOT_DECLARED}`;
  for (const [answer, reason] of [within, /** @type {const} */ ([limited, by])]) {
    if (answer !== "permitted") return given({ code: answer, text: `does not permit it: ${reason}` });
  }
  return given(null, wider);
}

/**
 * Who holds a grant, if a key uses it: the key, or an organisation that lists it. Never throws for bad input.
 *
 * @param {OpenedCredential} opened @param {string} key As did:key. @param {import("../../credentials/trust.js").Trust} trust @param {number} at
 * @returns {import("../credential/grant.js").Holder}
 */
function holderOf({ document }, key, trust, at) {
  const named = document?.credentialSubject?.id;
  const own = { did: key, fresh: true, unverified: "" };
  if (typeof named !== "string" || !named.startsWith("did:web:")) return own;
  return attempt(() => {
    // ATTACK: whoever has a copy of the grant lays a document with another key beside it.
    const listed = new Resolver(trust.documents).find(`${named}#${key.replace(/^did:key:/, "")}`, "authentication", at);
    return didKey(listed.key) === key ? { ...own, did: named } : own; // a name is not yet the key
  }, ({ kind }) => kind === "no-document" ? { did: named, fresh: true, unverified: kind } : own);
}
