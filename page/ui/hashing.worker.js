/** Hashes files away from the page's own thread, in slices: memory stays flat. */
import { createBLAKE3 } from "hash-wasm";
import { recordHasher } from "../src/records.js";
import { hex } from "../src/bytes.js";

const SLICE = 8 << 20;

onmessage = async ({ data: { id, file, reader } }) => {
  try {
    const hasher = reader === null ? (await createBLAKE3()).init() : recordHasher(reader);
    for (let at = 0; at < file.size; at += SLICE) {
      hasher.update(new Uint8Array(await file.slice(at, at + SLICE).arrayBuffer()));
      postMessage({ id, done: Math.min(at + SLICE, file.size) });
    }
    // hash-wasm gives text, noble bytes.
    const digest = hasher.digest();
    postMessage({ id, digest: typeof digest === "string" ? digest : hex(digest) });
  } catch {
    postMessage({ id, failed: true }); // unreadable, or changed while it was read
  }
};
