// Adapters on their way to a question: load from disk (cold), from memory (cached), and merge, for the shapes of Llama-3.2-1B
// (16 layers, hidden 2048, feed-forward 8192), rank 2, k = 3. The merge is compared with copying as many bytes in the same run.
// node bench/merge.js            (needs npm run build)
import { mkdtemp, rm, stat } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { adapterKey } from "../dist/adapters/adapter-key.js";
import { createInitialAdapter } from "../dist/adapters/initialise.js";
import { merge } from "../dist/adapters/merge.js";
import { openAdapterStore } from "../dist/adapters/store.js";

const shapes = Array.from({ length: 16 }, (_, layer) =>
  [
    ["gate_proj", 2048, 8192],
    ["up_proj", 2048, 8192],
    ["down_proj", 8192, 2048],
  ].map(([name, inFeatures, outFeatures]) => ({
    name: `layers.${layer}.mlp.${name}`,
    inFeatures,
    outFeatures,
  })),
).flat();
const config = { rank: 2, alpha: 32, targetModules: ["gate_proj", "up_proj", "down_proj"] };

const keys = [1, 2, 3].map((i) =>
  adapterKey({
    model: "bench",
    passage: { title: "", text: String(i) },
    augmentation: [],
    recipe: config,
    init: "",
  }),
);
const adapters = [1, 2, 3].map((seed) => {
  const adapter = createInitialAdapter(shapes, config, seed);
  for (const { down, up } of adapter.modules.values()) up.set(down.subarray(0, up.length)); // any numbers but 0
  return adapter;
});

/** Times in ms of one task. */
async function time(task, rounds) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await task();
    times.push(performance.now() - start);
  }
  return times;
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

/** Median in ms, after a warm-up. */
async function measure(task) {
  await time(task, 10);
  return median(await time(task, 30));
}

/** Prints a merge's time beside that of a copy: medians over short blocks of both, taken in turn, so that both see the same machine. */
async function compare(name, task, copy) {
  const [own, others] = [[], []];
  for (let block = 0; block < 20; block++) {
    const [a, b] = [await time(task, 20), await time(copy, 20)];
    if (block >= 5) own.push(...a) && others.push(...b);
  }
  const [merged, copied] = [median(own), median(others)];
  console.log(`${name}: ${ms(merged)}, the copy ${ms(copied)}, ratio ${(merged / copied).toFixed(2)}`);
}

const ms = (value) => `${value.toFixed(2)} ms`;
const folder = await mkdtemp(join(tmpdir(), "bench-merge-"));
try {
  console.log(`${cpus()[0].model}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`);
  for (const dtype of ["f32", "f16", "int8"]) {
    const store = openAdapterStore(join(folder, dtype), { dtype });
    for (const [i, key] of keys.entries())
      await store.save(key, adapters[i], {
        baseModel: { name: "bench", fingerprint: "bench" },
        createdBy: "bench",
      });
    const cold = openAdapterStore(join(folder, dtype), { cacheBytes: 0 });
    const loadCold = await measure(() => Promise.all(keys.map((key) => cold.load(key))));
    const { size } = await stat(store.path(keys[0]));
    console.log(
      `${dtype}: ${(size / 1e6).toFixed(2)} MB a file; load of 3, file cache warm, store cold: ${ms(loadCold)}`,
    );
  }

  const store = openAdapterStore(join(folder, "f16"));
  const load = () => Promise.all(keys.map((key) => store.load(key)));
  const loaded = await load();
  const bytes =
    3 * shapes.reduce((sum, { inFeatures, outFeatures }) => sum + 4 * 2 * (inFeatures + outFeatures), 0);
  const source = new Float32Array(bytes / 4).fill(1);
  console.log(`load of 3, cached: ${ms(await measure(load))}`);
  console.log(`merged: ${(bytes / 1e6).toFixed(1)} MB`);
  const copy = () => source.slice();
  await compare("sum (wanted: at most 1.5)", () => merge(loaded), copy);
  await compare("mean", () => merge(loaded, { weights: "mean" }), copy);
  await compare("sum, scaling not baked in", () => merge(adapters), copy);
} finally {
  await rm(folder, { recursive: true, force: true });
}
