import { Random } from "../base/random.ts";
import { createTextStream } from "../weights/text-stream.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { GeneratedToken, Generation, GenerationRequest } from "./generator.ts";
import { chooseToken, statisticsOf, unknownStatistics } from "./sampling.ts";
import { createStopFilter } from "./stop-filter.ts";

/** One sequence being continued. */
export class Row {
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
    const { sampling, probabilities } = this.request;
    const id = chooseToken(logits, {
      sampling,
      seen: this.#seen,
      random: this.#random,
    });
    if (ends.has(id)) return this.#end("stop");
    this.#lastId = id;
    this.#seen.add(id);
    const piece = this.#stream.push(id);
    const { text, stopped } = this.#filter.push(piece);
    this.#waiting.push({ id, text, ...(probabilities ? statisticsOf(logits, id) : unknownStatistics) });
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
