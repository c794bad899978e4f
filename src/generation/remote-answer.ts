import type { GeneratedToken, Generation, GenerationRequest } from "./generator.ts";
import type { Chunk } from "./remote-protocol.ts";
import { unknownStatistics } from "./sampling.ts";
import { createStopFilter } from "./stop-filter.ts";

/** Collects the pieces of one answer into tokens: without the repeated prefix, nothing after a stop string or the limit. */
export class AnswerCollector {
  readonly #request: GenerationRequest;
  readonly #tokens: GeneratedToken[] = [];
  /** Tokens whose text is held back, as it may be the prefix again or the beginning of a stop string. */
  #waiting: GeneratedToken[] = [];
  readonly #stop: ReturnType<typeof createStopFilter>;
  readonly #echo: EchoFilter;
  #finish: Generation["finishReason"] | undefined;
  #cut = false;
  #promptTokens = Number.NaN;

  constructor(request: GenerationRequest) {
    this.#request = request;
    this.#stop = createStopFilter(request.stop);
    this.#echo = new EchoFilter(request.prefix ?? "");
  }

  /** The service has said how the answer ended. */
  get finished(): boolean {
    return this.#finish !== undefined;
  }

  /** The answer ended here, whatever the service goes on to say. */
  get cut(): boolean {
    return this.#cut;
  }

  /** Takes one event; gives the tokens whose text is settled. */
  add({ choices, usage }: Chunk): GeneratedToken[] {
    if (usage) this.#promptTokens = usage.prompt_tokens;
    const choice = choices?.[0];
    if (!choice || this.#cut) return [];
    for (const piece of piecesOf(choice)) {
      this.#take(piece);
      if (this.#cut) return this.#settle();
    }
    if (choice.finish_reason) this.#finish = choice.finish_reason === "length" ? "length" : "stop";
    return this.#echo.holds || this.#stop.holds ? [] : this.#settle();
  }

  /** The end: the last token gets the text that was still held back. */
  end(): GeneratedToken[] {
    if (!this.#cut) {
      const { text, stopped } = this.#stop.push(this.#echo.end());
      const rest = stopped ? text : text + this.#stop.end();
      const last = this.#waiting.at(-1);
      if (last) last.text += rest;
      else if (rest !== "") this.#waiting.push(tokenOf(rest));
    }
    return this.#settle();
  }

  generation(): Generation {
    return {
      text: this.#tokens.map(({ text }) => text).join(""),
      tokens: this.#tokens,
      promptTokens: this.#promptTokens,
      finishReason: this.#finish ?? "length",
    };
  }

  #take(piece: GeneratedToken): void {
    const shown = this.#echo.push(piece.text);
    if (shown === undefined) return; // a token of the repeated prefix, or perhaps one
    if (this.#tokens.length + this.#waiting.length >= this.#request.maxTokens) {
      const last = this.#waiting.at(-1);
      if (last) last.text += this.#stop.end();
      [this.#finish, this.#cut] = ["length", true];
      return;
    }
    const { text, stopped } = this.#stop.push(shown);
    this.#waiting.push({ ...piece, text });
    if (stopped) [this.#finish, this.#cut] = ["stop", true];
  }

  #settle(): GeneratedToken[] {
    const settled = this.#waiting;
    this.#tokens.push(...settled);
    this.#waiting = [];
    return settled;
  }
}

type Choice = NonNullable<Chunk["choices"]>[number];

/** The tokens of an event; where the service tells none, the text is one. */
function piecesOf({ delta, logprobs }: Choice): GeneratedToken[] {
  const content = delta?.content ?? "";
  const told = logprobs?.content ?? [];
  if (told.length === 0) return content === "" ? [] : [tokenOf(content)];
  // Tokens that end in half a character are told as replacement characters; the text itself is right.
  const areText = told.map(({ token }) => token).join("") === content;
  return told.map(({ token, logprob }, i) => ({
    ...tokenOf(areText ? token : i === told.length - 1 ? content : ""),
    logProbability: logprob,
  }));
}

function tokenOf(text: string): GeneratedToken {
  return { id: -1, text, ...unknownStatistics };
}

/** Leaves out the assistant's prefix where a service says it again instead of going on from it. */
class EchoFilter {
  readonly #prefix: string;
  #held = "";
  #decided: boolean;

  constructor(prefix: string) {
    this.#prefix = prefix.trim();
    this.#decided = this.#prefix === "";
  }

  get holds(): boolean {
    return !this.#decided;
  }

  /** What can be shown of the text so far; nothing while it may still be the prefix. */
  push(text: string): string | undefined {
    if (this.#decided) return text;
    this.#held += text;
    const begun = this.#held.trimStart();
    if (begun.length < this.#prefix.length && this.#prefix.startsWith(begun)) return undefined;
    this.#decided = true;
    return begun.startsWith(this.#prefix) ? begun.slice(this.#prefix.length) : this.#held;
  }

  /** What was held back when the answer ended. */
  end(): string {
    if (this.#decided) return "";
    this.#decided = true;
    return this.#held;
  }
}
