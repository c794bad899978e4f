import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineError, FormatError, messageOf, RemoteError } from "../base/errors.ts";
import { explainSystemError } from "../base/files.ts";
import { sha256OfFile } from "../base/hash.ts";
import { fetchWithRetry, type RetryOptions } from "../base/http.ts";
import { type ModelFile, sizeOf } from "./model-cache.ts";

/** How a file is downloaded. */
export interface DownloadOptions extends RetryOptions {
  headers: Record<string, string>;
  /** A transfer that brings nothing for so long counts as cut, in ms. */
  stallMs?: number;
  /** Called with the number of bytes that lie on disk now. */
  onBytes: (bytes: number) => void;
}

/**
 * Downloads a file to `<target>.part`, checks its hash, and renames it. A cut transfer goes on where it ended, now or
 * in a later call; only attempts without any new byte count against `attempts`.
 */
export async function downloadFile(
  url: string,
  { file, target }: { file: ModelFile; target: string },
  options: DownloadOptions,
): Promise<void> {
  const part = `${target}.part`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await transfer(url, { part, size: file.size }, options);
    await checkHash(url, part, file);
    await rename(part, target);
  } catch (error) {
    throw explainSystemError(error, target);
  }
}

interface Part {
  part: string;
  /** Of the whole file, in bytes. */
  size: number;
}

async function transfer(url: string, { part, size }: Part, options: DownloadOptions): Promise<void> {
  const { attempts = 4, firstWaitMs = 500, signal } = options;
  let fruitless = 0;
  for (;;) {
    const before = (await sizeOf(part)) ?? 0;
    if (before === size && size > 0) return;
    const failure = await transferOnce(url, { part, size }, options);
    const after = (await sizeOf(part)) ?? 0;
    if (after === size) return;
    fruitless = after > before ? 0 : fruitless + 1;
    if (fruitless >= attempts) throw describeCut(url, { after, size, failure });
    await sleep(firstWaitMs * 2 ** fruitless, undefined, { signal });
  }
}

function describeCut(
  url: string,
  { after, size, failure }: { after: number; size: number; failure: unknown },
): RemoteError {
  const why = failure === undefined ? "the connection ended" : messageOf(failure);
  return new RemoteError(
    `${url} broke off after ${after} of ${size} bytes (${why}); run the same command again, it goes on from there`,
    { url, retryable: true, cause: failure },
  );
}

/** One request for what is missing. A broken connection is returned, not thrown: the next attempt goes on. */
async function transferOnce(url: string, { part, size }: Part, options: DownloadOptions): Promise<unknown> {
  const present = (await sizeOf(part)) ?? 0;
  const begin = present < size ? present : 0; // a part that is too long is of no use
  const response = await request(url, begin, options);
  const accepted = response.status === 206 ? begin : 0; // 200: the server sends everything
  const file = await open(part, accepted === 0 ? "w" : "a");
  try {
    await writeBody(response, file, { url, begin: accepted, size, options });
    await file.sync();
    return undefined;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (error instanceof EngineError || isFileError(error)) throw error;
    return error;
  } finally {
    await file.close();
  }
}

async function request(url: string, begin: number, options: DownloadOptions): Promise<Response> {
  // Without "identity" a small file may come compressed, and a range of it would not be a range of the file.
  const headers = { ...options.headers, "accept-encoding": "identity" };
  if (begin === 0) return await fetchWithRetry(url, { headers }, options);
  try {
    const response = await fetchWithRetry(
      url,
      { headers: { ...headers, range: `bytes=${begin}-` } },
      options,
    );
    const range = response.headers.get("content-range") ?? "";
    if (response.status !== 206 || range.startsWith(`bytes ${begin}-`)) return response;
    await response.body?.cancel();
  } catch (error) {
    const isRangeRefused = error instanceof RemoteError && error.status === 416;
    if (!isRangeRefused) throw error;
  }
  const whole = await fetchWithRetry(url, { headers }, options);
  if (whole.status === 206) {
    throw new RemoteError(`${url} answered with a part where the whole was asked for`, { url, status: 206 });
  }
  return whole;
}

interface BodyContext {
  url: string;
  begin: number;
  size: number;
  options: DownloadOptions;
}

async function writeBody(
  response: Response,
  file: FileHandle,
  { url, begin, size, options: { stallMs = 60_000, onBytes, signal } }: BodyContext,
): Promise<void> {
  const reader = response.body?.getReader();
  if (!reader) return;
  let position = begin;
  try {
    for (;;) {
      const result = await readInTime(reader, stallMs, signal);
      if (result.done) return;
      position += result.value.byteLength;
      if (position > size) {
        throw new RemoteError(`${url} sends more than the ${size} bytes that were announced`, { url });
      }
      await file.writeFile(result.value);
      onBytes(position);
    }
  } finally {
    await reader.cancel().catch(() => undefined); // already broken: nothing to give back
  }
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

async function readInTime(
  reader: BodyReader,
  stallMs: number,
  signal: AbortSignal | undefined,
): ReturnType<BodyReader["read"]> {
  const timer = new AbortController();
  const stall = sleep(stallMs, undefined, { signal: timer.signal }).then(
    () => Promise.reject(new Error(`nothing came for ${stallMs} ms`)),
    () => new Promise<never>(() => {}),
  );
  try {
    signal?.throwIfAborted();
    return await Promise.race([reader.read(), stall]);
  } finally {
    timer.abort();
  }
}

/** Errors of the disk have a system code that errors of a connection cannot have. */
function isFileError(error: unknown): boolean {
  return explainSystemError(error, "") !== error;
}

/** Where the hub tells no hash, the size has to do. */
async function checkHash(url: string, part: string, { size, sha256, gitSha1 }: ModelFile): Promise<void> {
  const [wanted, got] = sha256
    ? [sha256, await sha256OfFile(part)]
    : [gitSha1, gitSha1 && (await gitSha1OfFile(part, size))];
  if (wanted === got) return;
  await rm(part, { force: true });
  throw new FormatError(
    `what ${url} sent has hash ${got}, wanted ${wanted}: it was damaged on the way or changed; run the same command again`,
    { path: part },
  );
}

/** https://git-scm.com/book/en/v2/Git-Internals-Git-Objects: a blob's hash covers its kind and size too. */
async function gitSha1OfFile(path: string, size: number): Promise<string> {
  const hash = createHash("sha1").update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
