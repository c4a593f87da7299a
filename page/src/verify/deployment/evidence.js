/**
 * The check `deployment.evidence`: every file below `lyrikstore/` has a name of the fixed list (`layout.js`), and is
 * what it is called: by a digest that is signed, by its own signature, or by where it leads in the log (spec §14.7.7).
 */
import { same } from "../../canon/bytes.js";
import { blake3Once, parseId, short } from "../../canon/digest.js";
import { attempt } from "../../canon/errors.js";
import { quote } from "../../canon/quoting.js";
import { counted } from "../../canon/text.js";
import { documentsAmong } from "../../credentials/did.js";
import { OpenedCredential } from "../../credentials/opened.js";
import { hasLeaves, parseConsistency } from "../../history/log/consistency.js";
import { isProof, leaf, parseProof, statedHead, verifyProof } from "../../history/log/log.js";
import { attachmentsIn, inputsIn, parseManifest } from "../../history/manifests/manifest.js";
import { casefold, compare } from "../../history/trees/paths.js";
import { Tree } from "../../history/trees/tree.js";
import { listsOf } from "../credential/status.js";
import { judgeAuthor } from "../delivery/alone.js";
import { Problems } from "../problems.js";
import { credentialsOf, leftOut, renewedBy } from "./credentials.js";
import { FAULTS } from "./model_sig.js";
import {
  CARD, CONSISTENCY, evidenceFile, FOLDER, GENESIS, LEAVES, LOG_PROOF, REPORT, SIGNED_FILES, TREE,
} from "./layout.js";
import { MAX_NAMED } from "../../../generated/limits.js";

/** @typedef {import("../report.js").Check} Check */
/** @typedef {import("./folder.js").EvidenceFiles} EvidenceFiles */
/** @typedef {import("./layout.js").EvidenceFile} EvidenceFile */
/** @typedef {{check: Check, tree: Tree | null, inputs: Map<string, any>, credentials: Map<string, OpenedCredential>}} EvidenceOutcome `tree`: that of the deployment, if it is there and sound; `inputs`: its inputs that are so, by id; `credentials`: those that its run names and that are there, likewise. */

/**
 * @param {any} deployment The manifest.
 * @param {EvidenceFiles} evidence
 * @param {import("../delivery/alone.js").SignedAlone} signed What its own checks gave.
 * @param {(bytes: Uint8Array) => string | null} faultOf What is wrong with `model.sig`.
 * @returns {EvidenceOutcome}
 */
export const checkEvidence = (deployment, evidence, signed, faultOf) => new Review(deployment, evidence, signed).check(faultOf);

class Review {
  /** @param {any} deployment @param {EvidenceFiles} evidence @param {import("../delivery/alone.js").SignedAlone} signed */
  constructor(deployment, evidence, signed) {
    this.deployment = deployment;
    this.evidence = evidence;
    this.files = evidence.files;
    this.signed = signed;
    this.problems = new Problems("deployment.evidence");
    this.extra = [...evidence.surplus];
    /** @type {string[]} */
    this.missing = [];
    /** @type {Map<string, any>} */
    this.inputs = new Map();
    /** @type {Map<string, OpenedCredential>} */
    this.credentials = new Map();
    /** What is known by its name, in the order of names. @type {[string, EvidenceFile][]} */
    this.known = [...this.files.keys()].sort(compare).map((name) => [name, /** @type {EvidenceFile} */ (evidenceFile(name))]);
  }

  /** @param {(bytes: Uint8Array) => string | null} faultOf @returns {EvidenceOutcome} */
  check(faultOf) {
    this.#findExtra();
    for (const name of this.evidence.unreadable.toSorted(compare)) this.#lose("unreadable", name, "cannot be read");
    const tree = this.#readTree();
    for (const { kind, id } of this.deployment.inputs) this.#checkInput(kind, id);
    this.#checkCard();
    this.#checkAttachments(faultOf);
    this.#checkCredentials();
    this.#checkLog();
    const { problems } = this;
    for (const name of this.evidence.litter.toSorted(compare)) problems.add(problems.warnings, "litter", `${placeOf(name)}: desktop litter`);
    const named = [["extra", this.extra], ["missing", this.missing]].filter(([, found]) => found.length)
      .map(([name, found]) => [name, /** @type {string[]} */ (found).toSorted(compare).map((path) => `${FOLDER}/${path}`).slice(0, MAX_NAMED)]);
    const check = problems.close(`${counted(this.files.size, "file")} beside it, each verified`, Object.fromEntries(named));
    return { check, tree, inputs: this.inputs, credentials: this.credentials };
  }

