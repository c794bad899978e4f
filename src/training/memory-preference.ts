import { z } from "zod";
import { Random } from "../base/random.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import {
  type ClueExample,
  fittingRatios,
  type SaidClues,
  tokenizeExample,
  windowExample,
} from "./memory-clues.ts";
import type { MemoryTrainer, MemoryValues } from "./memory-trainer.ts";
import type { UpdateTexts } from "./memory-training.ts";

/** Clues that were sampled for an example, each with the quality of the answer that they led to. */
export const sampledCluesSchema = z.object({
  /** Number of the example. */
  example: z.int().nonnegative(),
  samples: z.array(
    z.object({
      clues: z.string(),
      /** The model ended them by itself: one that was cut off is not taught as finished. */
      isEnded: z.boolean(),
      reward: z.number(),
    }),
  ),
});
export type SampledClues = z.infer<typeof sampledCluesSchema>;

/** A better and a worse text of clues for one example. */
export interface CluePair {
  example: ClueExample;
  better: SaidClues;
  worse: SaidClues;
}

/** The best and the worst of each example's clues, where their rewards differ. */
export function choosePairs(examples: readonly ClueExample[], sampled: readonly SampledClues[]): CluePair[] {
  return sampled.flatMap(({ example: index, samples }) => {
    const example = examples[index];
    const sorted = samples.filter(({ clues }) => clues.trim() !== "").sort((a, b) => b.reward - a.reward);
    const [best, worst] = [sorted[0], sorted.at(-1)];
    if (!example || !best || !worst || best.reward === worst.reward) return [];
    return [{ example, better: best, worse: worst }];
  });
}

/** Mean reward of all samples. */
export function meanReward(sampled: readonly SampledClues[]): number {
  const rewards = sampled.flatMap(({ samples }) => samples.map(({ reward }) => reward));
  return rewards.reduce((a, b) => a + b, 0) / Math.max(1, rewards.length);
}

/**
 * Texts whose weighted log-likelihood has the gradient of the pairwise preference loss, with that loss:
 * −log σ(β (Δ better − Δ worse)), where Δ is how much likelier the words are now than under the reference weights
 * (Rafailov et al. 2023).
 */
export function createPreferenceTexts(
  {
    trainer,
    tokenizer,
    reference,
  }: { trainer: MemoryTrainer; tokenizer: Tokenizer; reference: MemoryValues },
  pairs: readonly CluePair[],
  {
    window,
    ratios,
    batch,
    positions,
    beta,
    seed,
  }: {
    window: number;
    ratios: readonly number[];
    batch: number;
    positions: number;
    beta: number;
    seed: number;
  },
): { count: number; left: number; textsOf(update: number, values: MemoryValues): Promise<UpdateTexts> } {
  const random = new Random(`preference/${seed}`);
  /** Both texts of a pair, and the ratios at which they fit into the positions. */
  const prepare = ({ example, better, worse }: CluePair) => {
    const sides = [better, worse].map((said) => tokenizeExample(tokenizer, example, { task: "clues", said }));
    const longest = sides.reduce((a, b) => (b.target.length > a.target.length ? b : a));
    return { sides, fitting: fittingRatios(longest, { window, ratios, positions }) };
  };
  const usable = pairs.filter((pair) => prepare(pair).fitting.length > 0);
  const order = random.shuffle(usable);
  return {
    count: usable.length,
    left: pairs.length - usable.length,
    async textsOf(update, values) {
      const texts = Array.from({ length: batch }, (_, i) => {
        const index = update * batch + i;
        const { sides, fitting } = prepare(order[index % order.length]!);
        const ratio = fitting[random.fork(`pair ${index}`).int(fitting.length)]!;
        return sides.map((tokens) => windowExample(tokens, { window, ratio, weight: tokens.target.length }));
      }).flat();
      const now = await trainer.score(texts, values);
      const before = await trainer.score(texts, reference);
      const marginOf = (pair: number) =>
        now[2 * pair]! - before[2 * pair]! - (now[2 * pair + 1]! - before[2 * pair + 1]!);
      const margins = Array.from({ length: batch }, (_, pair) => marginOf(pair));
      const weighted = texts.map((text, i) => {
        const margin = margins[Math.floor(i / 2)]!;
        const force = (beta / (1 + Math.exp(beta * margin)) / batch) * (i % 2 === 0 ? 1 : -1);
        return { ...text, weights: text.weights.map((weight) => (weight === 0 ? 0 : force)) };
      });
      const loss = margins.reduce((sum, margin) => sum + Math.log1p(Math.exp(-beta * margin)) / batch, 0);
      return { texts: weighted, loss };
    },
  };
}
