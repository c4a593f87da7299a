/** Digests of files, worked out by a few workers. */

// @ts-expect-error -- the worker's code as text, put there by build.mjs
import source from "worker:hashing.worker.js";

const MAX_WORKERS = 4;
const CODE = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));

/** @typedef {import("../src/records.js").Reading} Reading */
/** @typedef {{digest: string, records: import("../src/records.js").RecordIds | null}} Read */
/** @typedef {{file: File, reading: Reading | null, done: (bytes: number) => void, resolve: (read: Read) => void, reject: (error: unknown) => void}} Job */

/** The workers of one verification, started as they are needed. Close it at the end. */
export class Hashing {
  /** @param {AbortSignal} signal Ends everything at once. */
  constructor(signal) {
    this.signal = signal;
    this.most = Math.max(1, Math.min(MAX_WORKERS, navigator.hardwareConcurrency || 1));
    /** @type {Job[]} */
    this.jobs = [];
    this.begun = 0;
    /** @type {Map<Worker, boolean>} Whether each is at work. */
    this.workers = new Map();
    signal.addEventListener("abort", () => this.close());
  }

  /**
   * Return the BLAKE3 of a file and, where it is to be read as records, those.
   *
   * @param {File} file
   * @param {Reading | null} reading
   * @param {(bytes: number) => void} done Told of every further bytes hashed.
   * @returns {Promise<Read>}
   */
  read(file, reading, done) {
    return new Promise((resolve, reject) => {
      this.signal.throwIfAborted();
      this.jobs.push({ file, reading, done, resolve, reject });
      this.next();
    });
  }

  close() {
    for (const worker of this.workers.keys()) worker.terminate();
    for (const job of this.jobs) job.reject(this.signal.reason); // those that are done stay as they are
    this.workers.clear();
    this.jobs = [];
    this.begun = 0;
  }

  next() {
    if (this.begun === this.jobs.length) return;
    const idle = [...this.workers].find(([, busy]) => !busy)?.[0];
    if (idle === undefined && this.workers.size === this.most) return;
    const worker = idle ?? new Worker(CODE);
    const job = this.jobs[this.begun];
    this.begun += 1;
    this.workers.set(worker, true);
    worker.onmessage = ({ data: { hashed, read } }) => {
      if (hashed) return job.done(hashed);
      if (read) {
        this.workers.set(worker, false);
        job.resolve(read);
      } else {
        this.workers.delete(worker); // it may have broken down
        worker.terminate();
        job.reject(new Error("unreadable"));
      }
      this.next();
    };
    worker.postMessage({ file: job.file, reading: job.reading });
  }
}
