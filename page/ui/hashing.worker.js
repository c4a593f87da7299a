/** Hashes what it is sent, away from the page's own thread. */
import { Hasher, ready } from "../src/blake3.js";
import { recordHasher } from "../src/records.js";

/** @type {Hasher[]} */
let hashers = [];

onmessage = async ({ data: { start, reader, bytes } }) => {
  await ready;
  if (start) {
    // Both digests in one read: of the file, and of the record that the whole file is.
    hashers = reader === null ? [new Hasher()] : [new Hasher(), recordHasher(reader)];
  } else if (bytes) {
    for (const hasher of hashers) hasher.update(new Uint8Array(bytes));
    postMessage({ hashed: bytes.byteLength });
  } else {
    postMessage({ digests: hashers.map((hasher) => hasher.digest()) });
  }
};
