/** Whether a file differs by its line ends alone, which some programs rewrite in transit (spec §11.4.3). */

const [LF, CR] = [0x0a, 0x0d];

/** @typedef {"lf" | "crlf"} LineEnds */

/**
 * Which line ends a file had, if they alone were rewritten; null if they were not. A line end is one
 * byte or two, so neither length is more than twice the other: no more than that is ever read.
 *
 * @param {number} found Its length in bytes.
 * @param {number} listed The length that it should have.
 * @returns {LineEnds | null}
 */
export function endsBefore(found, listed) {
  if (found === listed || found > 2 * listed || listed > 2 * found) return null;
  return found > listed ? "lf" : "crlf";
}

/** Gives a text chunk by chunk with other line ends: every LF, and every CR LF, becomes one of these. */
export class LineEndsWriter {
  /** @param {LineEnds} ends */
  constructor(ends) {
    this.ends = ends;
    this.held = false; // a CR whose LF may begin the next chunk
  }

  /** @param {Uint8Array} chunk @returns {Uint8Array} */
  update(chunk) {
    const out = new Uint8Array(2 * chunk.length + 1);
    let length = 0;
    for (const byte of chunk) {
      if (this.held && byte !== LF) out[length++] = CR;
      this.held = byte === CR;
      if (this.held) continue;
      if (byte === LF && this.ends === "crlf") out[length++] = CR;
      out[length++] = byte;
    }
    return out.subarray(0, length);
  }

  /** What is left at the end. @returns {Uint8Array} */
  end() {
    return this.held ? Uint8Array.of(CR) : new Uint8Array();
  }
}
