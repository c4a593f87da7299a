/** BLAKE3 in a browser and nothing else: what benchmarks/browser.py compares the page with. */
import { Hasher, ready } from "../page/src/canon/blake3.js";

const PIECE = 1 << 20;

/** Return bytes per second. */
export async function alone(megabytes) {
  await ready;
  const data = new Uint8Array(PIECE);
  for (let at = 0; at < PIECE; at += 65536) crypto.getRandomValues(data.subarray(at, at + 65536));
  const count = Math.ceil((megabytes * 1e6) / PIECE);
  const begin = performance.now();
  const hasher = new Hasher();
  for (let done = 0; done < count; done += 1) hasher.update(data);
  hasher.digest();
  return (count * PIECE * 1000) / (performance.now() - begin);
}
