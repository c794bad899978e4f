import { createReadStream } from "node:fs";
import { TextDecoder } from "node:util";
import { InputError, messageOf, systemCode } from "../../base/errors.ts";
import { finish, type Steps } from "../../base/steps.ts";

/** Text whose first bytes are a byte order mark of UTF-16 is decoded as such; all else is UTF-8. */
function encodingOf(bytes: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return "utf-8";
}

function decodeChecked(decoder: TextDecoder, bytes: Uint8Array | undefined, at: number): string {
  let text: string;
  try {
    text = bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
  } catch (error) {
    throw new InputError(
      `broken encoding: not valid ${decoder.encoding.toUpperCase()} near byte ${at}; save it as UTF-8`,
      { cause: error },
    );
  }
  if (text.includes("\0")) throw new InputError(`binary: a NUL character near byte ${at}`);
  return text;
}

/** A text in the encoding of its byte order mark, else the one with this label (`euc-kr`), else UTF-8. */
export function decodeBytes(bytes: Uint8Array, label: string | undefined): string {
  const encoding = encodingOf(bytes);
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding === "utf-8" && label ? label : encoding, { fatal: true });
  } catch (error) {
    throw new InputError(`unknown encoding ${label}; save it as UTF-8`, { cause: error });
  }
  return decodeChecked(decoder, bytes, 0) + decodeChecked(decoder, undefined, bytes.length);
}

/** The text of a file in pieces, without its byte order mark. Broken encodings and binary files are an `InputError`. */
export async function* decodeFile(path: string, signal?: AbortSignal): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let at = 0;
  for await (const bytes of readFileInPieces(path, signal)) {
    decoder ??= new TextDecoder(encodingOf(bytes), { fatal: true });
    yield decodeChecked(decoder, bytes, at);
    at += bytes.length;
  }
  if (decoder) yield decodeChecked(decoder, undefined, at);
}

/** The bytes of a file; what the system refuses is an `InputError`. */
export async function* readFileInPieces(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const stream = createReadStream(path, { highWaterMark: 1 << 18 });
  try {
    for await (const bytes of stream) {
      signal?.throwIfAborted();
      yield bytes;
    }
  } catch (error) {
    const code = systemCode(error);
    if (code?.startsWith("E") && !code.startsWith("ERR"))
      throw new InputError(`unreadable: ${messageOf(error)}`, { cause: error });
    throw error;
  } finally {
    stream.destroy();
  }
}

/** Half of what a string can hold, so that it can be changed. */
const maxTextLength = 2 ** 28;

/** The whole text of a file. */
export async function decodeWhole(path: string, signal?: AbortSignal): Promise<string> {
  let text = "";
  for await (const piece of decodeFile(path, signal)) {
    text += piece;
    if (text.length > maxTextLength)
      throw new InputError(`too large: more than ${maxTextLength} characters in one text`);
  }
  return text;
}

/** All bytes of a file. */
export async function readBytes(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for await (const piece of readFileInPieces(path, signal)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Lines of a text that comes in pieces, without their ends (LF or CRLF). */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest: string[] = [];
  for await (const piece of pieces) {
    const lines = piece.split("\n");
    const last = lines.pop() ?? "";
    for (const [i, line] of lines.entries()) {
      const whole = i === 0 ? rest.join("") + line : line;
      yield whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    }
    if (lines.length) rest = [];
    rest.push(last);
  }
  const last = rest.join("");
  if (last !== "") yield last;
}

/** Whole lines of about so many characters are tidied in one step. */
const charactersOfAStep = 1 << 15;

/**
 * One form for texts that look alike: composed characters (NFC), LF, no soft hyphens, no lone surrogates, no spaces
 * at line ends, at most one blank line, nothing around.
 */
export function* tidySteps(text: string): Steps<string> {
  const tidied: string[] = [];
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf("\n", from + charactersOfAStep) + 1 || text.length;
    tidied.push(tidyLines(text.slice(from, end)));
    yield end - from;
    from = end;
  }
  return tidied
    .join("")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

/** No character of a line depends on the lines around it. */
function tidyLines(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .normalize("NFC")
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/[\u00ad\ufeff]/g, "")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** The same, on one line. */
export function tidyTitle(title: string): string {
  return finish(tidySteps(title)).replace(/\s+/g, " ");
}
