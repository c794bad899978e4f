import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../../src/base/files.ts";
import { toOnnx } from "../../src/graph/onnx.ts";
import { openModel } from "../../src/models/open-model.ts";
import { createScoringGraph } from "../../src/models/training-graph.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { openSafetensors, readTensor } from "../../src/weights/safetensors.ts";
import { causalMask, fixtures, int64 } from "./helpers.ts";

const expectation = z.object({
  inputIds: z.array(z.int()),
  positions: z.array(z.int()),
  logitsStd: z.number(),
});

describe("logits agree with transformers", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
  });
  afterAll(() => runtime.dispose());

  for (const [name, expected] of [
    ["llama-tied", "llama-tied"],
    ["llama3-rope", "llama3-rope"],
    ["llama3-rope-sharded", "llama3-rope"],
    ["llama-bf16", "llama-bf16"],
    ["qwen2-tied", "qwen2-tied"],
    ["qwen2-untied", "qwen2-untied"],
  ] as const) {
    it(`${name}: within 1e-4 of their standard deviation`, async () => {
      const model = await openModel(join(fixtures, name));
      const { inputIds, positions, logitsStd } = await readJson(
        join(fixtures, expected, "logits.json"),
        expectation,
      );
      const reference = await openSafetensors(join(fixtures, expected, "logits.safetensors"));
      const wanted = await readTensor(reference.tensors.get("logits")!);
      const graph = createScoringGraph(model, { positions: inputIds.length });
      const session = await runtime.openSession(toOnnx({ logits: graph.logits }, { folder: graph.folder }));
      const T = inputIds.length;
      const { values } = await session.run({
        ids: int64(inputIds, [1, T]),
        positions: int64(
          inputIds.map((_, i) => i),
          [1, T],
        ),
        mask: causalMask(T),
        rows: int64(
          positions.flatMap((t) => [0, t]),
          [positions.length, 2],
        ),
      });
      await session.dispose();
      const logits = values.logits!;
      expect(logits.dims).toEqual([positions.length, model.config.vocabularySize]);
      if (logits.dtype !== "float32") throw new Error("logits are not float32");
      const worst = logits.data.reduce((max, value, i) => Math.max(max, Math.abs(value - wanted[i]!)), 0);
      expect(logitsStd).toBeGreaterThan(1);
      expect(worst / logitsStd).toBeLessThan(1e-4);
    });
  }
});
