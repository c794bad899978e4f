import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const web = resolve(import.meta.dirname, "../../web");
const files = readdirSync(web, { recursive: true, encoding: "utf8" })
  .map((name) => join(web, name))
  .filter((path) => statSync(path).isFile());

describe("the page's sources", () => {
  it("take only types from the engine, and only from its public API", () => {
    const imports = files
      .filter((path) => /\.tsx?$/.test(path))
      .flatMap((path) => [
        ...readFileSync(path, "utf8").matchAll(/(import|export)\s[^;]*?["']([^"']*src\/[^"']*)["']/g),
      ]);
    expect(imports.length).toBeGreaterThan(0);
    for (const [statement, , specifier] of imports) {
      expect(statement).toMatch(/^(import|export) type\s/);
      expect(specifier).toMatch(/^(\.\.\/)+src\/index\.ts$/);
    }
  });

  it("write no HTML into the page, and fetch nothing from elsewhere", () => {
    for (const path of files.filter((one) => !one.endsWith(".test.ts"))) {
      const text = readFileSync(path, "utf8");
      expect([path, /innerHTML|insertAdjacentHTML|document\.write|eval\(/.exec(text)?.[0]]).toEqual([
        path,
        undefined,
      ]);
      const addresses = [...text.matchAll(/https?:\/\/[^\s"')]+/g)].map(([address]) => address);
      expect(addresses.filter((one) => !/www\.w3\.org|html\.spec\.whatwg\.org/.test(one))).toEqual([]);
    }
  });
});
