import { ConfigError } from "../base/errors.ts";
import type { AnswerPrompts } from "../prompts/answer.ts";
import { createAnswerPrompts } from "../prompts/reasoning.ts";
import { createContextPrompts, createReasoningPrompts, directPrompts } from "../prompts/reference.ts";
import { shortExamples, type WorkedExample, workedExamples } from "../prompts/worked-examples.ts";
import type { EngineConfig } from "./config.ts";
import type { EngineParts } from "./parts.ts";

/** What decides how a question is put. */
export interface PromptChoice {
  compat: EngineConfig["compat"];
  cot: boolean;
  /** Worked examples; where absent none, or all with `compat` and `cot`. */
  shots: number | undefined;
  examples: "full" | "short";
  /** The method retrieves while it answers. */
  iterates: boolean;
}

/** The prompts for a question, with the number of their worked examples. */
export function choosePrompts({ compat, cot, shots, examples, iterates }: PromptChoice): {
  prompts: AnswerPrompts;
  shots: number;
} {
  const known = examples === "short" ? shortExamples : workedExamples;
  if (compat === "none") {
    const shown = firstOf(known, shots ?? 0);
    return { prompts: createAnswerPrompts({ chainOfThought: cot, examples: shown }), shots: shown.length };
  }
  if (!cot) {
    if (shots)
      throw new ConfigError(
        `the paper's code shows no worked examples without a chain of thought, but ${shots} are asked for; add cot, or leave compat or shots out`,
      );
    return { prompts: directPrompts, shots: 0 };
  }
  const shown = firstOf(known, shots ?? known.length);
  return { prompts: (iterates ? createContextPrompts : createReasoningPrompts)(shown), shots: shown.length };
}

/** The prompts of a call: what it says, else the settings, else the model's preset. */
export async function promptsOf(
  { config, answerPreset }: Pick<EngineParts, "config" | "answerPreset">,
  { cot, shots }: { cot?: boolean | undefined; shots?: number | undefined },
  { compat, iterates }: Pick<PromptChoice, "compat" | "iterates">,
) {
  const { examples = "full" } = await answerPreset();
  return choosePrompts({ compat, cot: cot ?? config.cot, shots: shots ?? config.shots, examples, iterates });
}

function firstOf(known: readonly WorkedExample[], shots: number): readonly WorkedExample[] {
  if (shots > known.length)
    throw new ConfigError(`there are ${known.length} worked examples for this model, but shots is ${shots}`);
  return known.slice(0, shots);
}
