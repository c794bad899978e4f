// Reading a prompt with prag-mini: one token after prompts of several lengths, as every question is answered, against the linears' share
// of it at the GEMM rate of the same run.
// npm run build && node bench/prompt.js [--tokens 64,256,512,1024] [--rounds 9]
import { parseArgs } from "node:util";
import { openEngine } from "../dist/engine/open-engine.js";
import { openRuntime } from "../dist/runtime/runtime.js";
import { gemmRate } from "./gemm.js";

const { values: options } = parseArgs({
  options: {
    tokens: { type: "string", default: "64,256,512,1024" },
    rounds: { type: "string", default: "9" },
  },
});
const engine = await openEngine({ dataFolder: "/nonexistent" });
try {
  const runtime = await openRuntime();
  const gemm = await gemmRate(runtime).finally(() => runtime.dispose());
  const { config } = await engine.parts.model();
  const generator = await engine.parts.generator();
  for (const tokens of options.tokens.split(",").map(Number)) {
    const request = { messages: [], prefix: " bridge".repeat(tokens), maxTokens: 1 };
    const T = await generator.countPromptTokens(request);
    const times = [];
    for (let i = 0; i < Number(options.rounds) + 2; i++) {
      const start = performance.now();
      await generator.generateBatch([request]);
      if (i >= 2) times.push(performance.now() - start);
    }
    const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
    const floor = flops(config, T) / gemm / 1e6;
    console.log(
      `${T} tokens: ${median.toFixed(1)} ms (best ${times[0].toFixed(1)}), the linears alone ${floor.toFixed(1)} ms at ${gemm.toFixed(0)} GFLOP/s: ${(median / floor).toFixed(1)} x`,
    );
  }
} finally {
  await engine.dispose();
}

/** Linears of all tokens and the head of the last one. */
function flops(config, T) {
  const {
    hiddenSize: D,
    feedForwardSize: F,
    layers,
    heads,
    keyValueHeads,
    headSize,
    vocabularySize,
  } = config;
  const attention = 2 * D * heads * headSize + 2 * D * keyValueHeads * headSize;
  return 2 * (layers * (attention + 3 * D * F) * T + D * vocabularySize);
}
