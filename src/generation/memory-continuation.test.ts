import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { feedForwardModules } from "../adapters/adapter.ts";
import { InputError, UnsupportedError } from "../base/errors.ts";
import { tokensAfter, tokensBefore } from "../memory/frame.ts";
import { openTinyMemory } from "../memory/memory.suite.ts";
import { type Memory, memoryOf } from "../memory/memory.ts";
import { type MemorySession, openMemorySession } from "../memory/memory-session.ts";
import { openRuntime, type Runtime } from "../runtime/runtime.ts";
import { openTokenizer, type Tokenizer } from "../weights/tokenizer.ts";
import { type DecodingSession, openDecodingSession } from "./decoding-session.ts";
import type { GenerationRequest, Generator } from "./generator.ts";
import { createLocalGenerator } from "./local.ts";

const text = "The bridge of Orlen was built in 1871. It has nine arches of red stone. It stands in Quern.";
const oneTurn = [{ role: "user" as const, content: "Read this.\n\n{text}" }];
const twoTurns = [...oneTurn, { role: "assistant" as const, content: "I have read it." }];
const question = { role: "user" as const, content: "Who built the bridge?" };

describe("generation from a memory", () => {
  let runtime: Runtime;
  let tiny: Awaited<ReturnType<typeof openTinyMemory>>;
  let tokenizer: Tokenizer;
  let decoding: DecodingSession;
  let session: MemorySession;
  let generator: Generator;
  beforeAll(async () => {
    runtime = await openRuntime({ threads: 1 });
    tiny = await openTinyMemory();
    tokenizer = await openTokenizer(tiny.baseFolder);
    session = await openMemorySession(runtime, { ...tiny, name: "tiny" }, { positions: 512 });
    decoding = await openDecodingSession(runtime, tiny.model, { targetModules: [...feedForwardModules] });
    generator = createLocalGenerator({
      model: "tiny",
      session: decoding,
      tokenizer,
      contextLength: 512,
      memories: async () => session,
    });
  });
  afterAll(async () => {
    await runtime.dispose();
    rmSync(tiny.root, { recursive: true, force: true });
  });

  /** A memory of the text, and the logits after it and a prompt. */
  const remember = async (frame: typeof oneTurn | typeof twoTurns): Promise<Memory> => {
    const ids = [...tokensBefore(tokenizer, frame), ...tokenizer.tokenize(text)];
    const rows: number[] = [];
    const stream = await session.openStream({
      maxTokens: ids.length,
      ratio: 4,
      keepRaw: true,
      onWindow: async (more) => void rows.push(...more),
    });
    await stream.feed(ids);
    rows.push(...stream.openRows());
    const { entries, openTokens } = stream;
    await stream.dispose();
    const { layers, keyValueHeads, headSize } = tiny.model.config;
    const sizes = { layers, width: keyValueHeads * headSize, window: 24, ratio: 4 };
    const header = { ...session.identity, ...sizes, tokens: ids.length, entries, openTokens, frame };
    return memoryOf(header, Float32Array.from(rows));
  };
  const ask = (memory: Memory, more: Partial<GenerationRequest> = {}): GenerationRequest => ({
    memory,
    messages: [question],
    maxTokens: 60, // longer than a window: what is generated is compressed too
    ...more,
  });

  it("is what reading text and prompt at once gives, for one turn and two", async () => {
    for (const frame of [oneTurn, twoTurns]) {
      const memory = await remember(frame);
      const [generation] = await generator.generateBatch([ask(memory)]);
      expect(generation!.promptTokens).toBe(tokensAfter(tokenizer, frame, [question]).length);
      const ids = [
        ...tokensBefore(tokenizer, frame),
        ...tokenizer.tokenize(text),
        ...tokensAfter(tokenizer, frame, [question]),
      ];
      const stream = await session.openStream({ maxTokens: ids.length + 60, ratio: 4 });
      let logits = await stream.feed(ids);
      for (const { id } of generation!.tokens) {
        expect(logits.indexOf(Math.max(...logits))).toBe(id);
        logits = await stream.feed([id]);
      }
      await stream.dispose();
      expect(generation!.tokens.length).toBeGreaterThan(0);
    }
  });

  it("renders the conversation as if it had never been cut", () => {
    for (const frame of [oneTurn, twoTurns]) {
      const cut = [
        ...tokensBefore(tokenizer, frame),
        ...tokenizer.tokenize(text),
        ...tokensAfter(tokenizer, frame, [question]),
      ];
      const whole =
        frame.length === 1
          ? [{ role: "user" as const, content: `Read this.\n\n${text}\n\n${question.content}` }]
          : [
              { role: "user" as const, content: `Read this.\n\n${text}` },
              { role: "assistant" as const, content: "I have read it." },
              question,
            ];
      expect(tokenizer.detokenize(cut, { skipSpecialTokens: false })).toBe(
        tokenizer.detokenize(tokenizer.tokenizeChat(whole), { skipSpecialTokens: false }),
      );
    }
  });

  it("answers requests with and without a memory in one batch, each as it would alone", async () => {
    const memory = await remember(oneTurn);
    const plain: GenerationRequest = { messages: [question], maxTokens: 8 };
    const withMemory = ask(memory, { maxTokens: 8 });
    const together = await generator.generateBatch([plain, withMemory, plain]);
    const [alone] = await generator.generateBatch([withMemory]);
    expect(together[1]!.text).toBe(alone!.text);
    expect(together[0]!.text).toBe(together[2]!.text);
  });

  it("refuses adapters, system messages and generators without memory weights", async () => {
    const memory = await remember(oneTurn);
    const adapter = { config: { rank: 1, alpha: 1, targetModules: [] }, modules: new Map() };
    await expect(generator.generateBatch([ask(memory, { adapter })])).rejects.toThrow(UnsupportedError);
    const system = { role: "system" as const, content: "Be brief." };
    await expect(generator.generateBatch([ask(memory, { messages: [system, question] })])).rejects.toThrow(
      InputError,
    );
    const without = createLocalGenerator({ model: "tiny", session: decoding, tokenizer, contextLength: 512 });
    await expect(without.generateBatch([ask(memory)])).rejects.toThrow(/memory model/);
  });
});
