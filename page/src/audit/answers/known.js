/** What several answers need of the evidence: who signed, what is about what, what was revoked. */
import { text as decode } from "../../canon/bytes.js";
import { short } from "../../canon/digest.js";
import { attempt, Refusal } from "../../canon/errors.js";
import { canonical, isObject } from "../../canon/json.js";
import { CARD_ATTESTATION, isAboutCard } from "../card_attestation.js";
import { signerOf } from "../opened.js";
import { statusChanges } from "./changes.js";

const KEY_START = 20;
const PREFIX = "blake3:";

/** @typedef {import("../opened.js").OpenedEvidence} OpenedEvidence */
/** @typedef {import("../../credentials/opened.js").OpenedCredential} OpenedCredential */
/** @typedef {{id: string, index: number, document: any, subject: any, issuer: string, claimed: string}} LoggedCredential */
/** @typedef {import("./changes.js").StatusChange & {index: number, issuer: string, claimed: string, log: number[], saidBy: string}} RightChange `index`: that of the status list; `log`: the list, and the withdrawal that was logged with it; `saidBy`: who signed the reason. */

/** Evidence, with what its objects say of each other. Ids may be hexadecimal or `blake3:…`. */
export class Known {
  /** @param {OpenedEvidence} opened */
  constructor(opened) {
    this.opened = opened;
    /** The manifests with effect, in log order. */
    this.effective = opened.effective;
    /** Key to the words of the policy that first gave it a role, and the policy's index. @type {Map<string, [string, number]>} */
    this.people = peopleIn(opened);
    /** Credentials of one subject with a signature that holds, in log order. @type {Map<string, LoggedCredential>} */
    this.credentials = credentialsIn(opened);
    /** Every change of status, in log order. @type {RightChange[]} */
    this.changes = this.#changes();
    /** Those that revoke or suspend a credential. */
    this.revocations = this.changes.filter(({ effect }) => effect !== "reinstates");
    /** Id to the manifests that were made from it directly. @type {Map<string, any[]>} */
    this.users = new Map();
    for (const one of this.effective) {
      for (const id of new Set(one.inputs.map((/** @type {any} */ item) => hexOf(item.id)))) {
        const users = this.users.get(id) ?? [];
        users.push(one);
        this.users.set(id, users);
      }
    }
  }

  /** The manifests with effect of some kinds, in log order. @param {...string} kinds @returns {any[]} */
  manifests(...kinds) {
    return this.effective.filter(({ kind }) => kinds.includes(kind));
  }

  /** The log index of a manifest. @param {{id: string}} manifest @returns {number} */
  at({ id }) {
    return /** @type {number} */ (this.opened.indexOf(id));
  }

  /** A manifest of the file. @param {string} id @returns {any} */
  get(id) {
    return this.opened.manifests.get(hexOf(id));
  }

  /** The name and short id of a manifest; the short id alone if it is not in the file. @param {string} id */
  called(id) {
    const name = this.get(id)?.name;
    return name === undefined ? short(hexOf(id)) : `${name} ${short(hexOf(id))}`;
  }

  /** The words with which a key was admitted, and the start of its DID. @param {string} did */
  who(did) {
    const start = did.startsWith("did:key:") ? `${did.slice(0, KEY_START)}…` : did;
    const [words] = this.people.get(did) ?? [""];
    return words ? `${words} (${start})` : start;
  }

  /** The credentials of a type, in log order. @param {string} word */
  ofType(word) {
    return [...this.credentials.values()].filter(({ document }) => document.type.includes(word));
  }

  /** The dataset credentials about a manifest, its tree or its files. @param {any} manifest */
  about(manifest) {
    const ids = idsOf(manifest);
    return this.ofType("DatasetCredential").filter(({ subject }) => namedIn(subject).some((word) => ids.includes(word)));
  }

  /** The manifests with effect that a dataset credential is about. @param {string} credential */
  subjects(credential) {
    const one = this.credentials.get(credential);
    if (one === undefined) return [];
    const named = namedIn(one.subject);
    return this.manifests("dataset").filter((manifest) => idsOf(manifest).some((id) => named.includes(id)));
  }

