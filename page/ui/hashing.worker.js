/** Hashes files away from the page's own thread; finds and measures their records in the same pass. */
import { sha256 } from "@noble/hashes/sha2.js";
import { Hasher, ready } from "../src/canon/blake3.js";
import { chunks } from "../src/history/records/chunks.js";
import { Records } from "../src/history/records/records.js";
import { LineEndsWriter } from "../src/verify/delivery/line_ends.js";

const STEP = 8 << 20;

// WebKit lets the workers of a page from disk read no file at all, not even one of their own.
const reads = new Blob(["x"]).arrayBuffer().then(() => true, () => false);
/** @type {(bytes: ArrayBuffer | null) => void} Takes what the page read. */
let take = () => undefined;

/** @param {MessageEvent<{file: File, way: import("./hashing.js").Way} | {bytes: ArrayBuffer | null}>} message */
onmessage = ({ data }) => ("bytes" in data ? take(data.bytes) : hash(data.file, data.way));

/** @param {File} file @param {import("./hashing.js").Way} way */
async function hash(file, { reading = null, ends = null, summed = false }) {
  try {
    await ready;
    const hasher = new Hasher();
    const sum = summed ? sha256.create() : null;
    const records = reading && new Records(reading);
    const writer = ends && new LineEndsWriter(ends);
    let hashed = 0;
    for await (const chunk of await reads ? chunks(file) : handed(file.size)) {
      hasher.update(writer ? writer.update(chunk) : chunk);
      records?.update(chunk);
      sum?.update(chunk);
      hashed += chunk.length;
      if (hashed < STEP) continue;
      postMessage({ hashed });
      hashed = 0;
    }
    postMessage({ hashed });
    if (writer) hasher.update(writer.end());
    const digest = hasher.digest();
    postMessage({ read: { digest, sha256: sum && sum.digest(), records: records && records.end(digest) } });
  } catch {
    postMessage({ lost: true }); // unreadable, changed while it was read, or out of memory
  }
}

/** Yield the bytes of a file as the page hands them over, each chunk when it is asked for. @param {number} size */
async function* handed(size) {
  for (let from = 0; from < size; from += STEP) {
    const to = Math.min(size, from + STEP);
    /** @type {ArrayBuffer | null} */
    const bytes = await new Promise((resolve) => {
      take = resolve;
      postMessage({ wanted: [from, to] });
    });
    if (bytes?.byteLength !== to - from) throw new Error("unreadable");
    yield new Uint8Array(bytes);
  }
}
