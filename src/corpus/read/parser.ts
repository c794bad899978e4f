import { Worker } from "node:worker_threads";
import { z } from "zod";
import { InputError, messageOf, systemCode } from "../../base/errors.ts";

/** Formats whose libraries may take any time and memory on a bad file, so they run in a thread of their own. */
export type ParsedFormat = "html" | "pdf" | "docx";

/** What a file says of itself, and its text. */
export interface Parsed {
  title: string | undefined;
  text: string;
}

/** Parses files one after the other in a thread that is ended and started again when a file is too much for it. */
export interface Parser {
  /** An `InputError` where the file cannot be parsed within the limits. */
  parse(format: ParsedFormat, input: string | Uint8Array, signal?: AbortSignal): Promise<Parsed>;
  close(): Promise<void>;
}

/** The limits of one file. */
export interface ParserOptions {
  timeoutMs?: number;
  /** By how much the process may grow while a file is parsed; one that is above it has a second try. */
  maxMemoryBytes?: number;
  /** Of what an archive holds, unpacked; more text than a corpus wants of one file. */
  maxUnpackedBytes?: number;
}

const answerSchema = z.union([
  z.object({ title: z.string().optional(), text: z.string() }),
  z.object({ reason: z.string() }),
]);

/** Opens a parser; its thread starts with the first file. */
export function openParser({
  timeoutMs = 60_000,
  maxMemoryBytes = 2 * 2 ** 30,
  maxUnpackedBytes = 256 * 2 ** 20,
}: ParserOptions = {}): Parser {
  let worker: Worker | undefined;
  const stop = async () => {
    const stopped = worker;
    worker = undefined;
    await stopped?.terminate();
  };
  const attempt = async (request: ParseRequest, signal: AbortSignal | undefined): Promise<Parsed> => {
    signal?.throwIfAborted();
    worker ??= startWorker(maxMemoryBytes);
    const running = worker;
    const watch = createWatch({ timeoutMs, maxMemoryBytes, signal });
    try {
      const answer = await Promise.race([ask(running, request), watch.tooMuch]);
      if ("reason" in answer) throw new InputError(answer.reason);
      return { title: answer.title, text: answer.text };
    } catch (error) {
      if (error instanceof RefusedError) await stop();
      signal?.throwIfAborted();
      throw error;
    } finally {
      watch.end();
    }
  };
  return {
    async parse(format, input, signal) {
      const request = { format, input, maxUnpackedBytes };
      try {
        return await attempt(request, signal).catch((error: unknown) => {
          if (!(error instanceof GrowthError)) throw error;
          return attempt(request, signal);
        });
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        throw new InputError(error.message, { cause: error.cause });
      }
    },
    close: stop,
  };
}

interface ParseRequest {
  format: ParsedFormat;
  input: string | Uint8Array;
  maxUnpackedBytes: number;
}

/** The thread has to be ended. */
class RefusedError extends Error {}

/** The process has grown too much: by this file, or by something beside it, as a model that was just opened. */
class GrowthError extends RefusedError {}

/** The built worker lies beside this file, or in dist/ when this file runs as TypeScript (tests). */
function startWorker(maxMemoryBytes: number): Worker {
  const path = import.meta.url.endsWith(".ts")
    ? "../../../dist/corpus/read/parse-worker.js"
    : "./parse-worker.js";
  const worker = new Worker(new URL(path, import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(maxMemoryBytes / 2 ** 20) },
    stdout: true, // what libraries print about bad files is not for our output
    stderr: true,
  });
  worker.unref();
  worker.on("error", () => {}); // heard by whoever asked
  return worker;
}

async function ask(worker: Worker, request: ParseRequest): Promise<z.infer<typeof answerSchema>> {
  const { promise, resolve, reject } = withResolvers<unknown>();
  const fail = (error: unknown) => {
    const isMemory = systemCode(error) === "ERR_WORKER_OUT_OF_MEMORY";
    const reason = isMemory ? "needs too much memory" : `malformed ${request.format}: ${messageOf(error)}`;
    reject(new RefusedError(reason, { cause: error }));
  };
  const leave = (code: number) => fail(new Error(`the parser ended with code ${code}`));
  worker.ref();
  worker.once("message", resolve).once("error", fail).once("exit", leave);
  try {
    worker.postMessage(request);
    return answerSchema.parse(await promise);
  } finally {
    worker.off("message", resolve).off("error", fail).off("exit", leave);
    worker.unref();
  }
}

/** Rejects when the time or the memory of one file is used up, or the signal comes. */
function createWatch(limits: { timeoutMs: number; maxMemoryBytes: number; signal: AbortSignal | undefined }) {
  const { timeoutMs, maxMemoryBytes, signal } = limits;
  const { promise, reject } = withResolvers<never>();
  promise.catch(() => {});
  const refuse = (reason: string) => reject(new RefusedError(reason));
  const before = process.memoryUsage.rss();
  const timeout = setTimeout(() => refuse(`takes more than ${timeoutMs / 1000} s to parse`), timeoutMs);
  const memory = setInterval(() => {
    if (process.memoryUsage.rss() - before > maxMemoryBytes) reject(new GrowthError("needs too much memory"));
  }, 100);
  const abort = () => refuse("stopped");
  signal?.addEventListener("abort", abort, { once: true });
  return {
    tooMuch: promise,
    end() {
      clearTimeout(timeout);
      clearInterval(memory);
      signal?.removeEventListener("abort", abort);
    },
  };
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((accept, refuse) => {
    resolve = accept;
    reject = refuse;
  });
  return { promise, resolve, reject };
}