  /** What was made from the data of a credential, directly or not, in log order. @param {string} credential @returns {any[]} */
  restingOn(credential) {
    /** @type {Map<string, any>} */
    const found = new Map();
    const waiting = this.subjects(credential).map(({ id }) => id);
    while (waiting.length) {
      for (const one of this.users.get(waiting.pop()) ?? []) {
        if (found.has(one.id)) continue;
        found.set(one.id, one);
        waiting.push(one.id);
      }
    }
    return [...found.values()].sort((left, right) => this.at(left) - this.at(right));
  }

  /** @returns {RightChange[]} */
  #changes() {
    const { opened } = this;
    const said = new Map(this.manifests("withdrawal").map((one) => [`${hexOf(one.body.list)} ${hexOf(one.body.credential)} ${one.author}`, one]));
    const found = [...statusChanges(opened)].flatMap(([id, changes]) => {
      const listed = /** @type {OpenedCredential} */ (opened.credentials.get(id));
      const index = /** @type {number} */ (opened.indexOf(id, "credential"));
      return changes.map((change) => {
        const words = said.get(`${id} ${change.credential} ${signerOf(listed) ?? ""}`);
        return {
          ...change,
          index,
          issuer: listed.issuer ?? "",
          claimed: textOf(listed.document?.validFrom),
          log: words === undefined ? [index] : [index, this.at(words)],
          saidBy: words !== undefined && change.reason ? words.author : "",
        };
      });
    });
    return found.sort((left, right) => left.index - right.index || (left.credential < right.credential ? -1 : Number(left.credential > right.credential)));
  }
}

/** @param {string} id */
export const hexOf = (id) => (id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id);

/** A value of a signed document as a cell: texts as they are, others as JSON. @param {any} value @returns {string} */
export function textOf(value) {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : decode(canonical(value), "bad-json");
}

/** Texts as a cell. @param {any[]} [values] */
export const listed = (values = []) => values.map(textOf).join(", ");

/** @param {any} manifest @returns {string[]} */
const idsOf = ({ id, tree, files }) => [`${PREFIX}${id}`, tree, files].filter((one) => one !== undefined).map((one) => `urn:${one}`);

/** @param {any} subject @returns {string[]} */
const namedIn = ({ id, manifest, files }) => [id, manifest, files].filter((word) => typeof word === "string");

/** @param {OpenedEvidence} opened @returns {Map<string, [string, number]>} */
function peopleIn({ table, manifests }) {
  /** @type {Map<string, [string, number]>} */
  const found = new Map();
  for (const { id, index, policy } of table.policies) {
    const { message } = manifests.get(id);
    // A successor is a key of the same person; the message says why the other was replaced.
    const before = new Map(policy.retired.filter(({ successor }) => successor !== null).map(({ key, successor }) => [successor, key]));
    for (const { keys } of policy.roles.values()) {
      for (const key of keys) {
        const [words] = found.get(before.get(key) ?? "") ?? [message];
        if (!found.has(key)) found.set(key, [words, index]);
      }
    }
  }
  return found;
}

/** @param {OpenedEvidence} opened @returns {Map<string, LoggedCredential>} */
function credentialsIn(opened) {
  const found = new Map();
  for (const [id, one] of opened.credentials) {
    const { document } = one;
    const subject = document?.credentialSubject;
    if (!isSound(one) || !isObject(subject) || signerOf(one) === null) continue;
    found.set(id, { id, index: opened.indexOf(id, "credential"), document, subject, issuer: one.issuer ?? "", claimed: textOf(document.validFrom) });
  }
  return found;
}

/** Whether it has the shape of a credential of ours. @param {OpenedCredential} one */
function isSound(one) {
  const kind = one.kind?.type === CARD_ATTESTATION.type && isAboutCard(one.document) ? CARD_ATTESTATION : one.kind;
  return kind !== undefined && !(attempt(() => one.claimsAs(kind)) instanceof Refusal);
}
