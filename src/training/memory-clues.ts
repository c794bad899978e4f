import { z } from "zod";
import { Random } from "../base/random.ts";
import { tokensAfter, tokensBefore } from "../memory/frame.ts";
import { answerPrompts } from "../prompts/answer.ts";
import { cluesMessages, memoryFrame } from "../prompts/memory.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { WindowedText } from "./memory-batch.ts";
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

/** An example as tokens: what stands before the assistant's words, and these. */
export interface ClueTokens {
  prompt: number[];
  target: number[];
}

/** The conversation over an example's text, as it is led over a memory. */
export function tokenizeExample(
  tokenizer: Tokenizer,
  example: ClueExample,
  { task, said }: { task: ClueTask; said?: string | undefined },
): ClueTokens {
  const frame = memoryFrame(example.title);
  const messages =
    task === "clues" ? cluesMessages(example.question) : answerPrompts.messages(example.question);
  const words =
    task === "clues"
      ? example.clues.join("\n")
      : answerPrompts.target({ question: example.question, answer: example.answers[0]! });
  const end = tokenizer.endOfTurnId;
  return {
    prompt: [
      ...tokensBefore(tokenizer, frame),
      ...tokenizer.tokenize(example.text),
      ...tokensAfter(tokenizer, frame, messages),
    ],
    target: [...tokenizer.tokenize(said ?? words), ...(end === undefined ? [] : [end])],
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

/** Clue examples for supervised fine-tuning: each once in every pass, for its clues or its answer as a coin says. */
export function createTuningTexts(
  tokenizer: Tokenizer,
  examples: readonly ClueExample[],
  {
    window,
    ratios,
    batch,
    maxTokens,
    seed,
  }: { window: number; ratios: readonly number[]; batch: number; maxTokens: number; seed: number },
): { count: number; textsOf(update: number): WindowedText[] } {
  const random = new Random(`tuning/${seed}`);
  const order = random.shuffle(examples);
  return {
    count: examples.length,
    textsOf: (update) =>
      Array.from({ length: batch }, (_, i): WindowedText => {
        const index = update * batch + i;
        const drawn = random.fork(`example ${index}`);
        const example = order[index % order.length]!;
        const task: ClueTask = drawn.next() < 0.5 ? "clues" : "answer";
        const tokens = tokenizeExample(tokenizer, example, { task });
        const ratio = ratios[drawn.int(ratios.length)]!;
        const isTooLong = tokens.prompt.length + tokens.target.length > maxTokens;
        return windowExample(tokens, { window, ratio, weight: isTooLong ? 0 : 1 / batch });
      }).filter(({ weights }) => weights.some((weight) => weight !== 0)),
  };
}
