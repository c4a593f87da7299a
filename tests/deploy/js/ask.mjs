// Answers the probe records of a folder as transformers.js does; prints one JSON object a record.
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { env, pipeline } from "@huggingface/transformers";

const folder = process.argv[2];
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const model = await pipeline("text-classification", basename(folder), { dtype: "fp32" });
for (const line of readFileSync(join(folder, "probe.jsonl"), "utf8").trim().split("\n")) {
  const answers = await model(JSON.parse(line).text, { top_k: null });
  const found = Object.fromEntries(answers.map(({ label, score }) => [label, score]));
  console.log(JSON.stringify(found));
}
