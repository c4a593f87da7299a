/** Hashes files away from the page's own thread; finds and measures their records in the same pass. */
import { Hasher, ready } from "../src/blake3.js";
import { pieces } from "../src/pieces.js";
import { Records } from "../src/records.js";

const STEP = 8 << 20;

/** @param {MessageEvent<{file: File, reading: import("../src/records.js").Reading | null}>} message */
onmessage = async ({ data: { file, reading } }) => {
  try {
    await ready;
    const hasher = new Hasher();
    const records = reading && new Records(reading);
    let hashed = 0;
    for await (const piece of pieces(file)) {
      hasher.update(piece);
      records?.update(piece);
      hashed += piece.length;
      if (hashed < STEP) continue;
      postMessage({ hashed });
      hashed = 0;
    }
    postMessage({ hashed });
    const digest = hasher.digest();
    postMessage({ read: { digest, records: records && records.end(digest) } });
  } catch {
    postMessage({ lost: true }); // unreadable, changed while it was read, or out of memory
  }
};