  #findExtra() {
    const inputs = new Set(this.deployment.inputs.map((/** @type {any} */ { kind, id }) => `${kind} ${short(parseId(id))}`));
    const hasCard = inputsIn(this.deployment, "card").length > 0;
    for (const [name, { vouched, kind, short: digits }] of this.known) {
      const belongs = vouched === "card" ? hasCard : vouched === "input" ? inputs.has(`${kind} ${digits}`) : vouched !== "nothing";
      if (!belongs) this.extra.push(name);
    }
    for (const name of this.extra.toSorted(compare)) this.#fail("extra", name, "does not belong there");
  }

  /** @returns {Tree | null} */
  #readTree() {
    const data = this.#take(TREE, this.deployment.tree);
    if (data === null) return null;
    const tree = this.#read(TREE, () => Tree.parse(data));
    if (tree === null) return null;
    // ATTACK: a tree that lists files where only evidence lies: nobody would look for them.
    if (tree.entries.some(({ path }) => casefold(path.split("/")[0]) === FOLDER)) {
      this.#fail("bad-tree", TREE, `lists files below ${FOLDER}/`);
    } else if (`blake3:${tree.filesId}` !== this.deployment.files) {
      this.#fail("disagrees", TREE, "without metadata, it is not the one signed");
    } else {
      return tree;
    }
    return null;
  }

  /** @param {string} kind @param {string} id */
  #checkInput(kind, id) {
    const name = `${kind}-${short(parseId(id))}`;
    const data = this.#take(`${name}.json`, id);
    if (data === null) return;
    const manifest = this.#read(`${name}.json`, () => parseManifest(data));
    if (manifest === null) return;
    if (manifest.kind !== kind || manifest.store !== this.deployment.store) {
      this.#fail("disagrees", `${name}.json`, `is no ${kind} of that store`);
      return;
    }
    const proven = this.#checkProof(`${name}.tlog-proof`, "manifest", manifest.id);
    const { logged, check: author } = judgeAuthor(manifest, this.signed);
    if (author.state === "fail") {
      this.#fail(author.detail.reason, `${name}.json`, author.summary);
      return;
    }
    if (author.state !== "pass") {
      if (proven) this.#lose(author.detail.reason, `${name}.json`, author.summary); // else what is wrong is said
      return;
    }
    const { logged: at } = judgeAuthor(this.deployment, this.signed);
    if (at !== null && logged !== null && logged.index >= at.index) {
      this.#fail("logged-later", `${name}.json`, "was logged after the deployment");
      return;
    }
    this.inputs.set(id, manifest);
  }

  #checkCard() {
    for (const { id } of inputsIn(this.deployment, "card")) {
      const card = this.inputs.get(id);
      if (card && (attachmentsIn(card, "markdown").length || this.files.has(CARD))) this.#take(CARD, attachmentsIn(card, "card")[0].id);
    }
  }

  /** @param {(bytes: Uint8Array) => string | null} faultOf */
  #checkAttachments(faultOf) {
    for (const [role, name] of [["report", REPORT], ["oms", SIGNED_FILES]]) {
      const data = this.#take(name, attachmentsIn(this.deployment, role)[0].id);
      const fault = data !== null && name === SIGNED_FILES ? faultOf(data) : null;
      if (fault !== null) this.#fail(fault, name, /** @type {string} */ (FAULTS.get(fault)));
    }
  }

  #checkCredentials() {
    const [run] = inputsIn(this.deployment, "run").map(({ id }) => this.inputs.get(id));
    // A file about one that is said to be left out belongs there as little as any other.
    const gone = leftOut(this.deployment);
    const relied = run ? credentialsOf(run, renewedBy(this.deployment)).filter((id) => !gone.has(id)) : [];
    const named = new Map(relied.map((id) => [short(parseId(id)), id]));
    for (const [digits, id] of named) {
      const name = `credential-${digits}.json`;
      const data = this.files.get(name);
      if (data === undefined) {
        this.#miss(name);
        continue;
      }
      const opened = new OpenedCredential(data);
      if (`blake3:${opened.id}` !== id) {
        this.#fail("differs", name, "is another than the one that is named");
        continue;
      }
      this.credentials.set(id, opened);
      this.#checkProof(`credential-${digits}.tlog-proof`, "credential", opened.id);
    }
    const opened = [...this.credentials.values()];
    const lists = new Set(opened.flatMap((one) => listsOf(one).map((url) => `${short(one.id)} ${url}`)));
    const issuers = new Set(opened.map(({ issuer }) => issuer));
    for (const [name, { vouched, short: digits }] of this.known) {
      if (vouched !== "credential") continue;
      const data = /** @type {Uint8Array} */ (this.files.get(name));
      const [stem] = name.split(".");
      if (/^(?:statement|document)-/.test(stem)) {
        this.#checkSaid(name, digits, data, issuers);
      } else if (!run) {
        continue; // which credentials belong there, its run says
      } else if (!named.has(digits)) {
        this.extra.push(name);
        this.#fail("extra", name, "is about no credential that belongs there");
      } else if (stem.split("-").length > 2 && !lists.has(`${digits} ${new OpenedCredential(data).listUrl}`)) {
        this.#fail("differs", name, "is no status list of that credential");
      }
    }
  }

  /** @param {string} name @param {string} digits @param {Uint8Array} data @param {Set<string | null>} issuers */
  #checkSaid(name, digits, data, issuers) {
    if (short(blake3Once(data)) !== digits) {
      this.#fail("differs", name, "has another digest than its name says");
    } else if (name.startsWith("document-")) {
      const about = documentsAmong([data]).some(({ document }) => issuers.has(document.id));
      if (!about) this.#fail("differs", name, "is no DID document of who issued a credential");
    } else if (isProof(data)) {
      this.#read(name, () => parseProof(data));
    } else {
      const manifest = this.#read(name, () => parseManifest(data));
      if (manifest && !["genesis", "policy"].includes(manifest.kind)) this.#fail("disagrees", name, "is neither a policy, nor a log proof");
    }
  }

  #checkLog() {
    // ATTACK A105: the founding manifest under another name, and any bytes in its place.
    this.#take(GENESIS, this.deployment.store);
    this.#checkProof(LOG_PROOF, "manifest", this.deployment.id);
    for (const [name] of this.known) {
      const [stem, ending] = name.split(".");
      if (!stem.startsWith("policy-")) continue;
      if (ending === "json") {
        this.#checkPolicy(stem);
      } else if (!this.files.has(`${stem}.json`)) {
        this.extra.push(name);
        this.#fail("extra", name, "is about nothing that is there");
      }
    }
    this.#checkConsistency();
  }

  /** @param {string} stem */
  #checkPolicy(stem) {
    const name = `${stem}.json`;
    const policy = this.#read(name, () => parseManifest(/** @type {Uint8Array} */ (this.files.get(name))));
    if (policy === null) return;
    if (policy.kind !== "policy" || policy.store !== this.deployment.store) {
      this.#fail("disagrees", name, "is no policy of that store");
    } else if (stem !== `policy-${policy.body.policy.version}`) {
      this.#fail("disagrees", name, "is another version of the policy");
    } else { // ATTACK A105: a policy that no log has, signed by anybody.
      this.#checkProof(`${stem}.tlog-proof`, "manifest", policy.id);
    }
  }

  #checkConsistency() {
    const [data, leaves] = [this.files.get(CONSISTENCY), this.files.get(LEAVES)];
    if (data === undefined) {
      this.#miss(CONSISTENCY);
      if (leaves === undefined) return;
      this.extra.push(LEAVES);
      this.#fail("extra", LEAVES, "is about nothing that is there");
      return;
    }
    const stated = this.#read(CONSISTENCY, () => parseConsistency(data));
    if (stated === null) return;
    if (!this.#leadsHere(stated)) this.#fail("differs", CONSISTENCY, "is of another log, or another checkpoint");
    if (stated.leaves === null && leaves === undefined) return;
    const hashes = this.#take(LEAVES, stated.leaves && `blake3:${stated.leaves.blake3}`);
    // ATTACK A105: whoever changes the leaf hashes writes their digest into the file beside.
    if (hashes !== null && !hasLeaves(stated, hashes)) this.#fail("differs", LEAVES, "does not lead to the root that is stated");
  }

  /** Whether a consistency file names the log checkpoint of the deployment's log proof. @param {ReturnType<typeof parseConsistency>} stated */
  #leadsHere({ origin, heads }) {
    const at = headOf(this.files.get(LOG_PROOF));
    if (at === null) return true; // that it is no proof is said already
    return origin === at.origin && heads.some(({ size, root }) => size === at.size && same(root, at.root));
  }

  /** Whether a log proof leads from an entry; without policies nothing can say so. @param {string} name @param {string} type @param {string} digest */
  #checkProof(name, type, digest) {
    const data = this.files.get(name);
    const { history } = this.signed;
    if (data === undefined) {
      this.#miss(name);
      return false;
    }
    if (history === null) return true;
    return this.#read(name, () => {
      history.checkHead(verifyProof(parseProof(data), leaf(type, digest), history.logs));
      return true;
    }) ?? false;
  }

  /** A file if it has the digest that is signed. @param {string} name @param {string | null} wanted @returns {Uint8Array | null} */
  #take(name, wanted) {
    const data = this.files.get(name);
    if (data === undefined) {
      this.#miss(name);
      return null;
    }
    if (`blake3:${blake3Once(data)}` === wanted) return data;
    this.#fail("differs", name, "is another than the one that is signed");
    return null;
  }

  /** @param {string} name */
  #miss(name) {
    if (this.evidence.unreadable.includes(name)) return;
    this.missing.push(name);
    this.#lose("missing-file", name, "is not there");
  }

  /** What a file holds; null where it is refused, which is noted. @template T @param {string} name @param {() => T} read @returns {T | null} */
  #read(name, read) {
    return attempt(read, ({ kind, message }) => (this.#fail(kind, name, quote(message, 200)), null));
  }

  /** @param {string} code @param {string} name @param {string} text */
  #fail(code, name, text) {
    this.problems.add(this.problems.bad, code, `${placeOf(name)}: ${text}`);
  }

  /** @param {string} code @param {string} name @param {string} text */
  #lose(code, name, text) {
    this.problems.add(this.problems.lost, code, `${placeOf(name)}: ${text}`);
  }
}

/** What the log checkpoint of a proof says, whoever signed it; null: nothing readable. @param {Uint8Array | undefined} bytes */
const headOf = (bytes) => attempt(() => bytes === undefined ? null : statedHead(parseProof(bytes)), () => null);

/** @param {string} name */
const placeOf = (name) => quote(`${FOLDER}/${name}`, 300);
