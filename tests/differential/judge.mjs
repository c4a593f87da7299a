/**
 * The page's verifier as a process: one case a line in, its whole answer a line out.
 *
 *     node judge.mjs PAGE    PAGE: the folder with `src/` and `generated/`
 */
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const load = (name) => import(new URL(name, pathToFileURL(`${process.argv[2]}/`)));
const [{ concat, text }, { blake3 }, { Refusal }, { Records }, { parseTimestamp }, { Trust }, { OpenedCredential }, { verifyFile }, { LineEndsWriter }, { verifyDeployment }, { readEvidence }] = await Promise.all(
  ["canon/bytes", "canon/digest", "canon/errors", "history/records/records", "canon/timestamps", "credentials/trust", "credentials/opened", "verify_file", "verify/delivery/line_ends", "verify/deployment/deployment", "verify/deployment/folder"]
    .map((name) => load(`src/${name}.js`)));

const bytes = (encoded) => new Uint8Array(Buffer.from(encoded, "base64"));

/** What the page reads of a file, without a worker. */
function dataFile([path, encoded]) {
  const content = bytes(encoded);
  const read = async (reading, summed = false) => {
    const digests = { digest: blake3(content), sha256: summed ? createHash("sha256").update(content).digest() : null };
    if (reading === null) return { ...digests, records: null };
    const records = new Records(reading);
    records.update(content);
    return { ...digests, records: records.end(blake3(content)) };
  };
  const digestWith = async (ends) => {
    const writer = new LineEndsWriter(ends);
    return blake3(concat(writer.update(content), writer.end()));
  };
  return { path, size: content.length, read, digestWith };
}

async function answer({ target, siblings, data, trust, at, challenge, domain, recompute, deployed }) {
  const files = new Map(siblings.map(([name, encoded]) => [name, bytes(encoded)]));
  let believed;
  try {
    believed = Trust.parse(text(bytes(trust), "bad-trust"), (path) => files.get(path));
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.kind };
    throw error;
  }
  if (deployed) {
    const below = [...files].map(([path, content]) => ({ path, size: content.length, bytes: async () => content }));
    return verifyDeployment(await readEvidence(below), (data ?? []).map(dataFile), { trust: believed, at: parseTimestamp(at) });
  }
  return verifyFile(new OpenedCredential(bytes(target)), {
    siblings: files,
    data: data === null ? null : data.map(dataFile),
    trust: believed,
    at: parseTimestamp(at),
    challenge: challenge ?? undefined,
    domain: domain ?? undefined,
    recompute,
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({ thrown: String(error.stack ?? error) }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
