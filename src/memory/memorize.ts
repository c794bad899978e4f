import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { InputError } from "../base/errors.ts";
import { explainSystemError, isFile, readJsonIfPresent, writeJson } from "../base/files.ts";
import { canonicalJson, sha256 } from "../base/hash.ts";
import { noProgress, type Progress } from "../base/progress.ts";
import type { ModelConfig } from "../models/config.ts";
import type { ChatMessage } from "../weights/chat.ts";
import { entriesAfter, type Memory, type MemoryHeader, rowWidth } from "./memory.ts";
import { encodeMemoryHeader, headerRoom, partialMemory } from "./memory-file.ts";
import type { MemorySession } from "./memory-session.ts";
import type { MemoryStream } from "./memory-stream.ts";
import { checkRatio } from "./window.ts";

/** What is to be remembered, and where. */
export interface MemorizeTask {
  /** Tokens to be read: of the whole text, or of what is appended. */
  ids: readonly number[];
  ratio: number;
  /** The memory that this goes on from. */
  from?: Memory | undefined;
  /** The conversation around the text; what the memory was begun with where it goes on. */
  frame: readonly ChatMessage[];
  /** The memory's file; it appears when it is whole. */
  path: string;
  progress?: Progress | undefined;
  signal?: AbortSignal | undefined;
}

const stateSchema = z.object({ identity: z.string() });

/**
 * Reads tokens into a memory's file, window by window. Rows go to disk as windows are finished, so that what is held in
 * memory is the cache of the session alone; after a kill the same call goes on from the last finished window.
 */
export async function memorize(
  session: MemorySession,
  config: ModelConfig,
  task: MemorizeTask,
): Promise<MemoryHeader> {
  if (task.ids.length === 0) throw new InputError("there is nothing to memorize: the text is empty");
  checkRatio(task.ratio, session.window);
  const part = `${task.path}.part`;
  const statePath = `${part}.json`;
  let file: FileHandle | undefined;
  try {
    await mkdir(dirname(task.path), { recursive: true });
    const identity = identityOf(session, task);
    const before = await readJsonIfPresent(statePath, stateSchema);
    const isKnown = before?.identity === identity && (await isFile(part));
    // A state beside a file that is begun anew would vouch for rows that a kill kept from being copied.
    if (!isKnown) await rm(statePath, { force: true });
    file = await open(part, isKnown ? "a+" : "w+");
    await file.close();
    file = await open(part, "r+");
    if (!isKnown) {
      await beginFile(file, task);
      await writeJson(statePath, { identity });
    }
    const header = await readWindows(session, { config, file, part, task });
    await file.sync();
    await file.close();
    file = undefined;
    await rename(part, task.path);
    await rm(statePath, { force: true });
    return header;
  } catch (error) {
    throw explainSystemError(error, task.path);
  } finally {
    await file?.close();
  }
}

function identityOf({ identity }: MemorySession, { ids, ratio, from, frame }: MemorizeTask): string {
  const tokens = sha256(new Uint8Array(Int32Array.from(ids).buffer));
  return sha256(canonicalJson({ identity, tokens, ratio, from: from?.header ?? null, frame }));
}

/** Rows that are copied at a time. */
const copyRows = 4096;

/** Room for the header, and the finished windows of the memory that this goes on from. */
async function beginFile(file: FileHandle, { from }: MemorizeTask): Promise<void> {
  await file.truncate(headerRoom);
  if (!from) return;
  const { entries } = from.header;
  for (let begin = 0; begin < entries; begin += copyRows) {
    const rows = await from.readRows(begin, Math.min(begin + copyRows, entries));
    await appendRows(file, rows, headerRoom + begin * 4 * rowWidth(from.header));
  }
}

async function appendRows(file: FileHandle, rows: Float32Array, position: number): Promise<void> {
  const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  for (let done = 0; done < bytes.length; )
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

interface Writing {
  config: ModelConfig;
  file: FileHandle;
  part: string;
  task: MemorizeTask;
}

async function readWindows(
  session: MemorySession,
  { config, file, part, task }: Writing,
): Promise<MemoryHeader> {
  const { window } = session;
  const { ids, ratio, from, progress = noProgress, signal } = task;
  const openBefore = from?.header.openTokens ?? 0;
  const rowBytes = 4 * rowWidth({ layers: config.layers, width: config.keyValueHeads * config.headSize });
  const headerOf = (
    stream: Pick<MemoryStream, "entries" | "openTokens" | "ratio">,
    read: number,
  ): MemoryHeader => ({
    ...session.identity,
    layers: config.layers,
    width: config.keyValueHeads * config.headSize,
    window,
    ratio: stream.ratio,
    tokens: (from?.header.tokens ?? 0) + read,
    entries: stream.entries,
    openTokens: stream.openTokens,
    frame: from?.header.frame ?? task.frame,
  });
  const done = finishedWindows((await file.stat()).size, { window, rowBytes, task });
  const entries = entriesAfter(done, { window, ratio, from: from?.header });
  const read = done === 0 ? 0 : done * window - openBefore;
  await file.truncate(headerRoom + entries * rowBytes);
  const memory =
    done === 0 ? from : partialMemory(file, part, headerOf({ entries, openTokens: 0, ratio }, read));
  let end = headerRoom + entries * rowBytes;
  const append = async (rows: Float32Array) => {
    await appendRows(file, rows, end);
    end += rows.byteLength;
  };
  const maxTokens = ids.length - read;
  const stream = await session.openStream({ memory, maxTokens, ratio, keepRaw: true, onWindow: append });
  try {
    for (let at = read; at < ids.length; at += window) {
      signal?.throwIfAborted();
      await stream.feed(ids.slice(at, at + window));
      progress({
        task: "memorize",
        done: Math.min(at + window, ids.length),
        total: ids.length,
        note: "tokens",
      });
    }
    await append(stream.openRows());
    const header = headerOf(stream, ids.length);
    await appendRows(file, new Float32Array(encodeMemoryHeader(header).buffer), 0);
    return header;
  } finally {
    await stream.dispose();
  }
}

/** Windows whose rows are whole in a file of this size. */
function finishedWindows(
  fileBytes: number,
  { window, rowBytes, task }: { window: number; rowBytes: number; task: MemorizeTask },
): number {
  const { ids, ratio, from } = task;
  const rows = Math.floor((fileBytes - headerRoom) / rowBytes);
  const all = Math.floor((ids.length + (from?.header.openTokens ?? 0)) / window);
  let windows = 0;
  while (windows < all && entriesAfter(windows + 1, { window, ratio, from: from?.header }) <= rows) windows++;
  return windows;
}
