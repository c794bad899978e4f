import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { eventResponse, isEventStream, onBodyEnd, type ServerEvent } from "./events.ts";

async function* say(...steps: readonly (string | number | Error)[]): AsyncGenerator<ServerEvent> {
  for (const step of steps) {
    if (step instanceof Error) throw step;
    if (typeof step === "number") await sleep(step);
    else yield { event: "e", data: step };
  }
}

/** The pieces in which an answer comes, and what ended it. */
async function pieces(response: Response): Promise<{ list: string[]; error: unknown }> {
  const list: string[] = [];
  if (!response.body) throw new Error("wanted a body");
  try {
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) list.push(piece);
  } catch (error) {
    return { list, error };
  }
  return { list, error: undefined };
}

/** A source that never says anything. */
async function* silence(): AsyncGenerator<ServerEvent> {
  await new Promise(() => {});
  yield { data: "" };
}

const text = (...data: string[]) => data.map((one) => `event: e\ndata: ${one}\n\n`).join("");

describe("eventResponse", () => {
  it("sends together what is there together, and does not wait for more", async () => {
    const ends: string[] = [];
    const response = eventResponse(say("a", "b", 20, "c", 20, "d", "e"), () => ends.push("end"));
    expect((await pieces(response)).list).toEqual([text("a", "b"), text("c"), text("d", "e")]);
    expect(ends).toEqual(["end"]);
  });

  it("sends what came before a failure", async () => {
    const { list, error } = await pieces(eventResponse(say("a", "b", new Error("broken"))));
    expect(list).toEqual([text("a", "b")]);
    expect(error).toMatchObject({ message: "broken" });
  });

  it("bounds a piece, however much is there", async () => {
    const long = Array.from({ length: 10 }, (_, i) => String(i).repeat(20_000));
    const { list } = await pieces(eventResponse(say(...long)));
    expect(list.join("")).toBe(text(...long));
    expect(list.length).toBeGreaterThan(2);
  });

  it("says that it is still there while nothing comes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const reader = eventResponse(silence()).body?.getReader();
      const first = reader?.read();
      await vi.advanceTimersByTimeAsync(15_000);
      expect(new TextDecoder().decode((await first)?.value)).toBe(": ping\n\n");
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends the source when the client goes", async () => {
    let isOver = false;
    const source = (async function* () {
      try {
        for (let i = 0; ; i++) {
          await sleep(1);
          yield { data: String(i) };
        }
      } finally {
        isOver = true;
      }
    })();
    const reader = eventResponse(source).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    expect(isOver).toBe(true);
  });
});

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

  it("is told once where the client goes while a piece is awaited", async () => {
    let ends = 0;
    const endless = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(1)),
    });
    const reader = onBodyEnd(new Response(endless), () => ends++).body!.getReader();
    await reader.read();
    const pending = reader.read();
    await setImmediate();
    await reader.cancel();
    expect(await pending).toEqual({ done: true, value: undefined });
    await setImmediate();
    expect(ends).toBe(1);
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
