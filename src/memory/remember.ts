import type { ModelConfig } from "../models/config.ts";
import type { ChatMessage } from "../weights/chat.ts";
import { type Memory, memoryOf } from "./memory.ts";
import type { MemorySession } from "./memory-session.ts";

/** Reads tokens into a memory that stays in this process: for short texts. */
export async function remember(
  session: MemorySession,
  { layers, keyValueHeads, headSize }: ModelConfig,
  { ids, ratio, frame }: { ids: readonly number[]; ratio: number; frame: readonly ChatMessage[] },
): Promise<Memory> {
  const parts: Float32Array[] = [];
  const stream = await session.openStream({
    maxTokens: ids.length,
    ratio,
    keepRaw: true,
    onWindow: async (rows) => void parts.push(rows),
  });
  try {
    await stream.feed(ids);
    parts.push(stream.openRows());
    const rows = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
      rows.set(part, at);
      at += part.length;
    }
    const { entries, openTokens } = stream;
    const sizes = { layers, width: keyValueHeads * headSize, window: session.window, ratio };
    return memoryOf({ ...session.identity, ...sizes, tokens: ids.length, entries, openTokens, frame }, rows);
  } finally {
    await stream.dispose();
  }
}
