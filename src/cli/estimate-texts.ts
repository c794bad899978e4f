import { tokenizeParagraphs } from "../engine/memorize.ts";
import type { Question } from "../evaluation/questions.ts";
import type { RunEstimate } from "./estimate-reproduce.ts";
import type { EvalPlan } from "./plan-eval.ts";
import type { ReproduceRun } from "./reproduce-plan.ts";
import type { CommandContext } from "./shell.ts";
import { openTexts } from "./text-runs.ts";

/** Characters of the text that is timed. */
const timedCharacters = 6000;

/** Says what a run over texts would do and cost: every method answers one question over the beginning of its text. */
export async function estimateTexts(
  { parts, signal }: CommandContext,
  { name, methods, memoryRatio: ratio = 8 }: ReproduceRun,
  { questions }: EvalPlan,
): Promise<RunEstimate> {
  const { tokenizer } = await parts.model();
  const texts = [...new Set(questions.flatMap(({ paragraphs }) => paragraphs.map(({ text }) => text)))];
  const tokens = texts.reduce((sum, text) => sum + tokenizeParagraphs(tokenizer, text).length, 0);
  const estimate = { name, questions: questions.length, methods: methods.map(({ id }) => id) };
  const question = shortened(questions[0]!);
  const timedTokens = tokenizeParagraphs(tokenizer, question.paragraphs[0]!.text).length;
  let [encodeSeconds, answerSeconds] = [0, 0];
  const opener = openTexts({ ratio, signal });
  for (const method of methods) {
    const methodOf = opener.open(parts, method);
    const openedMs = parts.clock();
    const own = await methodOf(question);
    const startedMs = parts.clock();
    for await (const _event of own.answer(question.question, { maxTokens: parts.config.maxTokens, signal }));
    encodeSeconds += (((startedMs - openedMs) / 1000) * tokens) / timedTokens;
    answerSeconds += ((parts.clock() - startedMs) / 1000) * questions.length;
  }
  return {
    ...estimate,
    answers: questions.length * methods.length,
    passages: 0,
    isExact: true,
    toEncode: 0,
    encodeSeconds,
    answerSeconds,
    texts: { count: texts.length, tokens },
  };
}

function shortened({ paragraphs: [paragraph], ...question }: Question): Question {
  const { title, text } = paragraph ?? { title: "", text: "" };
  return { ...question, paragraphs: [{ title, text: text.slice(0, timedCharacters) }] };
}
