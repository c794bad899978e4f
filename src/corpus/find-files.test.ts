import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findFiles } from "./find-files.ts";

let base: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "prag-find-"));
  const names = [
    "docs/b.TXT",
    "docs/a.md",
    "docs/deep/er/c.txt",
    "docs/.hidden.txt",
    "docs/.git/config.txt",
    "docs/node_modules/x/readme.md",
    "docs/with (brackets) [1].txt",
    "other/z.txt",
    "(of) {a,b} [1]/c.txt",
    "(of) {a,b} [1]/d/e.txt",
    "node_modules/package/docs/inside.md",
  ];
  for (const name of names) {
    await mkdir(dirname(join(base, name)), { recursive: true });
    await writeFile(join(base, name), "x");
  }
  await symlink("../other", join(base, "docs/away"));
  await symlink("../other/z.txt", join(base, "docs/away.txt"));
  await symlink(".", join(base, "docs/loop"));
  await mkdir(join(base, "empty"));
});
afterAll(() => rm(base, { recursive: true, force: true }));

const sources = async (...inputs: string[]) =>
  (await findFiles(inputs, base)).files.map(({ source }) => source);

describe("findFiles", () => {
  it("takes all below a folder but what is hidden, installed or a link, in order", async () => {
    const all = ["docs/a.md", "docs/b.TXT", "docs/deep/er/c.txt", "docs/with (brackets) [1].txt"];
    expect(await sources("docs")).toEqual(all);
    expect(await sources(join(base, "docs/"))).toEqual(all);
  });

  it("takes globs and single files, each file once", async () => {
    expect(await sources("docs/**/*.txt", "./docs/deep")).toEqual([
      "docs/deep/er/c.txt",
      "docs/with (brackets) [1].txt",
    ]);
    expect(await sources(`${base}/docs/*.{md,TXT}`, "docs/a.md")).toEqual(["docs/a.md", "docs/b.TXT"]);
    expect(await sources("docs/with (brackets) [1].txt")).toEqual(["docs/with (brackets) [1].txt"]);
  });

  it("takes what is named itself, even if hidden, installed, a link or outside the base", async () => {
    expect(await sources("docs/.hidden.txt", "docs/away.txt")).toEqual(["docs/.hidden.txt", "docs/away.txt"]);
    expect(await sources("node_modules/package/docs")).toEqual(["node_modules/package/docs/inside.md"]);
    const outside = await findFiles(["other/z.txt"], join(base, "docs"));
    expect(outside.skipped).toEqual([{ source: "other/z.txt", reason: "does not exist" }]);
    expect((await findFiles(["../other"], join(base, "docs"))).files).toMatchObject([
      { source: "../other/z.txt", path: join(base, "other/z.txt"), extension: ".txt", size: 1 },
    ]);
  });

  it("leaves the data folder out unless it, or what lies in it, is named", async () => {
    const found = async (...inputs: string[]) =>
      (await findFiles(inputs, base, { dataFolder: join(base, "docs/deep") })).files.map(
        ({ source }) => source,
      );
    const inside = ["docs/deep/er/c.txt"];
    expect(await found("docs")).toEqual(["docs/a.md", "docs/b.TXT", "docs/with (brackets) [1].txt"]);
    expect(await found("docs/**/c.txt")).toEqual([]);
    expect(await found("docs/deep/er/c.txt")).toEqual(inside);
    expect(await found("docs/deep/**/*.txt")).toEqual(inside);
    expect(await found("docs", join(base, "docs/deep"))).toContain(inside[0]);
  });

  it("takes globs in a folder whose own name looks like one", async () => {
    const folder = "(of) {a,b} [1]";
    expect(await sources(`${folder}/*.txt`)).toEqual([`${folder}/c.txt`]);
    expect(await sources(join(base, folder, "**/*.txt"))).toEqual([`${folder}/c.txt`, `${folder}/d/e.txt`]);
    const { skipped } = await findFiles([`${folder}/x.txt`], base);
    expect(skipped).toEqual([{ source: `${folder}/x.txt`, reason: "does not exist" }]);
  });

  it("takes nothing from outside of the folder that is asked for, by glob or link", async () => {
    const within = join(base, "docs");
    const inputs = ["docs/*/../../other/*.txt", "docs/away.txt", "docs/a.md"];
    const { files, skipped } = await findFiles(inputs, base, { within });
    expect(files.map(({ source }) => source)).toEqual(["docs/a.md"]);
    expect(skipped.map(({ source }) => source).sort()).toEqual(["docs/away.txt", "other/z.txt"]);
  });

  it("says what names nothing", async () => {
    const { files, skipped } = await findFiles(["nope", "empty", "docs/*.pdf", "/dev/null"], base);
    expect(files).toEqual([]);
    expect(skipped.map(({ reason }) => reason)).toEqual([
      "does not exist",
      "no files in this folder (hidden ones and links are not taken)",
      "no file matches this pattern",
      "not a regular file",
    ]);
  });
});
