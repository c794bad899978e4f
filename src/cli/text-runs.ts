import { join } from "node:path";
import { isFile, writeAtomic } from "../base/files.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { streamSummary } from "../engine/ask.ts";
import type { MemoragChoice } from "../engine/create-memorag.ts";
import { dataFolder } from "../engine/data-folder.ts";
import { memorize, readText } from "../engine/memorize.ts";
import { findMemory, removeMemory } from "../engine/memory-folder.ts";
import type { EngineParts } from "../engine/parts.ts";
import { createTextMethod, describeTextMethod } from "../engine/text-method.ts";
import { summaryQuestion } from "../evaluation/longbench.ts";
import type { Question } from "../evaluation/questions.ts";
import type { Method } from "../methods/method.ts";
import { nameOf } from "./describe-run.ts";
import type { EvalMethod, TextOpener } from "./run-eval.ts";

/** How texts of an evaluation are remembered. */
export interface TextRuns {
  ratio: number;
  signal?: AbortSignal | undefined;
}

/**
 * Methods over the text that each question is about. A variant names what is changed: `standard-rag:dense` retrieves by vectors,
 * `memorag:lite` recalls from notes. Memories lie below the data folder, one at a time: that of the text before is deleted.
 */
export function openTexts({ ratio, signal }: TextRuns): TextOpener {
  return {
    open(parts, method) {
      const own = partsOf(parts, method);
      let last: string | undefined;
      return async (question) => {
        if (nameOf(method.id) !== "memorag") {
          const { base, file } = await writeText(own, question);
          const { passages: text } = await readText(own, [file], { base, signal });
          return createTextMethod(own, nameOf(method.id), { ...method.options, text });
        }
        const memory = await remembered(own, question, { lite: method.id.endsWith(":lite"), ratio, signal });
        if (last !== undefined && last !== memory) await removeMemory(own.folder, last);
        last = memory;
        const choice = { ...method.options, memory };
        return question.question === summaryQuestion
          ? summaryMethod(own, choice)
          : createTextMethod(own, "memorag", choice);
      };
    },
    async describe(parts, method) {
      const { id, options } = method;
      const described = await describeTextMethod(partsOf(parts, method), nameOf(id), options);
      if (nameOf(id) !== "memorag") return described;
      if (id.endsWith(":lite")) return { ...described, memory: "notes" };
      const { memoryModel } = (await parts.memorySession()).identity;
      return { ...described, memory: { ratio, ...memoryModel } };
    },
  };
}

/** Parts with a folder of their own for memories, and the variant's retriever. */
function partsOf(parts: EngineParts, { id }: EvalMethod): EngineParts {
  const config = id.endsWith(":dense") ? { ...parts.config, retriever: "dense" as const } : parts.config;
  return { ...parts, config, folder: dataFolder(join(parts.config.dataFolder, "eval", "texts"), "default") };
}

/** Writes the text of a question, once, where it can be read from. */
async function writeText(
  { folder }: EngineParts,
  { paragraphs: [paragraph] }: Question,
): Promise<{ base: string; file: string; name: string }> {
  const { title, text } = paragraph ?? { title: "", text: "" };
  const row = { title: title || "Text", text };
  const name = sha256(canonicalJson(row)).slice(0, 16);
  const file = `${name}.jsonl`;
  const base = join(folder.path, "read");
  if (!(await isFile(join(base, file)))) await writeAtomic(join(base, file), `${JSON.stringify(row)}\n`);
  return { base, file, name };
}

/** Memorizes the text of a question, or goes on with it; returns the memory's name. */
async function remembered(
  parts: EngineParts,
  question: Question,
  { lite, ratio, signal }: TextRuns & { lite: boolean },
): Promise<string> {
  const { base, file, name } = await writeText(parts, question);
  const { maxWords, overlapWords } = parts.config.ingest;
  const weights = lite ? "" : (await parts.memorySession()).identity.memoryModel.fingerprint;
  const made = { model: (await parts.model()).fingerprint, weights, ratio, maxWords, overlapWords };
  const memory = `${name}-${sha256(canonicalJson(made)).slice(0, 8)}`;
  if (!(await findMemory(parts.folder, memory)))
    await memorize(parts, [file], { base, name: memory, ...(lite ? { lite } : { ratio }), signal });
  return memory;
}

/** MemoRAG's summary mode as a method. */
function summaryMethod(parts: EngineParts, choice: MemoragChoice): Method {
  return {
    name: "memorag",
    answer: (_question, options = {}) => streamSummary(parts, { ...choice, ...options }),
  };
}
