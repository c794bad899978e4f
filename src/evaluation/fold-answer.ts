import { InputError } from "../base/errors.ts";
import type { Passage } from "../corpus/corpus.ts";
import { type AnswerOptions, type Method, type MethodEvent, usesAdapters } from "../methods/method.ts";

/** What a method made of a question. */
export interface FoldedAnswer {
  /** Each passage once, in the order in which they first came. */
  passages: { passage: Passage; score: number }[];
  /** How often it retrieved. */
  retrievals: number;
  /** Passages that took part as adapters. */
  adapters: number;
  /** Passages without an adapter, in a method that wanted one. */
  fallbacks: number;
  decisions: number;
  /** Undefined where the question could not be accepted: then there is an error. */
  end: Extract<MethodEvent, { type: "end" }> | undefined;
  error: InputError | undefined;
}

/**
 * Asks a method and folds what it says. A question that it cannot accept, or that it cannot be opened for, is an `InputError` in the
 * result; others are thrown.
 */
export async function foldAnswer(
  opening: Method | Promise<Method>,
  question: string,
  options: AnswerOptions,
): Promise<FoldedAnswer> {
  const fold = new Fold();
  try {
    const method = await opening;
    const wantsAdapters = usesAdapters(method.name);
    for await (const event of method.answer(question, options)) fold.take(event, wantsAdapters);
    if (!fold.end) throw new Error(`internal: method ${method.name} ended without an "end" event`);
    return fold.result(undefined);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return fold.result(error);
  }
}

class Fold {
  end: FoldedAnswer["end"];
  readonly #passages = new Map<string, { passage: Passage; score: number }>();
  readonly #counts = { retrievals: 0, adapters: 0, fallbacks: 0, decisions: 0 };

  take(event: MethodEvent, wantsAdapters: boolean): void {
    switch (event.type) {
      case "retrieval":
        this.#counts.retrievals++;
        for (const { passage, score } of event.hits) {
          if (!this.#passages.has(passage.id)) this.#passages.set(passage.id, { passage, score });
        }
        break;
      case "adapter":
        if (event.usedAs === "adapter" || event.usedAs === "both") this.#counts.adapters++;
        if (wantsAdapters && event.key === undefined) this.#counts.fallbacks++;
        break;
      case "decision":
        this.#counts.decisions++;
        break;
      case "end":
        this.end = event;
        break;
    }
  }

  result(error: InputError | undefined): FoldedAnswer {
    return { passages: [...this.#passages.values()], ...this.#counts, end: this.end, error };
  }
}
