import { RemoteError } from "../base/errors.ts";

/** One event longer than this is no token of ours. */
const maxEventCharacters = 4_000_000;

/**
 * The `data` of each event of a stream, in order: https://html.spec.whatwg.org/multipage/server-sent-events.html.
 * Characters and line ends may be split between chunks; comments and other fields are left out. An event that the end of
 * the stream leaves without its blank line is given too, as some servers forget that line.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  { url }: { url: string },
): AsyncGenerator<string> {
  let data: string[] = [];
  let size = 0;
  for await (const line of readLines(body, url)) {
    if (line === "") {
      if (data.length > 0) yield data.join("\n");
      [data, size] = [[], 0];
      continue;
    }
    const value = /^data(?:: ?|$)/.exec(line);
    if (!value) continue;
    data.push(line.slice(value[0].length));
    size += line.length;
    if (size > maxEventCharacters) throw tooLong(url);
  }
  if (data.length > 0) yield data.join("\n");
}

/** Lines ended by CR, LF or CRLF; the last one may have no end. */
async function* readLines(body: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: string[] = []; // of the line that is being read
  let size = 0;
  let afterReturn = false;
  for await (const chunk of body) {
    let text = decoder.decode(chunk, { stream: true });
    // The LF of a CRLF that was split between chunks.
    if (afterReturn && text.startsWith("\n")) text = text.slice(1);
    else if (text === "") continue;
    afterReturn = text.endsWith("\r") || (afterReturn && text === "");
    const lines = text.split(/\r\n|\r|\n/);
    for (const line of lines.slice(0, -1)) {
      yield [...parts, line].join("");
      [parts, size] = [[], 0];
    }
    parts.push(lines.at(-1)!);
    size += lines.at(-1)!.length;
    if (size > maxEventCharacters) throw tooLong(url);
  }
  const rest = parts.join("") + decoder.decode();
  if (rest !== "") yield rest;
}

function tooLong(url: string): RemoteError {
  return new RemoteError(
    `${url} sent an event of more than ${maxEventCharacters} characters; is it a chat endpoint?`,
    {
      url,
    },
  );
}
