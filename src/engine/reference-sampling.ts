import { join } from "node:path";
import { z } from "zod";
import { readJsonIfPresent } from "../base/files.ts";
import type { GenerationRequest, Generator } from "../generation/generator.ts";

const generationConfig = z.looseObject({ repetition_penalty: z.number().positive().max(100).optional() });

/**
 * The repetition penalty of the model's own `generation_config.json`. The paper's code decodes greedily and leaves the rest of
 * that file in force, so that Qwen2.5-1.5B-Instruct answers with 1.1; everything here states its sampling, and takes 1.
 */
export async function ownRepetitionPenalty(modelFolder: string): Promise<number> {
  const found = await readJsonIfPresent(join(modelFolder, "generation_config.json"), generationConfig);
  return found?.repetition_penalty ?? 1;
}

/** The generator with this penalty wherever a request says nothing of it. */
export function withRepetitionPenalty(generator: Generator, repetitionPenalty: number): Generator {
  if (repetitionPenalty === 1) return generator;
  const own = (request: GenerationRequest): GenerationRequest => ({
    ...request,
    sampling: {
      ...request.sampling,
      repetitionPenalty: request.sampling?.repetitionPenalty ?? repetitionPenalty,
    },
  });
  return {
    model: generator.model,
    contextLength: generator.contextLength,
    countPromptTokens: (request) => generator.countPromptTokens(request),
    generate: (request, options) => generator.generate(own(request), options),
    generateBatch: (requests, options) => generator.generateBatch(requests.map(own), options),
    score: (request, options) => generator.score(request, options),
    attention: (request, options) => generator.attention(request, options),
  };
}
