/**
 * The page's reader of evidence as a process: one case a line in, its whole answer a line out.
 *
 *     node audit.mjs PAGE    PAGE: the folder with `src/` and `generated/`
 */
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const load = (name) => import(new URL(name, pathToFileURL(`${process.argv[2]}/`)));
const [{ answersOf }, { Known }, { verifyEvidence }, { parseEvidence }, { OpenedEvidence }, { Refusal }, { canonical }, { parseTimestamp }, { Trust }] = await Promise.all(
  ["audit/answers/answers", "audit/answers/known", "audit/check", "audit/evidence", "audit/opened", "canon/errors", "canon/json", "canon/timestamps", "credentials/trust"]
    .map((name) => load(`src/${name}.js`)));

async function answer({ evidence, trust, at }) {
  try {
    const opened = await new OpenedEvidence(parseEvidence(new Uint8Array(Buffer.from(evidence, "base64")))).read(() => {});
    const { verdict, checks, subject, issuer = null, notProven } = verifyEvidence(opened, { trust: Trust.parse(trust), at: parseTimestamp(at) });
    const answers = Buffer.from(canonical(answersOf(new Known(opened)))).toString();
    return { verdict, checks: checks.map(({ id, state, detail }) => [id, state, detail.reason ?? ""]), subject, issuer, notProven, answers };
  } catch (error) {
    if (error instanceof Refusal && error.kind === "bad-audit") return { refused: error.kind };
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({ thrown: String(error.stack ?? error) }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
