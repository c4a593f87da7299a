/** Hashes files away from the page's own thread; of records too, in the same pass. */
import { Hasher, ready } from "../src/blake3.js";
import { pieces } from "../src/pieces.js";
import { Records } from "../src/records.js";

/** @param {MessageEvent<{file: File, reader: string | null}>} message */
onmessage = async ({ data: { file, reader } }) => {
  try {
    await ready;
    const hasher = new Hasher();
    const records = reader === null ? null : new Records(reader);
    for await (const piece of pieces(file)) {
      hasher.update(piece);
      records?.update(piece);
      postMessage({ hashed: piece.length });
    }
    const digest = hasher.digest();
    postMessage({ read: { digest, records: records?.end(digest) ?? null } });
  } catch {
    postMessage({ lost: true }); // unreadable, changed while it was read, or out of memory
  }
};
