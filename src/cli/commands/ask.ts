import type { Command } from "commander";
import { z } from "zod";
import type { Answer } from "../../engine/answer.ts";
import { ask } from "../../engine/ask.ts";
import { choices, type EngineSettings } from "../../engine/config.ts";
import { methodNames, onMissingChoices, usesAdapters } from "../../engine/create-method.ts";
import type { HistoryTurn } from "../../methods/method.ts";
import { describeTrace } from "../describe-trace.ts";
import { count } from "../format.ts";
import {
  addExamples,
  choiceOption,
  decimalNumber,
  jsonObject,
  readOptions,
  refuseIdle,
  wholeNumber,
} from "../options.ts";
import { type CommandContext, type Shell, type Speech, withEngine } from "../shell.ts";
import { printable } from "../terminal.ts";

const schema = z.object({
  method: z.string().optional(),
  cot: z.boolean().optional(),
  shots: z.number().optional(),
  methodOptions: z.record(z.string(), z.unknown()).optional(),
  memory: z.string().optional(),
  memoryModel: z.string().optional(),
  answerModel: z.string().optional(),
  trace: z.boolean().default(false),
  limit: z.number().optional(),
  retriever: z.enum(choices.retriever).optional(),
  onMissing: z.enum(onMissingChoices).optional(),
  mergeWeights: z.enum(choices.mergeWeights).optional(),
  mergeScale: z.number().optional(),
  maxTokens: z.number().optional(),
  temperature: z.number().optional(),
  topK: z.number().optional(),
  topP: z.number().optional(),
  seed: z.number().optional(),
  shuffleAdapters: z.union([z.boolean(), z.number()]).optional(),
});
type AskCommandOptions = z.infer<typeof schema>;

/** `prag ask`: one question, one answer. */
export function addAsk(program: Command, shell: Shell): void {
  const command = program
    .command("ask")
    .description("Answer a question from the collection: retrieve passages, merge their adapters, generate.")
    .argument("<question>", "the question");
  addAnswerOptions(command).action(async (question: string, _options: unknown, self: Command) => {
    const options = readAnswerOptions(self);
    await withEngine(shell, { command: self, settings: answerSettings(options) }, async (context) => {
      const answer = await answerAloud(context, question, options);
      if (context.json) context.print(answerJson(answer, options), () => []);
    });
  });
  addExamples(command, [
    'prag ask "Where was Aldous Dunmarch born?"',
    'prag ask "Who wrote it?" --method combine --limit 5 --json',
    'prag ask "Who is older, A or B?" --method flare-token --cot --shots 2 --trace',
    `prag ask "Who wrote it?" --method flare --method-options '{"theta":0.6}'`,
    'prag ask "Who is the captain?" --memory book',
    'prag ask "Who is the captain?" --method full-context --memory book',
  ]);
}

/** The options that say how to answer; `ask` and `chat` share them. */
export function addAnswerOptions(command: Command): Command {
  return command
    .addOption(
      choiceOption("--method <name>", "how to answer (default: prag, with --memory memorag)", [
        ...methodNames,
        "memorag",
      ]),
    )
    .option("--cot", "reason step by step, then answer")
    .option("--shots <count>", "worked examples in the prompt (default: 0)", wholeNumber)
    .option("--method-options <json>", "numbers of the one method, as '{\"theta\":0.6}'", jsonObject)
    .option("--memory <name>", 'answer from this remembered text alone ("prag memory list")')
    .option("--memory-model <folder>", "with memorag: memory weights (default: those of the model)")
    .option(
      "--answer-model <model>",
      "with --memory: another model answers; --model recalls (default: the same)",
    )
    .option("--trace", "tell every retrieval and decision of the method, on standard error")
    .option("--limit <count>", "passages to retrieve (default: 3)", wholeNumber)
    .addOption(
      choiceOption(
        "--retriever <name>",
        "find passages by words, by vectors, or by both; the last two need an embedder in the settings (default: bm25)",
        choices.retriever,
      ),
    )
    .addOption(
      choiceOption("--on-missing <what>", "passages without an adapter (default: context)", onMissingChoices),
    )
    .addOption(
      choiceOption(
        "--merge-weights <how>",
        "how adapters are weighted (default: the model's preset, else sum)",
        choices.mergeWeights,
      ),
    )
    .option(
      "--merge-scale <factor>",
      "multiplies every weight (default: the model's preset, else 1)",
      decimalNumber,
    )
    .option(
      "--max-tokens <count>",
      "tokens of the answer, at most (default: 32, with --cot 128)",
      wholeNumber,
    )
    .option("--temperature <number>", "0 takes the likeliest token (default: 0)", decimalNumber)
    .option("--top-k <count>", "choose among this many tokens (default: all)", wholeNumber)
    .option("--top-p <share>", "choose among tokens of this probability together (default: 1)", decimalNumber)
    .option("--seed <number>", "of the choice (default: 0)", wholeNumber)
    .option("--shuffle-adapters [seed]", "a control: give every passage the adapter of another", wholeNumber);
}

