import { type FileHandle, mkdir, open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { z } from "zod";
import { systemCode } from "./errors.ts";
import { explainSystemError, parseJson } from "./files.ts";

/**
 * Reads an append-only JSONL file by a schema; no file means no rows. A last line without its newline is what a
 * killed writer left: it is ignored here, and cut off by the next `openJsonl`.
 */
export async function readJsonl<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw explainSystemError(error, path);
  }
  return parseLines(text.slice(0, text.lastIndexOf("\n") + 1), schema, path).map(({ row }) => row);
}

/** Reads a JSONL file that somebody gives: it must be there, and its last line may lack its newline. */
export async function readGivenJsonl<T>(path: string, schema: z.ZodType<T>): Promise<T[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw explainSystemError(error, path);
  });
  return parseLines(text.replace(/^\uFEFF/, ""), schema, path).map(({ row }) => row);
}

/** The rows of a text with one JSON value a line, with the numbers of their lines; empty lines are none. */
export function parseLines<T>(text: string, schema: z.ZodType<T>, path: string): { row: T; line: number }[] {
  return text.split("\n").flatMap((json, i) => {
    const line = i + 1;
    return json.trim() === "" ? [] : [{ row: parseJson(json, schema, `${path}:${line}`), line }];
  });
}

/** An open append-only file: each `append` is one line, on disk when the promise resolves; lines keep the order of the calls. */
export interface JsonlWriter {
  append(row: unknown): Promise<void>;
  close(): Promise<void>;
}

/** Opens an append-only JSONL file for the one writer there is, and cuts off a half-written last line. */
export async function openJsonl(path: string): Promise<JsonlWriter> {
  let file: FileHandle | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    file = await open(path, "a+");
    await truncateHalfLine(file, path);
  } catch (error) {
    await file?.close();
    throw explainSystemError(error, path);
  }
  return createWriter(file, path);
}

function createWriter(file: FileHandle, path: string): JsonlWriter {
  let previous: Promise<unknown> = Promise.resolve();
  const write = async (line: string) => {
    const { size } = await file.stat();
    try {
      await file.appendFile(line);
      await file.datasync();
    } catch (error) {
      // What a full disk took of the line must not become the beginning of the next one.
      await file.truncate(size).catch(() => undefined);
      throw explainSystemError(error, path);
    }
  };
  return {
    append(row) {
      const result = previous.then(() => write(`${JSON.stringify(row)}\n`));
      previous = result.catch(() => undefined); // the caller of this append learns of it
      return result;
    },
    async close() {
      await previous;
      await file.close();
    },
  };
}

async function truncateHalfLine(file: FileHandle, path: string): Promise<void> {
  const { size } = await file.stat();
  if (size === 0) return;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  if (last[0] === 0x0a) return;
  const content = await readFile(path);
  await file.truncate(content.lastIndexOf(0x0a) + 1);
}
