import type { Generation } from "../generation/generator.ts";
import { answerPrompts, type PromptPassage } from "../prompts/answer.ts";
import type { Hit, Retriever } from "../retrieval/retriever.ts";
import { extractAnswer } from "../text/normalise.ts";
import { type AnsweringParts, defaultLimit } from "./answering.ts";
import { type Draft, draftOf, type Piece } from "./draft.ts";
import type { AnswerOptions, MethodEvent } from "./method.ts";

/** What methods need that retrieve while they answer. */
export interface IterativeParts extends AnsweringParts {
  retriever: Retriever;
}

/** How drafts are made. */
export interface DraftOptions {
  /** Passages in the prompt. */
  passages?: readonly PromptPassage[] | undefined;
  /** Tokens of the draft, at most. */
  maxTokens: number;
  stop?: readonly string[] | undefined;
  /** Stands between what was accepted and the draft, which does not contain it. */
  lead?: string | undefined;
}

/** An answer that grows piece by piece, with what it has cost so far. A piece that was accepted stays. */
export class GrowingAnswer {
  readonly #question: string;
  readonly #options: AnswerOptions;
  readonly #parts: IterativeParts;
  readonly #startedMs: number;
  readonly #usage = { promptTokens: 0, generatedTokens: 0 };
  #text = "";
  #tokens = 0;
  #rounds = 0;
  #retrievalMs = 0;
  #firstTokenMs: number | undefined;

  constructor(question: string, options: AnswerOptions, parts: IterativeParts) {
    this.#question = question;
    this.#options = options;
    this.#parts = parts;
    this.#startedMs = parts.clock();
  }

  /** What was accepted. */
  get text(): string {
    return this.#text;
  }

  /** Tokens of what was accepted. */
  get tokens(): number {
    return this.#tokens;
  }

  get maxTokens(): number {
    return this.#options.maxTokens ?? this.#prompts.maxTokens;
  }

  /** Tokens that may still be accepted. */
  get room(): number {
    return this.maxTokens - this.#tokens;
  }

  /** Retrievals so far. */
  get rounds(): number {
    return this.#rounds;
  }

  /** Whether a chain of thought has come to its answer; undefined where the model does not reason. */
  get hasAnswer(): boolean | undefined {
    return this.#prompts.chainOfThought ? this.#text.includes("the answer is") : undefined;
  }

  get #prompts() {
    return this.#parts.prompts ?? answerPrompts;
  }

  /** The conversation up to what was accepted; `generator.attention` looks at the same. */
  conversation(passages: readonly PromptPassage[] = []) {
    const { history = [] } = this.#options;
    return {
      messages: [...history, ...this.#prompts.messages(this.#question, { passages })],
      prefix: `${this.#prompts.prefix}${this.#text}`,
    };
  }

  /** Generates what may come next. */
  async draft({ passages, maxTokens, stop = [], lead = "" }: DraftOptions): Promise<Draft> {
    const { sampling, stop: asked = [], signal } = this.#options;
    const { messages, prefix } = this.conversation(passages);
    const request = {
      ...{ messages, prefix: `${prefix}${lead}`, maxTokens, sampling },
      ...{ stop: [...stop, ...asked], probabilities: true },
    };
    const tokens = this.#parts.generator.generate(request, { signal });
    let next = await tokens.next();
    while (!next.done) {
      this.#firstTokenMs ??= this.#parts.clock() - this.#startedMs;
      next = await tokens.next();
    }
    const generation: Generation = next.value;
    this.#usage.promptTokens += generation.promptTokens;
    this.#usage.generatedTokens += generation.tokens.length;
    return draftOf(generation);
  }

  /** Makes a piece part of the answer. */
  accept({ text, tokens }: Piece): MethodEvent {
    // What does not grow must not go on: a piece has text, and so at least one token.
    if (text === "" || tokens < 1) throw new Error("internal: a piece without text was accepted");
    this.#text += text;
    this.#tokens += tokens;
    return { type: "text-delta", text };
  }

  /** Retrieves; the events tell it, and that the passages stand in the prompt. */
  async *retrieve(query: string, limit: number | undefined): AsyncGenerator<MethodEvent, Hit[]> {
    const start = this.#parts.clock();
    const hits = await this.#parts.retriever.retrieve(
      query,
      limit ?? this.#options.limit ?? defaultLimit,
      this.#options,
    );
    this.#retrievalMs += this.#parts.clock() - start;
    this.#rounds++;
    yield { type: "retrieval", round: this.#rounds, query, hits };
    for (const { passage } of hits)
      yield { type: "adapter", passageId: passage.id, key: undefined, usedAs: "context" };
    return hits;
  }

  /** A decision with its reason. */
  decide(reason: string, numbers: Record<string, number> = {}): MethodEvent {
    return { type: "decision", round: this.#rounds, reason, numbers };
  }

  /** The last event. */
  end(): MethodEvent {
    return {
      type: "end",
      text: this.#text,
      answer: extractAnswer(this.#text, this.#prompts),
      chainOfThought: this.#prompts.chainOfThought,
      usage: this.#usage,
      rounds: this.#rounds,
      timings: {
        totalMs: this.#parts.clock() - this.#startedMs,
        retrievalMs: this.#retrievalMs,
        loadMs: 0,
        mergeMs: 0,
        firstTokenMs: this.#firstTokenMs,
      },
    };
  }
}
