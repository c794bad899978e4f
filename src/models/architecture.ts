import type { ModelConfig } from "./config.ts";

/** A family of models: which `model_type` it serves and how its `config.json` reads. */
export interface Architecture {
  modelTypes: readonly string[];
  /** `path` names the file in errors. */
  parseConfig(value: unknown, path: string): ModelConfig;
}
