/** Hashes what it is sent, away from the page's own thread. */
import { Hasher, ready } from "../src/blake3.js";

/** @type {Hasher | undefined} */
let hasher;

onmessage = async ({ data: { bytes } }) => {
  await ready;
  hasher ??= new Hasher();
  if (bytes) {
    hasher.update(new Uint8Array(bytes));
    postMessage({ hashed: bytes.byteLength });
  } else {
    postMessage({ digest: hasher.digest() });
    hasher = undefined;
  }
};
