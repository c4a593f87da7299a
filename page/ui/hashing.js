/** Digests of files, worked out by a few workers. */

// @ts-expect-error -- the worker's code as text, put there by build.mjs
import source from "worker:hashing.worker.js";

const MAX_WORKERS = 4;

/** @typedef {{file: File, reader: string | null, done: (bytes: number) => void, resolve: (digest: string) => void, reject: (error: Error) => void}} Job */

/** A pool of hashing workers. */
export class Hashing {
  constructor() {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const count = Math.max(1, Math.min(MAX_WORKERS, navigator.hardwareConcurrency - 1 || 1));
    /** @type {Job[]} */
    this.waiting = [];
    this.idle = Array.from({ length: count }, () => new Worker(url));
  }

  /**
   * Return the BLAKE3 of a file, or with a reader the id of the record that the whole file is.
   *
   * @param {File} file
   * @param {string | null} reader
   * @param {(bytes: number) => void} done Told of the bytes hashed so far.
   * @returns {Promise<string>}
   */
  digest(file, reader, done) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ file, reader, done, resolve, reject });
      this.next();
    });
  }

  next() {
    const worker = this.waiting.length ? this.idle.pop() : undefined;
    if (worker === undefined) return;
    const job = /** @type {Job} */ (this.waiting.shift());
    worker.onmessage = ({ data }) => {
      if (data.done !== undefined) {
        job.done(data.done);
        return;
      }
      this.idle.push(worker);
      if (data.failed) job.reject(new Error("unreadable"));
      else job.resolve(data.digest);
      this.next();
    };
    worker.postMessage({ id: 0, file: job.file, reader: job.reader });
  }
}
