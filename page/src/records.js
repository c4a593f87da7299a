/** Record ids and the order root over them (spec/09-records.md). */
import { Hasher } from "./blake3.js";
import { concat, hex, unhex } from "./bytes.js";
import { leafHash, root } from "./merkle.js";

export const SALT_BYTES = 16;
export const DOCUMENT = "document/1";
const CONTEXT = "lyrikstore 2026-11 record id ";

/** The id of a record. @param {string} reader Id and version of the reader that gave its bytes. @param {Uint8Array} bytes */
export const recordId = (reader, bytes) => new Hasher(CONTEXT + reader).update(bytes).digest();

/** The id of the record that a whole file is. @param {string} digest The file's BLAKE3 in hex. */
export const documentId = (digest) => recordId(DOCUMENT, unhex(digest));

/** @param {string[]} records Record ids in storage order. @param {Uint8Array} salts 16 bytes for each. */
export function orderRoot(records, salts) {
  const leaves = records.map((record, at) =>
    leafHash(concat(salts.slice(at * SALT_BYTES, (at + 1) * SALT_BYTES), unhex(record))));
  return hex(root(leaves));
}
