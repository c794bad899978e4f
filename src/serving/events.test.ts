import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { eventResponse, type ServerEvent } from "./events.ts";

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
