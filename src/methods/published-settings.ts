import { ConfigError } from "../base/errors.ts";

/** What DRAGIN's authors used for one model on one dataset. */
export interface PublishedSettings {
  model: string;
  dataset: string;
  dragin: { threshold: number; keepWords: number };
  flareToken: { threshold: number };
  /** Tokens of a draft and of the answer. */
  maxTokens: number;
  shots: number;
}

/** Tokens and worked examples belong to the dataset. */
const datasets = {
  "2wikimultihopqa": { maxTokens: 64, shots: 6 },
  hotpotqa: { maxTokens: 100, shots: 8 },
  iirc: { maxTokens: 128, shots: 8 },
  strategyqa: { maxTokens: 100, shots: 6 },
} as const;

/** Model: dataset: threshold and words of DRAGIN, threshold of FLARE by tokens. All retrieve 3 passages. */
const published: Record<string, Record<keyof typeof datasets, readonly [number, number, number]>> = {
  "llama2-13b-chat": {
    "2wikimultihopqa": [0.8, 25, 0.08],
    hotpotqa: [1.2, 35, 0.1],
    iirc: [1, 25, 0.1],
    strategyqa: [1.3, 25, 0.06],
  },
  "llama2-7b-chat": {
    "2wikimultihopqa": [1, 25, 0.1],
    hotpotqa: [0.8, 35, 0.08],
    iirc: [0.6, 35, 0.08],
    strategyqa: [0.75, 35, 0.1],
  },
  "vicuna-13b-v1.5": {
    "2wikimultihopqa": [1.2, 25, 0.1],
    hotpotqa: [1.2, 35, 0.1],
    iirc: [1.3, 35, 0.4],
    strategyqa: [1.5, 25, 0.1],
  },
};

/** The settings of DRAGIN's repository. Those of the paper's own models (Llama 3, Qwen 2.5) are not published. */
export const publishedSettings: readonly PublishedSettings[] = Object.entries(published).flatMap(
  ([model, rows]) =>
    Object.entries(rows).map(([dataset, [threshold, keepWords, flareThreshold]]) => {
      const shared = Object.entries(datasets).find(([name]) => name === dataset)![1];
      const flareToken = { threshold: flareThreshold };
      return { model, dataset, dragin: { threshold, keepWords }, flareToken, ...shared };
    }),
);

/** Replaces an option `preset`, as "llama2-7b-chat/hotpotqa", by its numbers; numbers beside it win. */
export function expandPublished(
  method: "dragin" | "flareToken",
  { preset, ...options }: Record<string, unknown>,
): Record<string, unknown> {
  if (preset === undefined) return options;
  const row = publishedSettings.find(({ model, dataset }) => `${model}/${dataset}` === preset);
  if (row) return { ...row[method], ...options };
  const known = publishedSettings.map(({ model, dataset }) => `${model}/${dataset}`).join(", ");
  throw new ConfigError(`there is no published preset ${JSON.stringify(preset)}; there are ${known}`);
}
