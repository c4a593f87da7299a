/** Digests of files, worked out by a few workers. */

// @ts-expect-error -- the worker's code as text, put there by build.mjs
import source from "worker:hashing.worker.js";

const MAX_WORKERS = 4;
const SLICE = 4 << 20;
const AHEAD = 3;

/** @typedef {{digest: string, records: import("../src/records.js").RecordIds | null}} Read */
/** @typedef {{file: File, reader: string | null, done: (bytes: number) => void, resolve: (read: Read) => void, reject: (error: Error) => void}} Job */

/** A pool of hashing workers. */
export class Hashing {
  constructor() {
    this.url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const count = Math.max(1, Math.min(MAX_WORKERS, navigator.hardwareConcurrency || 1));
    /** @type {Job[]} */
    this.waiting = [];
    this.idle = Array.from({ length: count }, () => new Worker(this.url));
  }

  /**
   * Return the BLAKE3 of a file and, with a reader, the ids of its records.
   *
   * @param {File} file
   * @param {string | null} reader
   * @param {(bytes: number) => void} done Told of the bytes hashed so far.
   * @returns {Promise<Read>}
   */
  read(file, reader, done) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ file, reader, done, resolve, reject });
      this.next();
    });
  }

  async next() {
    const worker = this.waiting.length ? this.idle.pop() : undefined;
    if (worker === undefined) return;
    const job = /** @type {Job} */ (this.waiting.shift());
    try {
      job.resolve(await hash(worker, job));
      this.idle.push(worker);
    } catch {
      job.reject(new Error("unreadable")); // or changed while it was read
      worker.terminate(); // it may be in the middle of the file
      this.idle.push(new Worker(this.url));
    }
    this.next();
  }
}

/**
 * Send a file to a worker, slice by slice: read here, because a thread that hashes cannot read.
 *
 * @param {Worker} worker
 * @param {Job} job
 * @returns {Promise<Read>}
 */
async function hash(worker, { file, reader, done }) {
  let hashed = 0;
  let wake = () => {};
  /** @type {Read | null} */
  let read = null;
  let lost = false;
  worker.onmessage = ({ data }) => {
    if (data.lost) lost = true; // out of memory, say
    else if (data.read) read = data.read;
    else done((hashed += data.hashed));
    wake();
  };
  const news = () => new Promise((resolve, reject) => {
    wake = () => (lost ? reject(new Error("lost")) : resolve(undefined));
    if (lost) wake();
  });
  worker.postMessage({ start: true, reader });
  // The next slices are being read while this one is handed over.
  /** @type {Promise<ArrayBuffer>[]} */
  const coming = [];
  let asked = 0;
  for (let sent = 0; sent < file.size; sent += SLICE) {
    for (; asked < file.size && coming.length < AHEAD; asked += SLICE) {
      coming.push(file.slice(asked, asked + SLICE).arrayBuffer());
      coming.at(-1)?.catch(() => undefined); // met where it is awaited
    }
    const bytes = await /** @type {Promise<ArrayBuffer>} */ (coming.shift());
    while (sent - hashed > AHEAD * SLICE) await news(); // memory stays flat
    worker.postMessage({ bytes }, [bytes]);
  }
  worker.postMessage({});
  while (read === null) await news();
  return read;
}
