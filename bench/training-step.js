// Training step of Llama-3.2-1B shapes against the GEMM rate of the same runtime in the same run.
// npm run build && node bench/training-step.js [--tokens 256,512] [--steps 10] [--folder /tmp/random-1b]
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createInitialAdapter } from "../dist/adapters/initialise.js";
import { openModel } from "../dist/models/open-model.js";
import { openRuntime } from "../dist/runtime/runtime.js";
import { pack } from "../dist/training/packing.js";
import { targetModulesOf } from "../dist/training/target-modules.js";
import { openTrainer } from "../dist/training/trainer.js";
import { gemmRate } from "./gemm.js";
import { makeRandomModel } from "./random-model.js";

const { values: options } = parseArgs({
  options: {
    tokens: { type: "string", default: "256,512" },
    steps: { type: "string", default: "10" },
    targets: { type: "string", default: "32" },
    folder: { type: "string", default: join(tmpdir(), "parametric-rag-random-1b") },
  },
});
const steps = Number(options.steps);
const targets = Number(options.targets);
const runtime = await openRuntime();
const gemm = await gemmRate(runtime);
const model = await openModel(await makeRandomModel(options.folder));
const config = { rank: 2, alpha: 32, targetModules: ["gate_proj", "up_proj", "down_proj"] };
const shapes = targetModulesOf(model.config, config).map(({ name, size }) => ({
  name,
  inFeatures: size.in,
  outFeatures: size.out,
}));
const initial = createInitialAdapter(shapes, config, 1);
const trainer = await openTrainer(runtime, model, { config, maxTokens: 1024 });
console.log(
  `GEMM [512x2048]·[2048x8192], best of 10: ${gemm.toFixed(1)} GFLOP/s on ${runtime.threads} threads`,
);
for (const T of options.tokens.split(",").map(Number)) {
  const ids = Array.from({ length: T }, (_, i) => (i * 7919 + 13) % 100_000);
  const goals = ids
    .slice(-targets)
    .map((token, i) => ({ place: T - targets + i - 1, token, weight: 1 / targets }));
  const row = pack([{ ids, targets: goals }]);
  const times = [];
  let last = performance.now();
  await trainer.train(
    [{ initial, updates: new Array(steps + 2).fill(row) }],
    { learningRate: 3e-4 },
    {
      onUpdate() {
        const now = performance.now();
        times.push((now - last) / 1000);
        last = now;
      },
    },
  );
  const counted = times.slice(2).sort((a, b) => a - b);
  const median = counted[Math.floor(counted.length / 2)];
  const rate = flops(T) / median / 1e9;
  console.log(
    `T=${T}: median ${median.toFixed(2)} s of ${counted.length} steps (min ${counted[0].toFixed(2)}, max ${counted.at(-1).toFixed(2)}), ${rate.toFixed(1)} GFLOP/s = ${((100 * rate) / gemm).toFixed(1)} % of GEMM`,
  );
}
console.log(
  `peak memory ${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB (mapped weights included)`,
);
await trainer.dispose();
await runtime.dispose();

/** Linears and head only: forward all; backward by the input of each linear that an adapter lies below. */
function flops(T) {
  const {
    hiddenSize: D,
    feedForwardSize: F,
    layers,
    heads,
    keyValueHeads,
    headSize,
    vocabularySize,
  } = model.config;
  const attention = D * heads * headSize * 2 + D * keyValueHeads * headSize * 2;
  const layer = attention + 3 * D * F;
  const forward = layers * layer * T + D * vocabularySize * targets;
  // In the lowest layer only down_proj passes a gradient on.
  const backward = ((layers - 1) * layer + D * F) * T + D * vocabularySize * targets;
  return 2 * (forward + backward);
}
