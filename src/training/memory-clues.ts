import { z } from "zod";
import { Random } from "../base/random.ts";
import { tokensAfter, tokensBefore } from "../memory/frame.ts";
import { answerPrompts } from "../prompts/answer.ts";
import { cluesMessages, memoryFrame } from "../prompts/memory.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import { positionsOf, type WindowedText } from "./memory-batch.ts";
import { cutWindows } from "./memory-pretraining.ts";

/** A question on a text with what in the text helps to answer it: a line of clue data. */
export const clueExampleSchema = z.object({
  title: z.string(),
  text: z.string().min(1),
  question: z.string().min(1),
  /** Lines of the text. */
  clues: z.array(z.string()).min(1),
  answers: z.array(z.string()).min(1),
});
export type ClueExample = z.infer<typeof clueExampleSchema>;

/** What the assistant is to say over the text of an example. */
export type ClueTask = "clues" | "answer";
const clueTasks = ["clues", "answer"] as const satisfies readonly ClueTask[];

/** An example as tokens: what stands before the assistant's words, and these. */
export interface ClueTokens {
  prompt: number[];
  target: number[];
}

/** Clues that a model said. */
export interface SaidClues {
  clues: string;
  /** It ended them by itself. */
  isEnded: boolean;
}

/** The conversation over an example's text, as it is led over a memory. */
export function tokenizeExample(
  tokenizer: Tokenizer,
  example: ClueExample,
  { task, said }: { task: ClueTask; said?: SaidClues | undefined },
): ClueTokens {
  const frame = memoryFrame(example.title);
  const messages =
    task === "clues" ? cluesMessages(example.question) : answerPrompts.messages(example.question);
  const words =
    task === "clues"
      ? example.clues.join("\n")
      : answerPrompts.target({ question: example.question, answer: example.answers[0]! });
  const end = said?.isEnded === false ? undefined : tokenizer.endOfTurnId;
  return {
    prompt: [
      ...tokensBefore(tokenizer, frame),
      ...tokenizer.tokenize(example.text),
      ...tokensAfter(tokenizer, frame, messages),
    ],
    target: [...tokenizer.tokenize(said?.clues ?? words), ...(end === undefined ? [] : [end])],
  };
}

/** A conversation in windows; the assistant's words count, `weight` in all, each alike. */
export function windowExample(
  { prompt, target }: ClueTokens,
  { window, ratio, weight }: { window: number; ratio: number; weight: number },
): WindowedText {
  const windows = cutWindows([...prompt, ...target], window);
  const weights = [
    ...new Array<number>(prompt.length).fill(0),
    ...new Array<number>(target.length).fill(weight / target.length),
  ];
  // The last window has memory tokens too, as it has them when a memory is asked.
  return { windows, ratios: windows.map(() => ratio), weights };
}

/** Of what stands around an example in a conversation, more than any template and instruction has. */
const instructionBytes = 4096;

/** The ratios at which an example's conversation fits into the positions. */
export function fittingRatios(
  tokens: ClueTokens,
  { window, ratios, positions }: { window: number; ratios: readonly number[]; positions: number },
): number[] {
  return ratios.filter(
    (ratio) => positionsOf(windowExample(tokens, { window, ratio, weight: 1 })) <= positions,
  );
}

/**
 * Clue examples for supervised fine-tuning: each once in every pass, for its clues or its answer as a coin says, at one of the
 * ratios with which it fits into the model's positions. Those that fit with none are left out; `left` counts them.
 */
export function createTuningTexts(
  tokenizer: Tokenizer,
  examples: readonly ClueExample[],
  {
    window,
    ratios,
    batch,
    positions,
    seed,
  }: { window: number; ratios: readonly number[]; batch: number; positions: number; seed: number },
): { count: number; left: number; textsOf(update: number): WindowedText[] } {
  const random = new Random(`tuning/${seed}`);
  const fitting = (tokens: ClueTokens) => fittingRatios(tokens, { window, ratios, positions });
  // Tokens are no more than bytes: only an example that might be too long is tokenised to know, for that takes long.
  const most = Math.max(...ratios);
  const certainTokens = (positions - window - window / most) * most;
  const usable = examples.filter(
    (example) =>
      Buffer.byteLength(JSON.stringify(example)) + instructionBytes <= certainTokens ||
      clueTasks.every((task) => fitting(tokenizeExample(tokenizer, example, { task })).length > 0),
  );
  const order = random.shuffle(usable);
  return {
    count: usable.length,
    left: examples.length - usable.length,
    textsOf: (update) =>
      Array.from({ length: batch }, (_, i): WindowedText => {
        const index = update * batch + i;
        const drawn = random.fork(`example ${index}`);
        const example = order[index % order.length]!;
        const task = clueTasks[drawn.next() < 0.5 ? 0 : 1];
        const tokens = tokenizeExample(tokenizer, example, { task });
        const possible = fitting(tokens);
        const ratio = possible[drawn.int(possible.length)]!;
        return windowExample(tokens, { window, ratio, weight: 1 / batch });
      }),
  };
}
