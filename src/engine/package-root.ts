import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { parseJson } from "../base/files.ts";

/** Folder of this package: two levels above this file, in `src/` as in `dist/`. */
export const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

/** Version of this package. */
export const packageVersion = parseJson(
  readFileSync(join(packageRoot, "package.json"), "utf8"),
  z.object({ version: z.string() }),
  "package.json",
).version;
