// Decoding with Llama-3.2-1B shapes, q8: what adapters as graph inputs cost per token, against a graph without them.
// npm run build && node bench/decode.js [--tokens 24] [--folder /tmp/random-1b] [--cache /tmp/random-1b-q8]
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createInitialAdapter } from "../dist/adapters/initialise.js";
import { merge } from "../dist/adapters/merge.js";
import { openDecodingSession } from "../dist/generation/decoding-session.js";
import { openModel } from "../dist/models/open-model.js";
import { openQuantisedWeights } from "../dist/models/quantised-weights.js";
import { openRuntime } from "../dist/runtime/runtime.js";
import { targetModulesOf } from "../dist/training/target-modules.js";
import { makeRandomModel } from "./random-model.js";

const { values: options } = parseArgs({
  options: {
    tokens: { type: "string", default: "24" },
    folder: { type: "string", default: join(tmpdir(), "parametric-rag-random-1b") },
    cache: { type: "string", default: join(tmpdir(), "parametric-rag-random-1b-q8") },
  },
});
const count = Number(options.tokens);
const targetModules = ["gate_proj", "up_proj", "down_proj"];
const runtime = await openRuntime();
const model = await openModel(await makeRandomModel(options.folder));
const weights = await openQuantisedWeights(model, { cacheFolder: options.cache });
const config = { rank: 2, alpha: 32, targetModules };
const shapes = targetModulesOf(model.config, config).map(({ name, size }) => ({
  name,
  inFeatures: size.in,
  outFeatures: size.out,
}));
const merged = merge([1, 2, 3].map((seed) => createInitialAdapter(shapes, config, seed)));
const plain = await openDecodingSession(runtime, model, { targetModules: [], weights, positions: 2048 });
const adapted = await openDecodingSession(runtime, model, { targetModules, weights, positions: 2048 });
const prompt = Array.from({ length: 64 }, (_, i) => (i * 7919 + 13) % 100_000);

// The two take turns, so that a drift of the machine's speed meets both.
const times = { plain: [], adapted: [] };
for (const B of [1, 4]) {
  const batches = {
    plain: await plain.openBatch(new Array(B).fill(undefined), 64 + count + 32),
    adapted: await adapted.openBatch(new Array(B).fill(merged), 64 + count + 32),
  };
  for (const batch of Object.values(batches)) await batch.feed(new Array(B).fill(prompt));
  for (let i = 0; i < count + 2; i++) {
    for (const [name, batch] of Object.entries(batches)) {
      const start = performance.now();
      await batch.feed(new Array(B).fill([i + 1]));
      if (i >= 2) times[name].push(performance.now() - start);
    }
  }
  for (const batch of Object.values(batches)) await batch.dispose();
  const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
  const [without, with3] = [median(times.plain), median(times.adapted)];
  console.log(
    `q8, B=${B}: ${without.toFixed(1)} ms a step without adapter inputs, ${with3.toFixed(1)} ms with 3 merged adapters of rank 2 a row: ${((100 * with3) / without - 100).toFixed(1)} % more`,
  );
  times.plain = [];
  times.adapted = [];
}
console.log(`peak memory ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`);
await plain.dispose();
await adapted.dispose();
await runtime.dispose();
