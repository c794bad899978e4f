// BM25: seconds to build, milliseconds to load an index of 31,000 passages, and latency of the best ten among 50,000.
// Run: npm run build && node bench/bm25.js
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBm25Search } from "../dist/retrieval/bm25.js";
import { openBm25Index, saveBm25Index } from "../dist/retrieval/bm25-file.js";
import { buildBm25Index } from "../dist/retrieval/bm25-index.js";
import { makePassages, makeQueries } from "../test/parity/lucene/inputs.js";

/** The value below which a share of the sorted numbers lies. */
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
const format = (number) => number.toFixed(number < 10 ? 2 : 0);

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { result, ms: performance.now() - start };
}

async function benchLoad(passages, folder) {
  const { result: index, ms } = await timed(() => buildBm25Index(passages));
  console.log(`build  ${passages.length} passages: ${format(ms / 1000)} s, ${index.terms.size} terms`);
  await saveBm25Index(index, folder);
  const { size } = await stat(join(folder, "bm25.index"));
  const times = [];
  for (let i = 0; i < 7; i++) times.push((await timed(() => openBm25Index(folder))).ms);
  console.log(`file   ${format(size / 2 ** 20)} MiB`);
  times.sort((a, b) => a - b);
  console.log(
    `load   ${passages.length} passages: median ${format(quantile(times, 0.5))} ms, worst ${format(times.at(-1))} ms of 7`,
  );
}

async function benchSearch(passages, folder) {
  await saveBm25Index(buildBm25Index(passages), folder);
  const search = createBm25Search(await openBm25Index(folder));
  const queries = makeQueries(600, 5);
  for (const query of queries.slice(0, 100)) search(query, 10);
  const times = [];
  for (const query of queries.slice(100)) times.push((await timed(() => search(query, 10))).ms);
  times.sort((a, b) => a - b);
  const [p50, p95] = [quantile(times, 0.5), quantile(times, 0.95)];
  console.log(
    `top 10 ${passages.length} passages, ${times.length} queries: p50 ${format(p50)} ms, p95 ${format(p95)} ms`,
  );
}

const folder = await mkdtemp(join(tmpdir(), "bench-bm25-"));
try {
  // Rare words, so that the dictionary is as large as that of real text.
  const passages = makePassages(50_000, 4).map((passage, i) => ({
    ...passage,
    text: `${passage.text} name${i} site${i}, year${i >> 1} and work${i >> 2}`,
  }));
  const words = passages.reduce((sum, { text }) => sum + text.split(" ").length, 0);
  console.log(`${passages.length} generated passages, ${format(words / passages.length)} words each`);
  await benchLoad(passages.slice(0, 31_000), folder);
  await benchSearch(passages, folder);
} finally {
  await rm(folder, { recursive: true, force: true });
}
