import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Adapter, LoraFactors } from "../../src/adapters/adapter.ts";
import { feedForwardModules } from "../../src/adapters/adapter.ts";
import { readJson } from "../../src/base/files.ts";
import { type Model, openModel } from "../../src/models/open-model.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { AdamW } from "../../src/training/adamw.ts";
import { pack } from "../../src/training/packing.ts";
import { createSequence, type Sequence } from "../../src/training/sequence.ts";
import { targetModulesOf } from "../../src/training/target-modules.ts";
import { openTrainer, type Trainer } from "../../src/training/trainer.ts";
import { openSafetensors, readTensor } from "../../src/weights/safetensors.ts";
import { fixtures } from "./helpers.ts";

const config = { rank: 2, alpha: 32, targetModules: feedForwardModules };
const schedule = { learningRate: 3e-4 };

/** PEFT's tensors (A [R, in], B [out, R]) as an adapter (up is B transposed). */
async function readAdapter(path: string, model: Model): Promise<Adapter> {
  const file = await openSafetensors(path);
  const modules = new Map<string, LoraFactors>();
  for (const { name, size } of targetModulesOf(model.config, config)) {
    const down = await readTensor(file.tensors.get(`${name}.lora_A`)!);
    const b = await readTensor(file.tensors.get(`${name}.lora_B`)!);
    const up = new Float32Array(b.length);
    for (let o = 0; o < size.out; o++) {
      for (let r = 0; r < config.rank; r++) up[r * size.out + o] = b[o * config.rank + r]!;
    }
    modules.set(name, { down, up, inFeatures: size.in, outFeatures: size.out });
  }
  return { config, modules };
}

function distance(a: Float32Array, b: Float32Array): number {
  let [difference, norm] = [0, 0];
  b.forEach((value, i) => {
    difference += (a[i]! - value) ** 2;
    norm += value ** 2;
  });
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
}

const sequencesSchema = z.array(z.object({ ids: z.array(z.int()), answerStart: z.int() }));
const lossesSchema = z.object({ losses: z.array(z.number()) });
const packedSchema = z.object({
  sequences: z.array(z.object({ ids: z.array(z.int()), mask: z.array(z.int()) })),
  losses: z.array(z.number()),
  meanLoss: z.number(),
});

describe.each(["llama-tied", "qwen2-tied"])("training of %s agrees with torch and PEFT", (name) => {
  const folder = join(fixtures, "training", name);
  let runtime: Runtime;
  let model: Model;
  let trainer: Trainer;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    model = await openModel(join(fixtures, name));
    trainer = await openTrainer(runtime, model, { config, maxTokens: 512 });
  });
  afterAll(() => runtime.dispose());

  it.each(["all", "answer"])(
    "recipe reference, loss mask %s: losses and factors after 1, 5 and 10 steps",
    async (mask) => {
      const data = await readJson(join(folder, "sequences.json"), sequencesSchema);
      const { losses } = await readJson(join(folder, `${mask}.json`), lossesSchema);
      const initial = await readAdapter(join(folder, "initial.safetensors"), model);
      const rows = data.map(({ ids, answerStart }) =>
        pack([createSequence(ids, { from: mask === "all" ? 1 : answerStart })]),
      );
      for (const steps of [1, 5, 10]) {
        const updates = Array.from({ length: steps }, (_, i) => rows[i % rows.length]!);
        const [trained] = await trainer.train([{ initial, updates }], schedule);
        trained!.losses.forEach((loss, i) => {
          expect(Math.abs(loss / losses[i]! - 1), `loss of step ${i + 1}`).toBeLessThan(1e-5);
        });
        const wanted = await readAdapter(join(folder, `${mask}-step-${steps}.safetensors`), model);
        for (const [module, factors] of wanted.modules) {
          const ours = trained!.adapter.modules.get(module)!;
          expect(distance(ours.down, factors.down), `${module} A, step ${steps}`).toBeLessThan(1e-4);
          expect(distance(ours.up, factors.up), `${module} B, step ${steps}`).toBeLessThan(1e-4);
        }
      }
    },
  );

  it("packed: loss and gradients are those of the mean over the separate sequences", async () => {
    const packed = await readJson(join(folder, "packed.json"), packedSchema);
    const adapter = await readAdapter(join(folder, "packed-lora.safetensors"), model);
    const wanted = await readAdapter(join(folder, "packed-gradients.safetensors"), model);
    const sequences: Sequence[] = packed.sequences.map(({ ids, mask }) => {
      const counted = mask.flatMap((bit, i) => (bit && i > 0 ? [i] : []));
      const weight = 1 / counted.length / packed.sequences.length;
      return { ids, targets: counted.map((i) => ({ place: i - 1, token: ids[i]!, weight })) };
    });
    const row = pack(sequences);
    const separate = sequences.reduce((total, { ids }) => total + ids.length, 0);
    expect(row.ids.length).toBeLessThanOrEqual(separate - 3 * 50); // the prefix of 50 tokens is there once
    const { losses, gradients } = await trainer.gradients([row], [adapter]);
    expect(Math.abs(losses[0]! / packed.meanLoss - 1)).toBeLessThan(1e-5);
    for (const [module, factors] of wanted.modules) {
      expect(distance(gradients.get(`${module}.down`)!, factors.down), `${module} A`).toBeLessThan(1e-5);
      expect(distance(gradients.get(`${module}.up`)!, factors.up), `${module} B`).toBeLessThan(1e-5);
    }
  });
});

describe("AdamW agrees with torch", () => {
  it("over 12 steps, with zero, tiny, large and stopping gradients", async () => {
    const file = await openSafetensors(join(fixtures, "training", "adamw.safetensors"));
    const read = async (name: string) => readTensor(file.tensors.get(name)!);
    const [value, gradients, wanted] = [
      await read("start"),
      await read("gradients"),
      await read("parameters"),
    ];
    const optimiser = new AdamW({ learningRate: 1e-2, weightDecay: 0.01 });
    const size = value.length;
    for (let step = 0; step < 12; step++) {
      optimiser.step([{ value, gradient: gradients.slice(step * size, (step + 1) * size) }]);
      for (const [i, x] of value.entries()) expect(Math.abs(x - wanted[step * size + i]!)).toBeLessThan(3e-6);
    }
  });
});
