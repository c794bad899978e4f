import { rm } from "node:fs/promises";
import { z } from "zod";
import { ConfigError } from "../base/errors.ts";
import { readJsonIfPresent, writeJson } from "../base/files.ts";
import { openJsonl, readJsonl } from "../base/jsonl.ts";
import { chunk } from "../corpus/chunk.ts";
import type { Passage } from "../corpus/corpus.ts";
import { tokensBefore } from "../memory/frame.ts";
import { remember } from "../memory/remember.ts";
import { linesOf } from "../methods/recollection.ts";
import { answerPrompts } from "../prompts/answer.ts";
import { cluesMessages, memoryFrame } from "../prompts/memory.ts";
import { bm25Retriever } from "../retrieval/bm25.ts";
import { buildBm25Index } from "../retrieval/bm25-index.ts";
import { extractAnswer } from "../text/normalise.ts";
import { rougeL } from "../text/rouge.ts";
import { scoreAnswer } from "../text/scores.ts";
import type { ClueExample } from "../training/memory-clues.ts";
import { type SampledClues, sampledCluesSchema } from "../training/memory-preference.ts";
import type { EngineParts } from "./parts.ts";

/** How the answer that clues led to is judged. */
export const rewardNames = ["f1", "rouge-l"] as const;
export type RewardName = (typeof rewardNames)[number];

const rewards: Record<RewardName, (answer: string, truths: readonly string[]) => number> = {
  f1: (answer, truths) => scoreAnswer(answer, truths).f1,
  "rouge-l": (answer, truths) => Math.max(0, ...truths.map((truth) => rougeL(answer, truth))),
};

/** How clues are sampled. */
export interface SamplingRequest {
  /** The memory model that samples; the settings must name it too. */
  from: string;
  ratio: number;
  samples?: number | undefined;
  reward?: RewardName | undefined;
  seed?: number | undefined;
  /** Where samples go; rows of an earlier call over the same examples are kept. */
  path: string;
  /** What the examples are known by. */
  content: string;
  signal?: AbortSignal | undefined;
}

const clueTokens = 48;
const temperature = 0.9;
/** Words of the passages that clues must find, and how many each line finds. */
const passageWords = 30;
const hitsOfALine = 1;

/** Samples clues from memories of the examples' texts, and rewards each by the answer that it leads to. */
export async function sampleClues(
  parts: EngineParts,
  examples: readonly ClueExample[],
  request: SamplingRequest,
): Promise<SampledClues[]> {
  const { samples = 4, reward = "f1", seed = 1, path, content, from, ratio, signal } = request;
  if (parts.config.memoryModel !== from)
    throw new ConfigError(
      `clues are sampled by ${from}; name it as the memory model too (--memory-model ${from})`,
    );
  const { fingerprint } = (await parts.memorySession()).identity.memoryModel;
  const identity = JSON.stringify({ content, fingerprint, samples, reward, seed, ratio });
  const known = await readJsonIfPresent(`${path}.json`, z.object({ identity: z.string() }));
  if (known?.identity !== identity) {
    await rm(path, { force: true });
    await writeJson(`${path}.json`, { identity });
  }
  const done = await readJsonl(path, sampledCluesSchema);
  const writer = await openJsonl(path);
  try {
    for (let example = done.length; example < examples.length; example++) {
      signal?.throwIfAborted();
      const sampled = await sampleExample(parts, examples[example]!, {
        samples,
        reward,
        seed,
        ratio,
        signal,
      });
      const row = { example, samples: sampled };
      await writer.append(row);
      done.push(row);
      parts.progress({ task: "sample clues", done: example + 1, total: examples.length });
    }
  } finally {
    await writer.close();
  }
  return done;
}

async function sampleExample(
  parts: EngineParts,
  example: ClueExample,
  {
    samples,
    reward,
    seed,
    ratio,
    signal,
  }: { samples: number; reward: RewardName; seed: number; ratio: number; signal: AbortSignal | undefined },
): Promise<SampledClues["samples"]> {
  const { tokenizer, config } = await parts.model();
  const session = await parts.memorySession();
  const generator = await parts.generator();
  const frame = memoryFrame(example.title);
  const ids = [...tokensBefore(tokenizer, frame), ...tokenizer.tokenize(example.text)];
  const memory = await remember(session, config, { ids, ratio, frame });
  const requests = Array.from({ length: samples }, (_, i) => ({
    memory,
    messages: cluesMessages(example.question),
    maxTokens: clueTokens,
    sampling: { temperature, seed: seed * 1000 + i },
  }));
  const generations = await generator.generateBatch(requests, { signal });
  const sampled = generations.map(({ text }) => text.trim());
  const passages = cut(example);
  const retriever = bm25Retriever({
    index: buildBm25Index(passages),
    passages: (ordinal) => passages[ordinal]!,
  });
  const prompts = await Promise.all(
    sampled.map(async (clues) => {
      const found = new Map<number, Passage>();
      for (const line of linesOf(clues))
        for (const { passage } of await retriever.retrieve(line, hitsOfALine))
          found.set(passage.position, passage);
      const shown = [...found.values()].sort((a, b) => a.position - b.position);
      const messages = answerPrompts.messages(example.question, { passages: shown });
      return { messages, prefix: answerPrompts.prefix, maxTokens: answerPrompts.maxTokens };
    }),
  );
  const answers = await generator.generateBatch(prompts, { signal });
  return sampled.map((clues, i) => ({
    clues,
    isEnded: generations[i]?.finishReason === "stop",
    reward: rewards[reward](extractAnswer(answers[i]?.text ?? "", answerPrompts), example.answers),
  }));
}

function cut({ title, text }: ClueExample): Passage[] {
  return chunk(text, { maxWords: passageWords }).map((part, position) => ({
    id: String(position),
    documentId: "text",
    title,
    text: part,
    position,
  }));
}
