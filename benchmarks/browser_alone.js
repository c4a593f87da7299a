/** BLAKE3 in a browser and nothing else: what benchmarks/browser.py compares the page with. */
import { Hasher, ready } from "../page/src/blake3.js";

const PIECE = 8 << 20;

/** Return bytes per second, the median of some runs. */
export async function alone(megabytes, runs) {
  await ready;
  const data = new Uint8Array(PIECE);
  for (let at = 0; at < PIECE; at += 65536) crypto.getRandomValues(data.subarray(at, at + 65536));
  const count = Math.ceil((megabytes * 1e6) / PIECE);
  const rates = [];
  for (let run = 0; run < runs; run += 1) {
    const begin = performance.now();
    const hasher = new Hasher();
    for (let done = 0; done < count; done += 1) hasher.update(data);
    hasher.digest();
    rates.push((count * PIECE * 1000) / (performance.now() - begin));
  }
  return rates.sort((left, right) => left - right)[runs >> 1];
}
