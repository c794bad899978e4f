import { describe, expect, it } from "vitest";
import { readMessages } from "./sse.ts";

function streamOf(chunks: readonly Uint8Array[], onCancel = () => {}): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks[next++];
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
    cancel: onCancel,
  });
}

async function read(text: string, chunkBytes: number) {
  const bytes = new TextEncoder().encode(text);
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += chunkBytes) chunks.push(bytes.slice(i, i + chunkBytes));
  const messages: string[] = [];
  for await (const { event, data } of readMessages(streamOf(chunks))) messages.push(`${event}=${data}`);
  return messages;
}

describe("readMessages", () => {
  const text =
    ': ping\n\nevent: text-delta\ndata: {"text":" Ähre"}\n\ndata: a\r\ndata:b\r\n\r\nevent: x\n\nid: 1\ndata: last';
  const messages = ['text-delta={"text":" Ähre"}', "message=a\nb", "message=last"];

  it("is the same however the bytes are cut", async () => {
    for (const bytes of [1, 2, 3, 7, 1000]) expect(await read(text, bytes)).toEqual(messages);
  });

  it("lets go of the connection when nobody reads on", async () => {
    let isCancelled = false;
    const endless = new Uint8Array([...new TextEncoder().encode("data: 1\n\n")]);
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(endless),
      cancel: () => void (isCancelled = true),
    });
    for await (const _ of readMessages(stream)) break;
    expect(isCancelled).toBe(true);
  });
});
