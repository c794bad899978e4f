import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NotFoundError } from "../base/errors.ts";
import { listAdapters } from "./adapters.ts";
import { encode } from "./encode.ts";
import { tinySettings, withEngine, withTempFolder } from "./engine.suite.ts";
import { deleteCollection } from "./hosted-collections.ts";
import { ingest } from "./ingest.ts";

/** A collection whose passages have adapters that no other one uses, for it asks for other pairs. */
const fill = (folder: string, collection: string, pairs: number) =>
  withEngine(
    tinySettings(folder, { collection, augment: { augmenter: "rule", pairs } }),
    async ({ parts }) => {
      await ingest(parts, ["docs"], { base: folder });
      await encode(parts);
    },
  );

describe("deleting a collection", () => {
  it("takes its own adapters along, those of a deletion that was killed too, and leaves the others'", () =>
    withTempFolder(
      async (folder) => {
        for (const [name, pairs] of [
          ["a", 1],
          ["b", 2],
          ["c", 2],
          ["d", 3],
        ] as const)
          await fill(folder, name, pairs);
        await withEngine(tinySettings(folder, { collection: "d" }), async ({ parts }) => {
          expect(await listAdapters(parts)).toHaveLength(3);
          // Killed after the collection was moved away, before its adapters went.
          const { path } = parts.folder;
          await mkdir(join(path, "deleted"));
          await rename(join(path, "collections", "a"), join(path, "deleted", "a"));
          await deleteCollection(parts, "b");
          expect(await listAdapters(parts)).toHaveLength(2);
          await deleteCollection(parts, "c");
          expect(await listAdapters(parts)).toHaveLength(1);
          expect(await readdir(path)).not.toContain("deleted");
          await expect(deleteCollection(parts, "c")).rejects.toThrow(NotFoundError);
          // An encoding that cannot be read does not keep a collection alive.
          await fill(folder, "e", 4);
          const encodings = join(path, "collections/e/encodings");
          for (const name of await readdir(encodings)) await writeFile(join(encodings, name), "{}\n");
          await deleteCollection(parts, "e");
          expect(await readdir(join(path, "collections"))).toEqual(["d"]);
          expect(await readdir(path)).not.toContain("deleted");
        });
      },
      { articles: 1 },
    ));
});
