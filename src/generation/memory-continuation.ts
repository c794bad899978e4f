import { UnsupportedError } from "../base/errors.ts";
import { tokensAfter } from "../memory/frame.ts";
import type { Memory } from "../memory/memory.ts";
import type { MemorySession } from "../memory/memory-session.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import type { GeneratedToken, GenerationRequest } from "./generator.ts";
import type { Row } from "./row.ts";

/** A request that goes on from a memory. */
export type MemoryRequest = GenerationRequest & { memory: Memory };

/** Whether a request has a memory. */
export function hasMemory(request: GenerationRequest): request is MemoryRequest {
  return request.memory !== undefined;
}

/** The tokens that follow the remembered text. */
export function promptOverMemory(request: MemoryRequest, tokenizer: Tokenizer): number[] {
  if (request.adapter) {
    throw new UnsupportedError(
      "an adapter and a memory cannot be used together; leave one of them out of the request",
    );
  }
  const ids = tokensAfter(tokenizer, request.memory.header.frame, request.messages);
  if (request.prefix) ids.push(...tokenizer.tokenize(request.prefix));
  return ids;
}

/** Continues a row from its memory; what it generates is compressed too, when a window is full. */
export async function* continueMemory(
  session: MemorySession,
  row: Row,
  { memory, ends, signal }: { memory: Memory; ends: ReadonlySet<number>; signal: AbortSignal | undefined },
): AsyncGenerator<GeneratedToken[]> {
  signal?.throwIfAborted();
  const stream = await session.openStream({
    memory,
    maxTokens: row.prompt.length + row.request.maxTokens,
  });
  try {
    let logits = await stream.feed(row.prompt);
    while (true) {
      yield row.advance(logits, ends);
      if (row.finished) return;
      signal?.throwIfAborted();
      logits = await stream.feed([row.lastId]);
    }
  } finally {
    await stream.dispose();
  }
}
