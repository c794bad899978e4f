/** One message of a stream of server-sent events. */
export interface ServerMessage {
  event: string;
  data: string;
}

/**
 * Reads server-sent events from a response (https://html.spec.whatwg.org/multipage/server-sent-events.html). `EventSource`
 * is not used: it can neither send a body nor an API key.
 */
export async function* readMessages(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerMessage> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let buffer = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      buffer += done ? `${decoder.decode()}\n\n` : decoder.decode(value, { stream: true });
      // A carriage return at the very end may be the first half of a line break.
      const cut = done || !buffer.endsWith("\r") ? buffer.length : buffer.length - 1;
      buffer = buffer.slice(0, cut).replace(/\r\n?/g, "\n") + buffer.slice(cut);
      const blocks = buffer.split("\n\n");
      buffer = blocks.pop() ?? "";
      for (const block of blocks) {
        const message = parseBlock(block);
        if (message) yield message;
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => {}); // the other side may be gone already
  }
}

function parseBlock(block: string): ServerMessage | undefined {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  }
  return data.length ? { event, data: data.join("\n") } : undefined;
}
