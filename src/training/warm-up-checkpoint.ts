import { existsSync } from "node:fs";
import { z } from "zod";
import type { Adapter, LoraFactors } from "../adapters/adapter.ts";
import { factorName } from "../adapters/lora-linear.ts";
import { ConfigError } from "../base/errors.ts";
import { parseJson, writeAtomic } from "../base/files.ts";
import { canonicalJson } from "../base/hash.ts";
import {
  encodeSafetensors,
  openSafetensors,
  type SafetensorsFile,
  type TensorData,
} from "../weights/safetensors.ts";
import type { Moments } from "./adamw.ts";
import { readStoredNumbers } from "./stored-numbers.ts";
import type { WarmUpState } from "./warm-up.ts";

/*
 * A warm-up between two updates, as one safetensors file: `<factor>.value`, `.mean` and `.square` in F32, and one metadata entry, JSON
 * by the schema below. `key` names everything that the updates depend on.
 */
const metadataKey = "parametric_rag_warm_up";
const schema = z.object({ key: z.string(), updates: z.int().positive(), losses: z.array(z.number()) });
const parts = ["value", "mean", "square"] as const;

/** Writes where a warm-up stands, atomically. */
export async function saveWarmUpState(path: string, key: string, state: WarmUpState): Promise<void> {
  const { updates, losses, adapter, moments } = state;
  const tensors: TensorData[] = [];
  for (const [module, factors] of adapter.modules) {
    for (const factor of ["down", "up"] as const) {
      const name = factorName(module, factor);
      const stored = { value: factors[factor], ...moments.get(name)! };
      for (const part of parts)
        tensors.push({
          name: `${name}.${part}`,
          dtype: "F32",
          shape: [stored[part].length],
          data: stored[part],
        });
    }
  }
  const metadata = { [metadataKey]: canonicalJson({ key, updates, losses }) };
  await writeAtomic(path, encodeSafetensors(tensors, metadata));
}

/** Reads where a warm-up stood; `undefined` where there is none. One with another key is a `ConfigError`. */
export async function loadWarmUpState(
  path: string,
  key: string,
  initial: Adapter,
): Promise<WarmUpState | undefined> {
  if (!existsSync(path)) return undefined;
  const file = await openSafetensors(path);
  const stored = parseJson(file.metadata[metadataKey] ?? "null", schema, path);
  if (stored.key !== key)
    throw new ConfigError(
      `${path} is of a warm-up with other data, model or settings; give --out another folder, or delete this one`,
    );
  const moments = new Map<string, Moments>();
  const modules = new Map<string, LoraFactors>();
  for (const [module, factors] of initial.modules) {
    const down = await readParts(file, factorName(module, "down"), factors.down.length);
    const up = await readParts(file, factorName(module, "up"), factors.up.length);
    modules.set(module, { ...factors, down: down.value, up: up.value });
    moments.set(factorName(module, "down"), { mean: down.mean, square: down.square });
    moments.set(factorName(module, "up"), { mean: up.mean, square: up.square });
  }
  const { updates, losses } = stored;
  return { updates, losses, adapter: { config: initial.config, modules }, moments };
}

async function readParts(
  file: SafetensorsFile,
  name: string,
  length: number,
): Promise<Moments & { value: Float32Array }> {
  const read = (part: (typeof parts)[number]) => readStoredNumbers(file, `${name}.${part}`, length);
  return { value: await read("value"), mean: await read("mean"), square: await read("square") };
}
