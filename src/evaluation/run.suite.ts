import type { RunConfig, RunRecord } from "./run-format.ts";

/** A run's config for tests. */
export function someConfig(changes: Partial<RunConfig> = {}): RunConfig {
  return {
    format: 1,
    version: "0.1.0",
    model: { name: "tiny", fingerprint: "0123456789abcdef", weights: "f32" },
    promptsHash: "0123456789abcdef",
    dataset: {
      name: "atlas",
      format: "jsonl",
      hash: "0123456789abcdef",
      questions: 2,
      sample: { size: null, order: "first", seed: 42 },
    },
    corpus: { name: "documents", hash: "0123456789abcdef", passages: 3 },
    retriever: { name: "bm25" },
    recipe: { name: "packed" },
    initHash: "0123456789abcdef",
    adapterDtype: "f16",
    augmentation: { augmenter: "rule" },
    merge: { weights: "sum", scale: 1 },
    compat: "none",
    answering: { limit: 3, maxTokens: 32, onMissing: "encode", chainOfThought: false, shots: 0, inFlight: 1 },
    seed: 42,
    methods: [{ id: "prag", options: {}, description: {} }],
    environment: { threads: 2 },
    ...changes,
  };
}

/** A record for tests. */
export function someRecord(changes: Partial<RunRecord> = {}): RunRecord {
  const none = { em: 0, f1: 0, precision: 0, recall: 0 };
  return {
    id: "a",
    questionHash: "0123456789abcdef",
    type: "question",
    method: "prag",
    scores: none,
    lenient: none,
    isPresent: false,
    promptTokens: 20,
    generatedTokens: 4,
    rounds: 1,
    timings: { totalMs: 10, retrievalMs: 1, loadMs: 2, mergeMs: 3, firstTokenMs: 5 },
    retrieved: ["p"],
    adapters: 1,
    fallbacks: 0,
    decisions: 0,
    ...changes,
  };
}
