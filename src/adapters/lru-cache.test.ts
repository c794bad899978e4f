import { describe, expect, it } from "vitest";
import { LruCache } from "./lru-cache.ts";

describe("LruCache", () => {
  it("drops the value unused for longest when the bytes do not suffice", () => {
    const cache = new LruCache<string>(10);
    cache.set("a", "A", 4);
    cache.set("b", "B", 4);
    cache.get("a");
    cache.set("c", "C", 4);
    expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["A", undefined, "C"]);
    expect(cache.bytes).toBe(8);
  });

  it("drops as many as needed", () => {
    const cache = new LruCache<string>(10);
    for (const key of ["a", "b", "c", "d", "e"]) cache.set(key, key, 2);
    cache.set("f", "f", 5);
    expect(["a", "b", "c", "d", "e", "f"].filter((key) => cache.get(key))).toEqual(["d", "e", "f"]);
  });

  it("does not keep what is above the limit, nor an old value of the same key", () => {
    const cache = new LruCache<string>(10);
    cache.set("a", "A", 10);
    cache.set("a", "B", 11);
    expect(cache.get("a")).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });

  it("counts a replaced value once, and a deleted one not at all", () => {
    const cache = new LruCache<string>(10);
    cache.set("a", "A", 3);
    cache.set("a", "B", 5);
    expect(cache.bytes).toBe(5);
    cache.delete("a");
    cache.delete("a");
    expect(cache.bytes).toBe(0);
  });
});
