import type { Architecture } from "./architecture.ts";
import { parseDecoderConfig } from "./config.ts";

/** Llama 2, 3, 3.1, 3.2 (llama3 rope scaling, grouped queries, tied or untied head), and Mistral, up to the length of its window. */
export const llama: Architecture = {
  modelTypes: ["llama", "mistral"],
  parseConfig: (value, path) => parseDecoderConfig(value, path, "llama"),
};
