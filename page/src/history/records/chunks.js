/** A file's bytes, chunk by chunk. */

const CHUNK = 1 << 20; // what a processor's cache holds while it is hashed

/** Streams being read. One that only its reader holds can be collected together with whoever waits for it. */
const held = new Set();

/**
 * Yield the bytes of a file in order. A chunk is good until the next one: they share a buffer.
 *
 * Memory is flat: the browser reads on into a pipe, and waits while that is full.
 *
 * @param {Blob} file
 * @returns {AsyncGenerator<Uint8Array, void>}
 */
export async function* chunks(file) {
  const stream = file.stream();
  held.add(stream);
  try {
    const read = readerOf(stream);
    for (let { done, value } = await read(); !done; { done, value } = await read()) {
      yield /** @type {Uint8Array} */ (value);
    }
  } finally {
    held.delete(stream);
  }
}

/** @param {ReadableStream<Uint8Array<ArrayBuffer>>} stream */
function readerOf(stream) {
  let reader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch { // not every browser gives files as byte streams: then each chunk is a buffer of its own
    const plain = stream.getReader();
    return () => plain.read();
  }
  const into = reader;
  let buffer = new ArrayBuffer(CHUNK);
  return async () => {
    const read = await into.read(new Uint8Array(buffer));
    if (read.value) buffer = read.value.buffer;
    return read;
  };
}
