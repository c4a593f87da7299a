/** Which reader the name of a file of rows asks for (spec §12.8). */
const SUFFIXES = new Map([
  ["jsonl/1", [".jsonl", ".ndjson"]], ["csv/1", [".csv", ".tsv"]], ["csv/2", [".csv", ".tsv"]], ["parquet/1", [".parquet"]],
]);

/** Whether a file's name, packed or not, says that a reader reads its rows. @param {string} path @param {string} reader */
export function isOfRows(path, reader) {
  const name = path.toLowerCase().replace(/\.gz$/, "").replace(/\.zst$/, "");
  return (SUFFIXES.get(reader) ?? []).some((suffix) => name.endsWith(suffix));
}
