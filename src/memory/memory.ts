import { ConfigError, FormatError } from "../base/errors.ts";
import type { ModelConfig } from "../models/config.ts";
import type { ChatMessage } from "../weights/chat.ts";
import { mixedLength } from "./window.ts";

/** A model by its name and by what its content is known by. */
export interface ModelIdentity {
  name: string;
  fingerprint: string;
}

/** What a memory is of, and how it was made. */
export interface MemoryHeader {
  baseModel: ModelIdentity;
  memoryModel: ModelIdentity;
  layers: number;
  /** Numbers of a key (and of a value) of one layer: K·Dh. */
  width: number;
  /** Raw tokens of a window. */
  window: number;
  /** Of the unfinished window. */
  ratio: number;
  /** Raw tokens that were read. */
  tokens: number;
  /** Memory tokens of all finished windows. */
  entries: number;
  /** Raw tokens of the unfinished window. */
  openTokens: number;
  /** The conversation in which the text stands at `textMark`; what is asked goes on from there. */
  frame: readonly ChatMessage[];
}

/** Where the text stands in the frame of a memory. */
export const textMark = "{text}";

/**
 * The compressed keys and values of a text. A row [layers, 2, width] holds a token's keys (before rotation) and values; first
 * come the rows of all entries, then those of the unfinished window, raw and memory tokens mixed. A row's index is its
 * position.
 */
export interface Memory {
  readonly header: MemoryHeader;
  /** Its file, for messages. */
  readonly path: string;
  /** Rows from `begin` up to `end`. */
  readRows(begin: number, end: number): Promise<Float32Array>;
}

/** All rows of a memory. */
export function rowCount({ entries, openTokens, ratio }: MemoryHeader): number {
  return entries + mixedLength(openTokens, ratio);
}

/** Numbers of a row. */
export function rowWidth({ layers, width }: Pick<MemoryHeader, "layers" | "width">): number {
  return layers * 2 * width;
}

/** A memory whose rows lie in this process. */
export function memoryOf(header: MemoryHeader, rows: Float32Array): Memory {
  const size = rowWidth(header);
  return { header, path: "the memory", readRows: async (begin, end) => rows.slice(begin * size, end * size) };
}

/** What a memory of so many tokens takes, beside the keys and values of the whole text. */
export interface MemorySize {
  tokens: number;
  ratio: number;
  entries: number;
  bytes: number;
  /** Of ordinary keys and values of the whole text. */
  fullBytes: number;
}

/** Rows of the finished windows of a memory that goes on from `from` after `windows` more windows, at `ratio`. */
export function entriesAfter(
  windows: number,
  { window, ratio, from }: { window: number; ratio: number; from: MemoryHeader | undefined },
): number {
  const before = from?.entries ?? 0;
  if (windows === 0) return before;
  const first = from && from.openTokens > 0 ? from.ratio : ratio; // a window that is under way keeps its ratio
  return before + mixedLength(window, first) - window + (windows - 1) * (window / ratio);
}

/** The size of a memory, before so many tokens are read, of a whole text or behind those of a memory. */
export function memorySize(
  { layers, keyValueHeads, headSize }: ModelConfig,
  {
    tokens: read,
    window,
    ratio,
    from,
  }: { tokens: number; window: number; ratio: number; from?: MemoryHeader | undefined },
): MemorySize {
  const rowBytes = 4 * rowWidth({ layers, width: keyValueHeads * headSize });
  const { tokens: before = 0, openTokens = 0, ratio: openRatio = ratio } = from ?? {};
  const tokens = before + read;
  const windows = Math.floor((openTokens + read) / window);
  const entries = entriesAfter(windows, { window, ratio, from });
  const own = windows === 0 && openTokens > 0 ? openRatio : ratio;
  const rows = entries + mixedLength((openTokens + read) % window, own);
  return { tokens, ratio, entries, bytes: rows * rowBytes, fullBytes: tokens * rowBytes };
}

/** What a model takes of a memory. */
export type MemoryForm = Pick<MemoryHeader, "baseModel" | "memoryModel" | "layers" | "width" | "window">;

/** Refuses a memory of another model (`ConfigError`), and one whose rows the model cannot take (`FormatError`). */
export function checkMemoryFits({ header, path }: Pick<Memory, "header" | "path">, inUse: MemoryForm): void {
  const models = [
    ["base model", header.baseModel, inUse.baseModel],
    ["memory model", header.memoryModel, inUse.memoryModel],
  ] as const;
  for (const [what, made, used] of models) {
    if (made.fingerprint !== used.fingerprint) {
      throw new ConfigError(
        `the memory was made with the ${what} ${made.name} (fingerprint ${made.fingerprint}), not with the one in use, ${used.name} (fingerprint ${used.fingerprint}); use that model, or memorize the text again`,
      );
    }
  }
  for (const size of ["layers", "width", "window"] as const) {
    if (header[size] !== inUse[size]) {
      throw new FormatError(
        `has the ${size} ${header[size]}, the model in use ${inUse[size]}; memorize the text again`,
        { path },
      );
    }
  }
}