/** Reads the options of `addAnswerOptions`. */
export function readAnswerOptions(command: Command): AskCommandOptions {
  const options = readOptions(command, schema);
  if (options.memory === undefined)
    refuseIdle(
      options,
      ["answerModel", "memoryModel"],
      "is for answers from a memory; name it with --memory",
    );
  return options;
}

/** Those of them that are settings of the engine. */
export function answerSettings({
  limit,
  retriever,
  maxTokens,
  mergeWeights,
  mergeScale,
  memoryModel,
  answerModel,
}: AskCommandOptions): EngineSettings {
  return {
    limit,
    retriever,
    maxTokens,
    memoryModel,
    answerModel,
    merge: { weights: mergeWeights, scale: mergeScale },
  };
}

/** An answer as `--json` prints it: with the method's steps, and the rounds of its sources, only where a trace is wanted. */
export function answerJson(
  { answer, sources, trace, usage, latencyMs }: Answer,
  options: { trace: boolean },
) {
  if (options.trace) return { answer, sources, trace, usage, latencyMs };
  return { answer, sources: sources.map(({ rounds: _, ...source }) => source), usage, latencyMs };
}

/** Answers; for people the text is written as it comes, then where it comes from. */
export async function answerAloud(
  context: CommandContext,
  question: string,
  options: AskCommandOptions & {
    history?: HistoryTurn[];
    signal?: AbortSignal;
  },
): Promise<Answer> {
  const { terminal, json } = context;
  const { temperature, topK, topP, seed, shuffleAdapters, history } = options;
  const { onMissing, cot, shots, methodOptions } = options;
  const method = options.method ?? (options.memory === undefined ? context.parts.config.method : "memorag");
  let isBegun = false;
  const answer = await ask(context.parts, question, {
    method,
    onMissing,
    cot,
    shots,
    methodOptions,
    memory: options.memory,
    shuffleAdapters: typeof shuffleAdapters === "boolean" ? 1 : shuffleAdapters,
    sampling: { temperature, topK, topP, seed },
    history,
    signal: options.signal ?? context.signal,
    onText(text) {
      if (json) return;
      context.clearBar();
      const shown = printable(text);
      terminal.write(isBegun ? shown : shown.trimStart());
      isBegun ||= shown.trim() !== "";
    },
  });
  if (!json) {
    terminal.print("");
    for (const line of describeSources(answer, context)) terminal.print(line);
    noteMissing(answer, { method, context, isMemory: options.memory !== undefined });
  }
  if (options.trace) for (const line of describeTrace(answer)) context.terminal.note(line);
  return answer;
}

function describeSources({ sources }: Answer, { terminal }: Speech): string[] {
  const isIterative = sources.some(({ rounds }) => rounds.length > 1 || rounds[0] !== 1);
  return sources.map(({ title, score, usedAs, rounds }, i) => {
    const round = isIterative ? `, round ${rounds.join(" and ")}` : "";
    const how = `score ${score.toPrecision(3)}, used as ${usedAs}${round}`;
    return terminal.style("dim", `  [${i + 1}] ${printable(title)} (${how})`);
  });
}

function noteMissing(
  { sources }: Answer,
  { method, context, isMemory }: { method: string; context: CommandContext; isMemory: boolean },
): void {
  if (!usesAdapters(method)) return;
  const missing = sources.filter(({ adapter }) => adapter === null);
  if (missing.length)
    context.note(
      `${count(missing.length, "passage")} of ${sources.length} had no adapter for this model and recipe; "prag encode" makes them${isMemory ? ', once "prag ingest" has taken the text into the collection' : ""}`,
    );
}
