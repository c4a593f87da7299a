/** BLAKE3, compiled from its authors' own code to WebAssembly. Wait for `ready` before the first hash. */
import init, { create_derive, create_hasher } from "blake3-wasm/dist/wasm/web/blake3_js.js";
import wasm from "../../generated/blake3.js";
import { hex, unbase64 } from "./bytes.js";

// @ts-expect-error -- its package does not say that it is a module
export const ready = init(unbase64(wasm, "bad-page"));

/** One hash being made. */
export class Hasher {
  /** @param {string} [context] For derive-key mode; otherwise the plain hash. */
  constructor(context) {
    this.hash = context === undefined ? create_hasher() : create_derive(context);
  }

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.hash.update(bytes);
    return this;
  }

  /** Return 64 lower-case hexadecimal digits; the hasher is used up. */
  digest() {
    const raw = new Uint8Array(32);
    this.hash.digest(raw);
    this.hash.free(); // WebAssembly memory is collected by nobody
    return hex(raw);
  }
}
