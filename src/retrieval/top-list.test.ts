import { describe, expect, it } from "vitest";
import { Random } from "../base/random.ts";
import { TopList } from "./top-list.ts";

describe("TopList", () => {
  it.each([0, 1, 2, 7, 100, 1000])("keeps the best %d as sorting all would", (limit) => {
    const random = new Random(limit);
    const items = Array.from({ length: 500 }, (_, ordinal) => ({ ordinal, score: random.int(40) }));
    const rank = (ordinal: number) => (ordinal * 7919) % 500;
    const top = new TopList(limit, rank);
    for (const { ordinal, score } of items) top.offer(ordinal, score);
    items.sort((a, b) => b.score - a.score || rank(a.ordinal) - rank(b.ordinal));
    expect(top.items()).toEqual(items.slice(0, limit));
  });
});
