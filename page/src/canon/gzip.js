/** One gzip member (RFC 1952), and nothing after it. */
import { Inflate } from "pako";

const CHUNK = 1 << 16;

/** What is packed; null if it is not one whole member, or unpacks to more than `limit` bytes. @param {Uint8Array} packed @param {number} limit @returns {Uint8Array | null} */
export function gunzip(packed, limit) {
  const unpacker = new Inflate({ windowBits: 31, chunkSize: CHUNK }); // gzip
  /** @type {Uint8Array[]} */
  const chunks = [];
  let size = 0;
  const enough = new Error("more than the limit");
  unpacker.onData = (given) => {
    const chunk = /** @type {Uint8Array} */ (given);
    size += chunk.length;
    // 1.4 MB can unpack to 1 GiB: it ends as soon as it is too much.
    if (size > limit) throw enough;
    chunks.push(chunk.slice());
  };
  try {
    unpacker.push(packed, true);
  } catch (error) {
    if (error === enough) return null;
    throw error;
  }
  // ATTACK: a second gzip member, which this library reads on and others do not. It counts anew there.
  const { ended, strm } = /** @type {any} */ (unpacker); // which its types leave out
  if (unpacker.err || !ended || strm.total_in !== packed.length) return null;
  const bytes = new Uint8Array(size);
  chunks.reduce((at, chunk) => (bytes.set(chunk, at), at + chunk.length), 0);
  return bytes;
}
