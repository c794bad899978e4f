import { join } from "node:path";
import { z } from "zod";
import { UnsupportedError } from "../base/errors.ts";
import { parseValue } from "../base/files.ts";
import { type Checkpoint, openCheckpoint } from "../weights/checkpoint.ts";
import type { ModelConfig } from "./config.ts";
import { llama } from "./llama.ts";
import { qwen2 } from "./qwen2.ts";

const architectures = [llama, qwen2];

/** A checkpoint whose architecture is known. */
export interface Model {
  checkpoint: Checkpoint;
  config: ModelConfig;
}

/** Opens a Hugging Face folder and reads its config; no weight is read yet. */
export async function openModel(folder: string): Promise<Model> {
  const checkpoint = await openCheckpoint(folder);
  return { checkpoint, config: parseModelConfig(checkpoint.config, join(folder, "config.json")) };
}

/** Chooses the architecture by `model_type`. */
export function parseModelConfig(value: unknown, path: string): ModelConfig {
  const { model_type } = parseValue(value, z.object({ model_type: z.string() }), path);
  const architecture = architectures.find(({ modelTypes }) => modelTypes.includes(model_type));
  if (!architecture) {
    const known = architectures.flatMap(({ modelTypes }) => modelTypes).join(", ");
    throw new UnsupportedError(
      `${path}: architecture "${model_type}" is not supported; supported are ${known}`,
    );
  }
  return architecture.parseConfig(value, path);
}
