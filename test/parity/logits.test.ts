import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../../src/base/files.ts";
import { openModel } from "../../src/models/open-model.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { openSafetensors, readTensor } from "../../src/weights/safetensors.ts";
import { fixtures, floats, largestDifference, scoreLogits } from "./helpers.ts";

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
      const logits = await scoreLogits(runtime, model, { ids: inputIds, positions });
      expect(logits.dims).toEqual([positions.length, model.config.vocabularySize]);
      expect(logitsStd).toBeGreaterThan(1);
      expect(largestDifference(floats(logits), wanted) / logitsStd).toBeLessThan(1e-4);
    });
  }
});
