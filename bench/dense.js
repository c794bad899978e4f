// Dense retrieval: milliseconds to load the vectors of 31,000 passages (384 dimensions), and latency of the best ten by exact search.
// Run: npm run build && node bench/dense.js
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../dist/base/random.js";
import { ranksOf } from "../dist/retrieval/top-list.js";
import { createVectorSearch } from "../dist/retrieval/vectors.js";
import { loadVectors, saveVectors } from "../dist/retrieval/vectors-file.js";

const count = 31_000;
const dimensions = 384;

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
const format = (number) => number.toFixed(number < 10 ? 2 : 0);

/** A direction drawn evenly. */
function unitVector(random) {
  const vector = Float32Array.from({ length: dimensions }, () => random.normal());
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Milliseconds of each of so many calls, sorted: by the clock, and of the processor alone, which other programs disturb less. */
async function repeat(times, work) {
  const clock = [];
  const processor = [];
  for (let i = 0; i < times; i++) {
    const [start, usage] = [performance.now(), process.cpuUsage()];
    await work(i);
    const { user, system } = process.cpuUsage(usage);
    clock.push(performance.now() - start);
    processor.push((user + system) / 1000);
  }
  const byValue = (a, b) => a - b;
  return { clock: clock.sort(byValue), processor: processor.sort(byValue) };
}

function describe({ clock, processor }) {
  const [p50, p95] = [quantile(clock, 0.5), quantile(clock, 0.95)];
  return `p50 ${format(p50)} ms, p95 ${format(p95)} ms; processor p50 ${format(quantile(processor, 0.5))} ms`;
}

const folder = await mkdtemp(join(tmpdir(), "bench-dense-"));
try {
  const random = new Random("bench/dense");
  const ids = Array.from({ length: count }, (_, i) => i.toString(16).padStart(32, "0"));
  const ordinals = new Map(ids.map((id, ordinal) => [id, ordinal]));
  const path = join(folder, "vectors.bin");
  const records = ids.map((id) => ({ id, vector: unitVector(random) }));
  await saveVectors(path, { embedder: "random", dimensions }, records);
  const wanted = { count, ordinalOf: (id) => ordinals.get(id) };
  const loads = await repeat(7, () => loadVectors(path, wanted));
  const mebibytes = (await stat(path)).size / 2 ** 20;
  console.log(`load   ${count} x ${dimensions}, ${format(mebibytes)} MiB, 7 times: ${describe(loads)}`);

  const { rows } = await loadVectors(path, wanted);
  const search = createVectorSearch({ dimensions, rows, idRanks: ranksOf(ids) });
  const queries = Array.from({ length: 300 }, () => unitVector(random));
  for (const query of queries.slice(0, 50)) search(query, 10);
  const times = await repeat(250, (i) => search(queries[50 + i], 10));
  console.log(`top 10 ${count} x ${dimensions}, 250 queries: ${describe(times)}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
