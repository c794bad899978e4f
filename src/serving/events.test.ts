import { describe, expect, it } from "vitest";
import { isEventStream, onBodyEnd } from "./events.ts";

function streaming(pieces: string[]) {
  let isCancelled = false;
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = left.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
    cancel() {
      isCancelled = true;
    },
  });
  const response = new Response(body, { status: 201, headers: { "Content-Type": "text/event-stream" } });
  return { response, isCancelled: () => isCancelled };
}

describe("the end of a body", () => {
  it("is told once it has been read, and not before; the answer stays the same", async () => {
    let ends = 0;
    const { response } = streaming(["a", "b"]);
    expect(isEventStream(response)).toBe(true);
    const watched = onBodyEnd(response, () => ends++);
    const reader = watched.body!.getReader();
    const read = async () => new TextDecoder().decode((await reader.read()).value);
    expect([await read(), ends]).toEqual(["a", 0]);
    expect([await read(), await read()]).toEqual(["b", ""]);
    expect([ends, watched.status, isEventStream(watched)]).toEqual([1, 201, true]);
  });

  it("is told where the client goes, and where the body fails", async () => {
    let ends = 0;
    const { response, isCancelled } = streaming(["a", "b"]);
    await onBodyEnd(response, () => ends++).body!.cancel();
    expect([ends, isCancelled()]).toEqual([1, true]);
    const broken = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error("gone")) });
    await expect(onBodyEnd(new Response(broken), () => ends++).text()).rejects.toThrow("gone");
    expect(ends).toBe(2);
  });
});
