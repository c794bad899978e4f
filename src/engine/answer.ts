import type { MethodEvent, PassageUse } from "../methods/method.ts";
import { extractAnswerLeniently } from "../text/normalise.ts";

/** A passage that took part in an answer. */
export interface Source {
  /** Id of the passage. */
  passage: string;
  title: string;
  score: number;
  usedAs: PassageUse;
  /** Key of the adapter that was merged. */
  adapter: string | null;
}

/** An answer with where it comes from. */
export interface Answer {
  answer: string;
  /** Best first. */
  sources: Source[];
  usage: { promptTokens: number; generatedTokens: number };
  latencyMs: number;
}

/** Folds what a method says into its answer; `onText` gets the text as it comes. */
export async function collectAnswer(
  events: AsyncIterable<MethodEvent>,
  { onText }: { onText?: ((text: string) => void) | undefined } = {},
): Promise<Answer> {
  const sources = new Map<string, Source>();
  for await (const event of events) {
    switch (event.type) {
      case "retrieval":
        for (const { passage, score } of event.hits)
          sources.set(passage.id, {
            passage: passage.id,
            title: passage.title,
            score,
            usedAs: "skipped",
            adapter: null,
          });
        break;
      case "adapter": {
        const source = sources.get(event.passageId);
        if (source)
          sources.set(event.passageId, { ...source, usedAs: event.usedAs, adapter: event.key ?? null });
        break;
      }
      case "text-delta":
        onText?.(event.text);
        break;
      case "end":
        return {
          answer: extractAnswerLeniently(event.text) || event.text.trim(),
          sources: [...sources.values()],
          usage: event.usage,
          latencyMs: event.timings.totalMs,
        };
    }
  }
  throw new Error("internal: a method ended without an end");
}
