import { describe, expect, it } from "vitest";
import { makeRoom } from "./eviction.ts";

const adapter = (key: string, heat: number, bytes = 10) => ({ key, heat, bytes, uses: [] });
const keys = ({ victims }: ReturnType<typeof makeRoom>) => victims.map(({ key }) => key);

describe("makeRoom", () => {
  it("evicts nothing while there is room, and only as many as needed where there is none", () => {
    const all = [adapter("a", 1), adapter("b", 0)];
    expect(makeRoom([8, 8], all, { freeBytes: 20, eachBytes: 10 })).toEqual({ count: 2, victims: [] });
    const one = makeRoom([8, 8], all, { freeBytes: 15, eachBytes: 10 });
    expect([one.count, keys(one)]).toEqual([2, ["b"]]);
  });

  it("takes the coldest first, equals by key", () => {
    const all = [adapter("d", 2), adapter("c", 0.5), adapter("b", 0.5), adapter("a", 1)];
    const made = makeRoom([9, 9, 9], all, { freeBytes: 0, eachBytes: 10 });
    expect([made.count, keys(made)]).toEqual([3, ["b", "c", "a"]]);
  });

  it("keeps what is not much colder than the passage that would take its place", () => {
    const all = [adapter("a", 1), adapter("b", 3)];
    const made = makeRoom([4, 2, 2], all, { freeBytes: 0, eachBytes: 10 });
    expect([made.count, keys(made)]).toEqual([1, ["a"]]);
    expect(makeRoom([1.9], all, { freeBytes: 0, eachBytes: 10 })).toEqual({ count: 0, victims: [] });
  });

  it("deletes none where even all that may go are too small", () => {
    const all = [adapter("a", 0, 4), adapter("b", 0, 4)];
    expect(makeRoom([9], all, { freeBytes: 1, eachBytes: 10 })).toEqual({ count: 0, victims: [] });
    const made = makeRoom([9], all, { freeBytes: 3, eachBytes: 10 });
    expect([made.count, keys(made)]).toEqual([1, ["a", "b"]]);
  });
});
