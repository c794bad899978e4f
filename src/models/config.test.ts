import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../base/errors.ts";
import { parseModelConfig } from "./open-model.ts";

const plain = {
  hidden_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 128,
  vocab_size: 100,
  max_position_embeddings: 32_768,
};
const parse = (more: Record<string, unknown>, type = "llama") =>
  parseModelConfig({ model_type: type, ...plain, ...more }, "config.json");

describe("the config of a model", () => {
  it("takes a Mistral up to its window, and a window that Qwen does not use for none", () => {
    expect(parse({ sliding_window: 4096 }, "mistral").contextLength).toBe(4096);
    expect(parse({ sliding_window: null }, "mistral").contextLength).toBe(32_768);
    const qwen = { sliding_window: 4096, use_sliding_window: false };
    expect(parse(qwen, "qwen2").contextLength).toBe(32_768);
    expect(() => parse({ ...qwen, use_sliding_window: true }, "qwen2")).toThrow(UnsupportedError);
  });

  it("refuses heads that cannot be", () => {
    expect(parse({}).headSize).toBe(16);
    for (const wrong of [
      { num_attention_heads: 3 },
      { num_key_value_heads: 3 },
      { num_attention_heads: 64, num_key_value_heads: 64 },
      { head_dim: 5 },
    ])
      expect(() => parse(wrong), JSON.stringify(wrong)).toThrow(FormatError);
  });
});
