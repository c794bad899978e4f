import { open } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { z } from "zod";
import { FormatError, messageOf, systemCode } from "../../base/errors.ts";
import { explainSystemError } from "../../base/files.ts";

/** Bytes of a dataset, unpacked, at most: far above any dataset of questions, far below what a text may have in Node. */
export const maxDatasetBytes = 400 * 2 ** 20;

/** Reads a text file, plain or gzipped (told by its first bytes), without a byte-order mark. */
export async function readDatasetFile(path: string, maxBytes = maxDatasetBytes): Promise<string> {
  const bytes = await readBytes(path, maxBytes);
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = (isPacked ? await unpack(bytes, path, maxBytes) : bytes).toString("utf8");
  return text.replace(/^\uFEFF/, "");
}

async function readBytes(path: string, maxBytes: number): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw tooLarge(path, maxBytes);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw explainSystemError(error, path);
  }
}

async function unpack(bytes: Buffer, path: string, maxBytes: number): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (systemCode(error) === "ERR_BUFFER_TOO_LARGE") throw tooLarge(path, maxBytes);
    throw new FormatError(`cannot be unpacked (${messageOf(error)}); fetch the file again`, {
      path,
      cause: error,
    });
  }
}

function tooLarge(path: string, maxBytes: number): FormatError {
  return new FormatError(
    `is larger than ${Math.round(maxBytes / 2 ** 20)} MiB, unpacked; cut the dataset to the questions that are wanted`,
    { path },
  );
}

/** Parses a JSON file; a syntax error names its line. */
export function parseJsonText(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = messageOf(error);
    const at = /end of JSON/.test(message) ? text.length : Number(/position (\d+)/.exec(message)?.[1]);
    const line = Number.isNaN(at) ? "" : `:${text.slice(0, at).split("\n").length}`;
    throw new FormatError(`not valid JSON (${message.slice(0, 200)})`, {
      path: `${path}${line}`,
      cause: error,
    });
  }
}

/** Texts of a dataset are bounded, so that a broken file is told from a large one. */
export const boundedText = (limit: number) => z.string().max(limit, `is longer than ${limit} characters`);

/** A question as every format has it. */
export const questionText = boundedText(20_000).trim().min(1, "must not be empty");
export const answerText = boundedText(20_000);
export const paragraphText = boundedText(1_000_000);
export const titleText = boundedText(2_000);

/** Each value once, in the order in which it first comes. */
export function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
