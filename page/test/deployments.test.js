import assert from "node:assert/strict";
import { parseTimestamp } from "../src/canon/timestamps.js";
import { Trust } from "../src/credentials/trust.js";
import { verifyDeployment } from "../src/verify/deployment/deployment.js";
import { readEvidence } from "../src/verify/deployment/folder.js";
import { FOLDER } from "../src/verify/deployment/layout.js";
import { answers, dataOf, filesOf } from "./given.js";
import { each, load } from "./vectors.js";

const { base, cases } = load("deployments/folders.json");
const INSIDE = `${FOLDER}/`;

each("verdict on a deployed folder", cases, async (one) => {
  const { trust, at, files } = { ...base, ...one.changes, files: { ...base.files, ...one.changes.files } };
  const all = [...filesOf(files)];
  const below = all.filter(([path]) => path.startsWith(INSIDE))
    .map(([path, data]) => ({ path: path.slice(INSIDE.length), size: data.length, bytes: async () => data }));
  const data = dataOf(new Map(all.filter(([path]) => !path.startsWith(INSIDE))));
  const report = await verifyDeployment(await readEvidence(below), data, { trust: Trust.parse(trust), at: parseTimestamp(at) });
  answers(report, one);
  for (const line of one.notProven ?? []) assert.ok(report.notProven.includes(line), line);
  const made = report.checks.filter(({ state }) => state !== "pass").map(({ id }) => id);
  assert.deepEqual(made.sort(), Object.keys(one.checks).sort());
});
