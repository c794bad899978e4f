// A decoding step of prag-mini by rows and by tokens that each has in its cache, one thread.
// npm run build && node bench/cache.js [--steps 40]
import { parseArgs } from "node:util";
import { openEngine } from "../dist/engine/open-engine.js";
import { openDecodingSession } from "../dist/generation/decoding-session.js";
import { openRuntime } from "../dist/runtime/runtime.js";

const { values: options } = parseArgs({ options: { steps: { type: "string", default: "40" } } });
const steps = Number(options.steps);
const engine = await openEngine({ dataFolder: "/nonexistent" });
const runtime = await openRuntime({ threads: 1 });
try {
  const model = await engine.parts.model();
  const { layers, keyValueHeads, headSize } = model.config;
  const session = await openDecodingSession(runtime, model, { targetModules: model.recipe.targetModules });
  for (const [rows, tokens] of [
    [1, 64],
    [1, 512],
    [1, 1500],
    [16, 64],
    [16, 448],
  ]) {
    const batch = await session.openBatch(new Array(rows).fill(undefined), tokens + steps);
    const prompt = Array.from({ length: tokens }, (_, t) => (t * 31) % 8000);
    await batch.feed(new Array(rows).fill(prompt));
    const times = [];
    for (let i = 0; i < steps; i++) {
      const start = performance.now();
      await batch.feed(new Array(rows).fill([i + 5]));
      times.push(performance.now() - start);
    }
    await batch.dispose();
    const median = times.sort((a, b) => a - b)[Math.floor(steps / 2)];
    const megabytes = (8 * layers * keyValueHeads * headSize * rows * tokens) / 2 ** 20;
    console.log(
      `${rows} rows of ${tokens} tokens (${megabytes.toFixed(0)} MiB of keys and values): median ${median.toFixed(1)} ms, best ${times[0].toFixed(1)} ms`,
    );
  }
} finally {
  await runtime.dispose();
  await engine.dispose();
}
