/** Digests of files, worked out by a few workers. */

// @ts-expect-error -- the worker's code as text, put there by build.mjs
import source from "worker:hashing.worker.js";

const MAX_WORKERS = 4;
const CODE = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));

/** @typedef {import("../src/history/records/records.js").Reading} Reading */
/** @typedef {{digest: string, sha256: Uint8Array | null, records: import("../src/history/records/records.js").RecordIds | null}} Read */
/** @typedef {import("../src/verify/delivery/line_ends.js").LineEnds} LineEnds */
/** @typedef {{reading?: Reading | null, ends?: LineEnds | null, summed?: boolean}} Way How a file is read: as records; with line ends in place of its own; and whether for its SHA-256, too. */
/** @typedef {{file: File, way: Way, done: (bytes: number) => void, resolve: (read: Read) => void, reject: (error: unknown) => void}} Job */

/** A pool of workers, started as they are needed and kept. */
export class Hashing {
  constructor() {
    this.most = Math.max(1, Math.min(MAX_WORKERS, navigator.hardwareConcurrency || 1));
    /** @type {Job[]} */
    this.waiting = [];
    this.begun = 0; // so many of them: taking them out at the front would move all others
    /** @type {Map<Worker, Job | null>} What each is at. */
    this.workers = new Map();
  }

  /**
   * Return the BLAKE3 of a file, and what else one read of it gives.
   *
   * @param {File} file
   * @param {Way} way
   * @param {(bytes: number) => void} [done] Called with the number of further bytes hashed.
   * @returns {Promise<Read>}
   */
  read(file, way, done = () => {}) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ file, way, done, resolve, reject });
      this.next();
    });
  }

  /** End all work at once. @param {unknown} reason What whoever waits for it gets. */
  stop(reason) {
    for (const worker of this.workers.keys()) worker.terminate();
    for (const job of [...this.workers.values(), ...this.waiting.slice(this.begun)]) job?.reject(reason);
    this.workers.clear();
    [this.waiting, this.begun] = [[], 0];
  }

  next() {
    if (this.begun === this.waiting.length) {
      [this.waiting, this.begun] = [[], 0];
      return;
    }
    const idle = [...this.workers].find(([, job]) => job === null)?.[0];
    if (idle === undefined && this.workers.size === this.most) return;
    const worker = idle ?? new Worker(CODE);
    const job = this.waiting[this.begun];
    this.begun += 1;
    this.workers.set(worker, job);
    worker.onmessage = ({ data: { hashed, wanted, read } }) => {
      if (hashed !== undefined) return job.done(hashed);
      if (wanted !== undefined) return handOver(worker, job.file.slice(...wanted));
      if (read) {
        this.workers.set(worker, null);
        job.resolve(read);
      } else {
        this.workers.delete(worker); // it may have broken down
        worker.terminate();
        job.reject(new Error("unreadable"));
      }
      this.next();
    };
    worker.postMessage({ file: job.file, way: job.way });
  }
}

/** Read for a worker that may not. @param {Worker} worker @param {Blob} part */
async function handOver(worker, part) {
  const bytes = await part.arrayBuffer().catch(() => null);
  worker.postMessage({ bytes }, bytes ? [bytes] : []);
}
