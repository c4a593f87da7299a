/**
 * The changes of each status list of a log (spec §20.6): a list changes the credentials whose bits are other in it than
 * in the list before it, at the same URL and by the same issuer.
 */
import { attempt, Refusal } from "../../canon/errors.js";
import { entriesOf, holds, readList } from "../../verify/credential/status.js";
import { keyIn, signerOf } from "../opened.js";

/** @typedef {import("../opened.js").OpenedEvidence} OpenedEvidence */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {{credential: string, effect: "revokes" | "suspends" | "reinstates", about: string, reason: string}} StatusChange */
/** @typedef {{index: number, id: string, about: string}} Named */

/** @type {Map<string, StatusChange["effect"]>} */
const WORDS = new Map([["revocation true", "revokes"], ["suspension true", "suspends"], ["suspension false", "reinstates"]]);

/** The changes that each list makes, by its id; lists without changes are left out. @param {OpenedEvidence} opened @returns {Map<string, StatusChange[]>} */
export function statusChanges(opened) {
  const reasons = reasonsIn(opened);
  /** @type {Map<string, Named[]>} */
  const named = new Map();
  /** @type {Map<string, Uint8Array>} */
  const bits = new Map();
  /** @type {Map<string, StatusChange[]>} */
  const found = new Map();
  for (const { type, id } of opened.evidence.leaves) {
    const one = opened.credentials.get(id);
    if (type !== "credential" || one === undefined || found.has(id)) continue;
    if (one.listUrl === null) {
      noteEntries(opened, named, id, one);
      continue;
    }
    const list = attempt(() => readList(one, keyIn));
    if (list instanceof Refusal) continue; // what it says is nobody's word; a check names it
    const changes = changesOf(list, named, bits);
    const signer = signerOf(one) ?? "";
    // Words of anybody else are not the reason; a check names them.
    if (changes.length) found.set(id, changes.map((change) => ({ ...change, reason: reasons.get(`${id} ${change.credential} ${signer}`) ?? "" })));
  }
  return found;
}

/** The words of withdrawals, by list, credential and author. @param {OpenedEvidence} opened @returns {Map<string, string>} */
const reasonsIn = ({ manifests }) => new Map([...manifests.values()].filter(({ kind }) => kind === "withdrawal")
  .map(({ body, author, message }) => [`${hexOf(body.list)} ${hexOf(body.credential)} ${author}`, message]));

/** @param {string} id */
const hexOf = (id) => id.slice("blake3:".length);

/** @param {OpenedEvidence} opened @param {Map<string, Named[]>} named @param {string} id @param {OpenedCredential} one */
function noteEntries(opened, named, id, one) {
  const entries = attempt(() => entriesOf(one));
  if (entries instanceof Refusal) return;
  for (const { url, purpose, index } of entries) {
    const place = `${url} ${purpose} ${one.issuer ?? ""}`;
    const known = named.get(place) ?? [];
    known.push({ index, id, about: subjectName(opened, one) ?? ownName(one) });
    named.set(place, known);
  }
}

/** @param {ReturnType<typeof readList>} list @param {Map<string, Named[]>} named @param {Map<string, Uint8Array>} bits */
function changesOf({ url, purpose, issuer, bits: now }, named, bits) {
  const place = `${url} ${purpose} ${issuer}`;
  const before = bits.get(place) ?? new Uint8Array(now.length);
  // Of two clones each has its own list: the later one lacks what the other revoked, for good.
  bits.set(place, either(purpose === "revocation" ? before : new Uint8Array(), now));
  return (named.get(place) ?? []).flatMap(({ index, id, about }) => {
    if (index >= now.length * 8) return [];
    const [is, was] = [holds(now, index), index < before.length * 8 && holds(before, index)];
    const effect = WORDS.get(`${purpose} ${is}`);
    return is === was || effect === undefined ? [] : [{ credential: id, effect, about }];
  });
}

/** @param {Uint8Array} one @param {Uint8Array} other */
function either(one, other) {
  const found = new Uint8Array(Math.max(one.length, other.length));
  for (const bytes of [one, other]) bytes.forEach((byte, at) => { found[at] |= byte; });
  return found;
}

/** The name of the manifest that a credential is about. @param {OpenedEvidence} opened @param {OpenedCredential} credential @returns {string | null} */
function subjectName({ manifests }, { document }) {
  const named = document?.credentialSubject?.manifest;
  return typeof named === "string" && named.startsWith("urn:blake3:") ? manifests.get(named.slice("urn:blake3:".length))?.name ?? null : null;
}

/** @param {OpenedCredential} credential @returns {string} */
function ownName({ document }) {
  const name = document !== null && Object.hasOwn(document, "name") ? document.name : document?.id;
  return typeof name === "string" ? name : "";
}
