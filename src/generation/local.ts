import { ConfigError, InputError } from "../base/errors.ts";
import { Random } from "../base/random.ts";
import { createTextStream } from "../weights/text-stream.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { DecodingBatch, DecodingSession } from "./decoding-session.ts";
import type { GeneratedToken, Generation, GenerationRequest, Generator } from "./generator.ts";
import { chooseToken } from "./sampling.ts";
import { createStopFilter } from "./stop-filter.ts";

/** What a local generator is made from. */
export interface LocalGeneratorParts {
  /** Name of the model, as recorded with results. */
  model: string;
  session: DecodingSession;
  tokenizer: Tokenizer;
  contextLength: number;
  /** Requests that share decode steps. */
  batchSize?: number;
}

/** Cache lengths are rounded up to a multiple of this, so that the allocator sees few sizes. */
const capacityStep = 32;

/** Generates with a model in this process. */
export function createLocalGenerator({
  model,
  session,
  tokenizer,
  contextLength,
  batchSize = 8,
}: LocalGeneratorParts): Generator {
  const promptOf = (request: GenerationRequest): number[] => {
    checkRequest(request);
    const ids = tokenizer.tokenizeChat(request.messages, { addGenerationPrompt: true });
    if (request.prefix) ids.push(...tokenizer.tokenize(request.prefix));
    if (ids.length + request.maxTokens > contextLength) {
      throw new InputError(
        `the prompt has ${ids.length} tokens and up to ${request.maxTokens} are to be generated, but ${model} takes ${contextLength} in all; use fewer or shorter passages, or a smaller maxTokens`,
      );
    }
    return ids;
  };
  const parts = { session, tokenizer };
  return {
    model,
    contextLength,
    async countPromptTokens(request) {
      return promptOf(request).length;
    },
    async *generate(request, { signal } = {}) {
      const rows = [new Row(request, { prompt: promptOf(request), tokenizer })];
      for await (const [tokens] of decodeRows(parts, rows, signal)) yield* tokens ?? [];
      return rows[0]!.generation();
    },
    async generateBatch(requests, { signal } = {}) {
      const rows = requests.map((request) => new Row(request, { prompt: promptOf(request), tokenizer }));
      for (let start = 0; start < rows.length; start += batchSize) {
        const steps = decodeRows(parts, rows.slice(start, start + batchSize), signal);
        while (!(await steps.next()).done); // the rows keep what comes
      }
      return rows.map((row) => row.generation());
    },
  };
}

function checkRequest({ maxTokens, messages, sampling = {} }: GenerationRequest): void {
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new ConfigError(`maxTokens must be a whole number of at least 1, got ${maxTokens}`);
  }
  if (messages.length === 0) throw new InputError("a conversation needs at least one message");
  const { temperature = 0, topP = 1, topK = 0, repetitionPenalty = 1 } = sampling;
  if (!(temperature >= 0)) throw new ConfigError(`temperature must be at least 0, got ${temperature}`);
  if (!(topP > 0 && topP <= 1)) throw new ConfigError(`topP must be in (0, 1], got ${topP}`);
  if (!Number.isInteger(topK) || topK < 0)
    throw new ConfigError(`topK must be a whole number of at least 0, got ${topK}`);
  if (!(repetitionPenalty > 0))
    throw new ConfigError(`repetitionPenalty must be above 0, got ${repetitionPenalty}`);
}

/** Continues all rows until each has ended; yields after every step what each row gained. */
async function* decodeRows(
  { session, tokenizer }: { session: DecodingSession; tokenizer: Tokenizer },
  rows: readonly Row[],
  signal: AbortSignal | undefined,
): AsyncGenerator<GeneratedToken[][]> {
  signal?.throwIfAborted();
  const longest = Math.max(...rows.map((row) => row.prompt.length + row.request.maxTokens));
  const capacity = Math.ceil(longest / capacityStep) * capacityStep;
  const batch: DecodingBatch = await session.openBatch(
    rows.map((row) => row.request.adapter),
    capacity,
  );
  const ends = new Set(tokenizer.eosTokenIds);
  try {
    let logits = await batch.feed(rows.map((row) => row.prompt));
    while (true) {
      yield rows.map((row, i) => row.advance(logits[i]!, ends));
      if (rows.every((row) => row.finished)) return;
      signal?.throwIfAborted();
      logits = await batch.feed(rows.map((row) => (row.finished ? [] : [row.lastId])));
    }
  } finally {
    await batch.dispose();
  }
}

/** One sequence being continued. */
class Row {
  readonly request: GenerationRequest;
  readonly prompt: readonly number[];
  readonly #tokens: GeneratedToken[] = [];
  #waiting: GeneratedToken[] = [];
  readonly #seen: Set<number>;
  readonly #random: Random;
  readonly #stream: ReturnType<typeof createTextStream>;
  readonly #filter: ReturnType<typeof createStopFilter>;
  #finish: Generation["finishReason"] | undefined;
  #lastId: number;

  constructor(
    request: GenerationRequest,
    { prompt, tokenizer }: { prompt: readonly number[]; tokenizer: Tokenizer },
  ) {
    this.request = request;
    this.prompt = prompt;
    this.#seen = new Set(prompt);
    this.#random = new Random(request.sampling?.seed ?? 0);
    this.#stream = createTextStream(tokenizer, request.prefix ? tokenizer.tokenize(request.prefix) : []);
    this.#filter = createStopFilter(request.stop);
    this.#lastId = prompt[prompt.length - 1] ?? 0;
  }

  get finished(): boolean {
    return this.#finish !== undefined;
  }

  /** The token chosen last, to be fed next. */
  get lastId(): number {
    return this.#lastId;
  }

  /**
   * Chooses the next token. Gives the tokens whose text is settled: one whose text is held back (half a character, the
   * beginning of a stop string) waits until it is.
   */
  advance(logits: Float32Array, ends: ReadonlySet<number>): GeneratedToken[] {
    if (this.finished) return [];
    const choice = chooseToken(logits, {
      sampling: this.request.sampling,
      seen: this.#seen,
      random: this.#random,
    });
    if (ends.has(choice.id)) return this.#end("stop");
    this.#lastId = choice.id;
    this.#seen.add(choice.id);
    const piece = this.#stream.push(choice.id);
    const { text, stopped } = this.#filter.push(piece);
    this.#waiting.push({ ...choice, text });
    const count = this.#tokens.length + this.#waiting.length;
    if (stopped) this.#finish = "stop";
    else if (count >= this.request.maxTokens) return this.#end("length");
    else if (piece === "" || this.#filter.holds) return [];
    return this.#settle();
  }

  generation(): Generation {
    return {
      text: this.#tokens.map((token) => token.text).join(""),
      tokens: this.#tokens,
      promptTokens: this.prompt.length,
      finishReason: this.#finish ?? "length",
    };
  }

  /** Ends the row; the last token gets the text that was still held back. */
  #end(reason: Generation["finishReason"]): GeneratedToken[] {
    this.#finish = reason;
    const { text, stopped } = this.#filter.push(this.#stream.end());
    const last = this.#waiting[this.#waiting.length - 1];
    if (last) last.text += stopped ? text : text + this.#filter.end();
    return this.#settle();
  }

  #settle(): GeneratedToken[] {
    const settled = this.#waiting;
    this.#tokens.push(...settled);
    this.#waiting = [];
    return settled;
  }
}
