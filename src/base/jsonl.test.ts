import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { compileModules } from "./compile.suite.ts";
import { CapacityError, FormatError, NotFoundError } from "./errors.ts";
import { openJsonl, readGivenJsonl, readJsonl } from "./jsonl.ts";
import { Random } from "./random.ts";
import { createTinyDisk } from "./tiny-disk.suite.ts";

const root = mkdtempSync(join(tmpdir(), "prag-jsonl-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
const newPath = () => join(root, String(count++), "rows.jsonl");
const schema = z.object({ i: z.int(), text: z.string().optional() });

async function append(path: string, ...rows: object[]): Promise<void> {
  const file = await openJsonl(path);
  try {
    for (const row of rows) await file.append(row);
  } finally {
    await file.close();
  }
}

describe("JSONL files", () => {
  it("give back what was appended, newlines in texts too, over several openings", async () => {
    const path = newPath();
    expect(await readJsonl(path, schema)).toEqual([]);
    await append(path, { i: 0, text: "a\nb\u2028c" }, { i: 1 });
    await append(path, { i: 2, text: "한국어" });
    expect(await readJsonl(path, schema)).toEqual([
      { i: 0, text: "a\nb\u2028c" },
      { i: 1 },
      { i: 2, text: "한국어" },
    ]);
    expect(readFileSync(path, "utf8").split("\n")).toHaveLength(4);
  });

  it("keep the order of calls that do not wait for one another", async () => {
    const path = newPath();
    const file = await openJsonl(path);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => file.append({ i, text: "x".repeat(70_000 - 3000 * i) })),
    );
    await file.close();
    expect((await readJsonl(path, schema)).map(({ i }) => i)).toEqual([...Array(20).keys()]);
  });

  it("survive a cut at any byte: whole lines are read, and the next append follows them", async () => {
    const path = newPath();
    await append(path, { i: 0, text: "é東" }, { i: 1 });
    const whole = readFileSync(path);
    const firstEnd = whole.indexOf(0x0a) + 1;
    for (let cut = 0; cut <= whole.length; cut++) {
      writeFileSync(path, whole.subarray(0, cut));
      const kept = [{ i: 0, text: "é東" }, { i: 1 }].slice(
        0,
        cut === whole.length ? 2 : cut >= firstEnd ? 1 : 0,
      );
      expect(await readJsonl(path, schema)).toEqual(kept);
      await append(path, { i: 9 });
      expect(await readJsonl(path, schema)).toEqual([...kept, { i: 9 }]);
    }
  });

  it("that somebody gives must be there, and may lack their last newline", async () => {
    const path = join(root, "given.jsonl");
    await expect(readGivenJsonl(path, schema)).rejects.toThrow(NotFoundError);
    writeFileSync(path, '\uFEFF{"i":1}\n\n{"i":2,"text":"last"}');
    expect(await readGivenJsonl(path, schema)).toEqual([{ i: 1 }, { i: 2, text: "last" }]);
  });

  it("name the file and the line that is wrong", async () => {
    const path = newPath();
    await append(path, { i: 0 }, { i: "one" });
    const error = await readJsonl(path, schema).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FormatError);
    expect(error).toMatchObject({ path: `${path}:2`, message: expect.stringContaining('"i"') });
    writeFileSync(path, '{"i":0}\n\nnonsense\n');
    await expect(readJsonl(path, schema)).rejects.toThrow(`${path}:3`);
  });

  it("hold every acknowledged row, in order, after the writer was killed", { timeout: 120_000 }, async () => {
    const compiled = compileModules("base/jsonl.ts");
    try {
      const script = compiled.writeScript(
        "writer.js",
        `import { openJsonl } from ${JSON.stringify(compiled.urlOf("base/jsonl.ts"))};
         const [path, from] = process.argv.slice(2);
         const file = await openJsonl(path);
         for (let i = Number(from); ; i++) {
           await file.append({ i, text: "x".repeat(i % 7 * 3000) });
           process.stdout.write(i + "\\n");
         }`,
      );
      const path = newPath();
      const random = new Random("kills");
      let rows = 0;
      for (let round = 0; round < 6; round++) {
        const child = spawn(process.execPath, [script, path, String(rows)], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        let output = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
        await once(child.stdout, "data");
        await new Promise((resolve) => setTimeout(resolve, random.int(25)));
        child.kill("SIGKILL");
        await once(child, "close");
        const acknowledged = Number(output.split("\n").at(-2)) + 1;
        const read = (await readJsonl(path, schema)).map(({ i }) => i);
        expect(read).toEqual([...Array(read.length).keys()]);
        expect(read.length).toBeGreaterThanOrEqual(acknowledged);
        rows = read.length;
      }
    } finally {
      compiled.remove();
    }
  });

  it("say that the disk is full, and go on after space was freed without a torn line", async ({ skip }) => {
    const disk = createTinyDisk(256 * 1024);
    if (!disk) return skip("no permission to mount a small disk");
    try {
      const path = join(disk.folder, "rows.jsonl");
      const file = await openJsonl(path);
      await file.append({ i: 0 });
      disk.fill();
      await expect(file.append({ i: 1, text: "x".repeat(10_000) })).rejects.toThrow(CapacityError);
      disk.free();
      await file.append({ i: 2 });
      await file.close();
      expect(await readJsonl(path, schema)).toEqual([{ i: 0 }, { i: 2 }]);
    } finally {
      disk.remove();
    }
    expect(existsSync(disk.folder)).toBe(false);
  });
});
