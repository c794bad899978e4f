import type { Architecture } from "./architecture.ts";
import { parseDecoderConfig } from "./config.ts";

/** Qwen2 and Qwen2.5: Llama's decoder with biases on the query, key and value projections, which the checkpoint has. */
export const qwen2: Architecture = {
  modelTypes: ["qwen2"],
  parseConfig: (value, path) => parseDecoderConfig(value, path, "qwen2"),
};
