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
  /** In which retrievals it was found, counted from 1. */
  rounds: number[];
}

/** What a method did on the way to its answer: it retrieved, decided, or said something that stays. */
export type TraceStep =
  | { step: "retrieval"; round: number; query: string; passages: string[] }
  | { step: "decision"; round: number; reason: string; numbers: Record<string, number> }
  | { step: "text"; text: string };

/** An answer with where it comes from. */
export interface Answer {
  answer: string;
  /** In the order in which they were found, of each retrieval best first. */
  sources: Source[];
  trace: TraceStep[];
  usage: { promptTokens: number; generatedTokens: number };
  latencyMs: number;
}

/** Folds what a method says into its answer; `onText` gets the text as it comes. */
export async function collectAnswer(
  events: AsyncIterable<MethodEvent>,
  { onText }: { onText?: ((text: string) => void) | undefined } = {},
): Promise<Answer> {
  const sources = new Map<string, Source>();
  const trace: TraceStep[] = [];
  for await (const event of events) {
    addStep(trace, event);
    switch (event.type) {
      case "retrieval":
        for (const { passage, score } of event.hits)
          sources.set(passage.id, {
            passage: passage.id,
            title: passage.title,
            score,
            usedAs: "skipped",
            adapter: null,
            rounds: [...(sources.get(passage.id)?.rounds ?? []), event.round],
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
          answer: extractAnswerLeniently(event.text, event) || event.text.trim(),
          sources: [...sources.values()],
          trace,
          usage: event.usage,
          latencyMs: event.timings.totalMs,
        };
    }
  }
  throw new Error("internal: a method ended without an end");
}

/** Pieces of text one after another are one step. */
function addStep(trace: TraceStep[], event: MethodEvent): void {
  const last = trace.at(-1);
  if (event.type === "retrieval") {
    const passages = event.hits.map((hit) => hit.passage.title);
    trace.push({ step: "retrieval", round: event.round, query: event.query, passages });
  } else if (event.type === "decision") {
    trace.push({ step: "decision", round: event.round, reason: event.reason, numbers: event.numbers });
  } else if (event.type === "text-delta") {
    if (last?.step === "text") last.text += event.text;
    else trace.push({ step: "text", text: event.text });
  }
}
