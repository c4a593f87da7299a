/** Hashes what it is sent, away from the page's own thread; of records too, in the same pass. */
import { Hasher, ready } from "../src/blake3.js";
import { Records } from "../src/records.js";

/** @type {Hasher | undefined} */
let hasher;
/** @type {Records | null} */
let records = null;

onmessage = async ({ data }) => {
  try {
    await ready;
    take(data);
  } catch {
    postMessage({ lost: true });
  }
};

/** @param {{start?: boolean, reader?: string | null, bytes?: ArrayBuffer}} message */
function take({ start, reader = null, bytes }) {
  if (start) {
    hasher = new Hasher();
    records = reader === null ? null : new Records(reader);
  } else if (bytes) {
    const piece = new Uint8Array(bytes);
    hasher?.update(piece);
    records?.update(piece);
    postMessage({ hashed: piece.length });
  } else if (hasher) {
    const digest = hasher.digest();
    postMessage({ read: { digest, records: records?.end(digest) ?? null } });
  }
}
