import { describe, expect, it } from "vitest";
import { nextAnnouncement } from "./announce.ts";

describe("nextAnnouncement", () => {
  it("waits for whole sentences while the text grows", () => {
    expect(nextAnnouncement("It was built by", 0, false)).toBeUndefined();
    expect(nextAnnouncement("It was built. By Ada", 0, false)).toBe("It was built. ");
  });

  it("says the rest at the end, once", () => {
    const text = "It was built. By Ada";
    expect(nextAnnouncement(text, 14, true)).toBe("By Ada");
    expect(nextAnnouncement(text, text.length, true)).toBeUndefined();
  });
});
