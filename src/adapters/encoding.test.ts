import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, FormatError, NotFoundError, UnsupportedError } from "../base/errors.ts";
import { randomAdapter } from "./adapter.suite.ts";
import { openEncoding, readEncoding } from "./encoding.ts";

const header = { model: { name: "tiny", fingerprint: "f1" }, recipe: "r1" };
const [keyA, keyB, keyC] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];
const adapters = new Map([
  [keyA, randomAdapter(1)],
  [keyB, randomAdapter(2)],
]);
const store = {
  async load(key: string) {
    const adapter = adapters.get(key);
    if (!adapter) throw new NotFoundError(`no ${key}`);
    return adapter;
  },
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "encoding-"));
  path = join(folder, "encodings", "e.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function writeRows(...rows: { passageId: string; key: string; seconds?: number }[]): Promise<void> {
  const encoding = await openEncoding(path, { header, store });
  for (const row of rows) await encoding.append(row);
  await encoding.close();
}

describe("encoding", () => {
  it("is empty, and no file, until something is appended", async () => {
    const encoding = await openEncoding(path, { header, store });
    expect(encoding.rows()).toEqual([]);
    expect(encoding.keyOf("p1")).toBeUndefined();
    await encoding.close();
    expect(await readEncoding(path)).toBeUndefined();
  });

  it("gives back what was appended, also after it is opened again", async () => {
    const rows = [
      { passageId: "p1", key: keyA, seconds: 1.5, trainingTokens: 900, losses: [3, 2.5] },
      { passageId: "p2", key: keyB },
    ];
    await writeRows(...rows);
    const encoding = await openEncoding(path, { header, store });
    expect(encoding.rows()).toEqual(rows);
    expect(encoding.keyOf("p2")).toBe(keyB);
    expect((await readEncoding(path))?.header).toEqual(header);
  });

  it("writes its header once", async () => {
    await writeRows({ passageId: "p1", key: keyA });
    await writeRows({ passageId: "p2", key: keyB });
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.filter((line) => line.includes("fingerprint"))).toHaveLength(1);
    expect(lines).toHaveLength(3);
  });

  it("lets the last row of a passage win, and forgets", async () => {
    await writeRows(
      { passageId: "p1", key: keyA },
      { passageId: "p2", key: keyA },
      { passageId: "p1", key: keyB },
    );
    const encoding = await openEncoding(path, { header, store });
    expect(encoding.rows().map((row) => row.key)).toEqual([keyB, keyA]);
    await encoding.forget("p2");
    await encoding.forget("unknown");
    await encoding.close();
    const again = await openEncoding(path, { header, store });
    expect(again.rows().map((row) => row.passageId)).toEqual(["p1"]);
  });

  it("loads in the order asked for; what is not encoded, or deleted from the store, is undefined", async () => {
    await writeRows(
      { passageId: "p1", key: keyA },
      { passageId: "p2", key: keyB },
      { passageId: "p3", key: keyC },
    );
    const encoding = await openEncoding(path, { header, store });
    expect(await encoding.load(["p2", "nowhere", "p1", "p3", "p2"])).toEqual([
      adapters.get(keyB),
      undefined,
      adapters.get(keyA),
      undefined,
      adapters.get(keyB),
    ]);
  });

  it("passes on every other failure of the store", async () => {
    await writeRows({ passageId: "p1", key: keyA });
    const broken = { load: () => Promise.reject(new FormatError("damaged", { path: "x" })) };
    const encoding = await openEncoding(path, { header, store: broken });
    await expect(encoding.load(["p1"])).rejects.toThrow(FormatError);
  });

  it("shows a reader what a writer appended, on refresh", async () => {
    const reader = await openEncoding(path, { header, store });
    await writeRows({ passageId: "p1", key: keyA });
    expect(reader.keyOf("p1")).toBeUndefined();
    await reader.refresh();
    expect(reader.keyOf("p1")).toBe(keyA);
  });

  it("sees a file that another process has put in its place, and appends to that one", async () => {
    const encoding = await openEncoding(path, { header, store });
    await encoding.append({ passageId: "p1", key: keyA });
    await rm(join(folder, "encodings"), { recursive: true });
    await writeRows({ passageId: "p2", key: keyB }); // as long as what was there before
    await encoding.refresh();
    expect(encoding.rows()).toEqual([{ passageId: "p2", key: keyB }]);
    await encoding.append({ passageId: "p3", key: keyA });
    expect([...((await readEncoding(path))?.rows.keys() ?? [])]).toEqual(["p2", "p3"]);
    await rm(join(folder, "encodings"), { recursive: true });
    await encoding.append({ passageId: "p4", key: keyA });
    await encoding.close();
    expect((await readEncoding(path))?.header).toEqual(header);
  });

  it("survives a killed writer: its half line is not read, and the next writer cuts it off", async () => {
    await writeRows({ passageId: "p1", key: keyA });
    const undisturbed = await readFile(path, "utf8");
    for (let length = 1; length < 40; length += 6) {
      await writeFile(path, undisturbed + `{"passageId":"p2","key":"${keyB}"}`.slice(0, length));
      const encoding = await openEncoding(path, { header, store });
      expect(encoding.rows()).toHaveLength(1);
      await encoding.append({ passageId: "p2", key: keyB });
      await encoding.close();
      expect((await readEncoding(path))?.rows.get("p2")?.key).toBe(keyB);
    }
  });

  it("survives a writer that was killed in the header", async () => {
    await writeRows({ passageId: "p1", key: keyA });
    await writeFile(path, (await readFile(path, "utf8")).slice(0, 20));
    await writeRows({ passageId: "p2", key: keyB });
    expect([...((await readEncoding(path))?.rows.keys() ?? [])]).toEqual(["p2"]);
  });

  it("refuses another model or recipe and says what to do", async () => {
    await writeRows({ passageId: "p1", key: keyA });
    const model = { name: "large", fingerprint: "f2" };
    const otherModel = openEncoding(path, { header: { ...header, model }, store });
    await expect(otherModel).rejects.toThrow(ConfigError);
    await expect(otherModel).rejects.toThrow(
      /tiny \(fingerprint f1\), not for large \(f2\); choose that model/,
    );
    const otherRecipe = openEncoding(path, { header: { ...header, recipe: "r2" }, store });
    await expect(otherRecipe).rejects.toThrow(ConfigError);
    await expect(otherRecipe).rejects.toThrow(/r1, not r2/);
  });

  it("refuses another format version", async () => {
    await writeRows({ passageId: "p1", key: keyA });
    await writeFile(path, (await readFile(path, "utf8")).replace('"formatVersion":1', '"formatVersion":2'));
    await expect(readEncoding(path)).rejects.toThrow(UnsupportedError);
  });

  it.each([
    ["a row that is no JSON", "{nonsense}\n"],
    ["a row without a passage", `{"key":"${"a".repeat(64)}"}\n`],
    ["a key that leads elsewhere", '{"passageId":"p2","key":"../../x"}\n'],
  ])("refuses %s, with its line", async (_, line) => {
    await writeRows({ passageId: "p1", key: keyA });
    await appendFile(path, line);
    const read = readEncoding(path);
    await expect(read).rejects.toThrow(FormatError);
    await expect(read).rejects.toThrow(`${path}:3`);
  });

  it("does not write a row that it could not read", async () => {
    const encoding = await openEncoding(path, { header, store });
    await expect(encoding.append({ passageId: "p1", key: "no key" })).rejects.toThrow(FormatError);
    await encoding.append({ passageId: "p1", key: keyA });
    await encoding.close();
    expect((await readEncoding(path))?.rows.size).toBe(1);
  });
});
