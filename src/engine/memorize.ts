import { join } from "node:path";
import { CapacityError, ConfigError, InputError, NotFoundError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { sha256 } from "../base/hash.ts";
import type { Passage } from "../corpus/corpus.ts";
import { listSkipped, type Unread } from "../corpus/find-files.ts";
import { readFiles } from "../corpus/read-files.ts";
import { tokensBefore } from "../memory/frame.ts";
import { memorize as memorizeTokens } from "../memory/memorize.ts";
import { type MemorySize, memorySize } from "../memory/memory.ts";
import type { MemorySession } from "../memory/memory-session.ts";
import { checkRatio, mixedLength, validRatios } from "../memory/window.ts";
import { memoryFrame } from "../prompts/memory.ts";
import type { Tokenizer } from "../weights/tokenizer.ts";
import { asWriter } from "./data-folder.ts";
import { findMemory, memoryFolder, openNamedMemory, publishMemory } from "./memory-folder.ts";
import { writeNotes } from "./memory-notes.ts";
import type { EngineParts, OpenedModel } from "./parts.ts";

/** How a text is remembered. */
export interface MemorizeOptions {
  /** The memory's name. */
  name: string;
  /** Raw tokens to an entry of the memory, 2 to 32; where text is appended, by default what it was begun with. */
  ratio?: number | undefined;
  /** Go on from the memory of this name instead of replacing it. */
  append?: boolean | undefined;
  /** Notes written by the model in place of memory weights; they have no ratio. */
  lite?: boolean | undefined;
  /** Say the size and do nothing. */
  dryRun?: boolean | undefined;
  /** Told before the text is read. */
  onSize?: ((size: MemorySize) => void) | undefined;
  /** Told after the size where the model was not made for so long a memory. */
  onWarning?: ((warning: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** What memorizing gave. */
export interface MemorizeReport extends Unread {
  name: string;
  title: string;
  lite: boolean;
  passages: number;
  /** Of the whole memory; in lite mode `entries` and bytes are 0. */
  size: MemorySize;
  seconds: number;
}

/** Reads files (folders, globs) into a named memory, in the order of their names. After a kill the same call goes on. */
export async function memorize(
  parts: EngineParts,
  paths: readonly string[],
  options: MemorizeOptions & { base: string },
): Promise<MemorizeReport> {
  if (options.lite && options.ratio !== undefined)
    throw new ConfigError(`notes have no ratio, got ${options.ratio}; leave out the ratio, or lite`);
  const start = parts.clock();
  const text = await readText(parts, paths, options);
  const task = () =>
    options.lite ? memorizeLite(parts, text, options) : memorizeFully(parts, text, options);
  const report = options.dryRun ? await task() : await asWriter(parts.folder, "memorize", task);
  const { skipped, incomplete } = text;
  return { ...report, skipped, incomplete, seconds: (parts.clock() - start) / 1000 };
}

type Report = Omit<MemorizeReport, "seconds" | keyof Unread>;

/** A text with the passages that are searched. */
export interface ReadText extends Unread {
  title: string;
  /** Of each document; a blank line stands between two. */
  texts: string[];
  sources: string[];
  passages: Passage[];
}

/** Reads files as one text, in the order of their names. */
export async function readText(
  { config, folder }: EngineParts,
  paths: readonly string[],
  { base, signal }: { base: string; signal?: AbortSignal | undefined },
): Promise<ReadText> {
  const [texts, passages]: [string[], Passage[]] = [[], []];
  const sources = new Set<string>();
  let title: string | undefined;
  const unread = await readFiles(paths, {
    ...config.ingest,
    base,
    dataFolder: folder.path,
    signal,
    onDocument({ document, passages: cut, source }) {
      title ??= document.title;
      sources.add(source);
      texts.push(document.text);
      for (const passage of cut)
        passages.push({ ...passage, documentId: document.id, position: passages.length });
    },
  });
  if (!passages.length) throw new InputError(`nothing could be memorized: ${listSkipped(unread.skipped)}`);
  return { title: title ?? "", texts, sources: [...sources], passages, ...unread };
}

async function memorizeFully(
  parts: EngineParts,
  { title, texts, sources, passages }: ReadText,
  { name, append = false, dryRun, onSize, onWarning, signal, ...options }: MemorizeOptions,
): Promise<Report> {
  const model = await parts.model();
  const { folder, progress } = parts;
  const before = append ? await openNamedMemory(folder, name) : undefined;
  if (before && !before.memory)
    throw new ConfigError(
      `"${name}" is a memory of notes; memorize the whole text again, with or without --lite`,
    );
  const session = await parts.memorySession();
  if (before?.memory) session.checkFits(before.memory);
  const { window } = session;
  const ratio = options.ratio ?? before?.memory?.header.ratio ?? 8;
  checkRatio(ratio, window);
  const frame = before?.memory?.header.frame ?? memoryFrame(title);
  const { tokenizer } = model;
  const between = tokenizer.tokenize(betweenTexts);
  const ids = [...(before ? between : tokensBefore(tokenizer, frame)), ...tokenizeTexts(tokenizer, texts)];
  const from = before?.memory?.header;
  const sizeAt = (ratio: number) => memorySize(model.config, { tokens: ids.length, window, ratio, from });
  const size = sizeAt(ratio);
  checkPositions(size, { session, model });
  onSize?.(size);
  const warning = positionsWarning(size, { window, model, sizeAt });
  if (warning) onWarning?.(warning);
  const all = [...(before?.passages ?? [])];
  for (const passage of passages) all.push({ ...passage, position: all.length });
  const report = { name, title: before?.about.title ?? title, lite: false, passages: all.length, size };
  if (dryRun) return report;
  const text = texts.join(betweenTexts);
  const content = sha256(`${before?.about.memory ?? ""}\n${ratio}\n${text}`).slice(0, 16);
  const file = `memory-${content}.safetensors`;
  const path = join(memoryFolder(folder, name), file);
  const task = { ids, ratio, from: before?.memory, frame, path, progress, signal };
  await memorizeTokens(session, model.config, task);
  await publishMemory(folder, name, {
    title: report.title,
    sources: [...(before?.about.sources ?? []), ...sources],
    characters: (before?.about.characters ?? 0) + text.length,
    memory: file,
    notes: null,
    passages: all,
  });
  return report;
}

/** Refuses a memory that the session has no positions for, before anything is read. */
function checkPositions(
  size: MemorySize,
  { session, model }: { session: MemorySession; model: OpenedModel },
): void {
  const needed = positionsOf(size, session.window);
  if (needed > session.positions)
    throw new CapacityError(
      `the memory and a window would have ${needed} positions, ${session.positions} are possible with ${model.name}; choose a larger ratio or a shorter text`,
    );
}

/** What is to be said of a memory that reaches beyond the positions that the model was made for. */
function positionsWarning(
  size: MemorySize,
  { window, model, sizeAt }: { window: number; model: OpenedModel; sizeAt: (ratio: number) => MemorySize },
): string | undefined {
  const { contextLength } = model.config;
  const needed = positionsOf(size, window);
  if (needed <= contextLength) return undefined;
  const fitting = validRatios(window).find((ratio) => positionsOf(sizeAt(ratio), window) <= contextLength);
  return `the memory and a window have ${needed} positions, ${model.name} was made for ${contextLength} and may recall little from beyond them; ${fitting ? `ratio ${fitting} would fit` : "no ratio would fit, a shorter text would"}`;
}

/** Positions of a memory and a window behind it. */
function positionsOf({ entries, ratio }: MemorySize, window: number): number {
  return entries + mixedLength(window, ratio);
}

async function memorizeLite(
  parts: EngineParts,
  { title, texts, sources, passages }: ReadText,
  { name, append = false, dryRun, signal }: MemorizeOptions,
): Promise<Report> {
  if (append && (await findMemory(parts.folder, name)))
    throw new ConfigError("notes cannot be appended to; memorize the whole text again");
  if (append) throw new NotFoundError(`there is no memory "${name}" to append to`);
  const { tokenizer } = await parts.model();
  const tokens = tokenizeTexts(tokenizer, texts).length;
  const size = { tokens, ratio: 0, entries: 0, bytes: 0, fullBytes: 0 };
  const report = { name, title, lite: true, passages: passages.length, size };
  if (dryRun) return report;
  const notes = await writeNotes(parts, passages, { signal });
  const file = `notes-${sha256(notes).slice(0, 16)}.txt`;
  await writeAtomic(join(memoryFolder(parts.folder, name), file), notes);
  await publishMemory(parts.folder, name, {
    title,
    sources,
    characters: texts.join(betweenTexts).length,
    memory: null,
    notes: file,
    passages,
  });
  return report;
}

/** What stands between two documents of a memory, whether they are read together or one is appended to the other. */
const betweenTexts = "\n\n";

/** Tokens of documents one after another: the same where they are read together and where one is appended. */
function tokenizeTexts(tokenizer: Tokenizer, texts: readonly string[]): number[] {
  const between = tokenizer.tokenize(betweenTexts);
  return texts.flatMap((text, i) => [...(i > 0 ? between : []), ...tokenizeParagraphs(tokenizer, text)]);
}

/** Tokens of a long text, paragraph by paragraph: tokenizers take long for a text as a whole. */
export function tokenizeParagraphs(tokenizer: Tokenizer, text: string): number[] {
  const ids: number[] = [];
  for (const paragraph of text.split(/(?<=\n)(?=[^\n])/))
    for (const id of tokenizer.tokenize(paragraph)) ids.push(id);
  return ids;
}
