import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const root = resolve(import.meta.dirname, "../..");

/** Modules of `src/` as JavaScript, for a test's child processes (Node 20 runs no TypeScript). */
export interface CompiledModules {
  /** Writes a script that may import the compiled modules by `urlOf`, and returns its path. */
  writeScript(name: string, text: string): string;
  urlOf(module: string): string;
  remove(): void;
}

/** Compiles these files of `src/` (paths from there) and what they import into a temporary folder. */
export function compileModules(...modules: string[]): CompiledModules {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "prag-compiled-")));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      rootDir: join(root, "src"),
      outDir: join(folder, "out"),
      typeRoots: [join(root, "node_modules/@types")],
    },
    files: modules.map((module) => join(root, "src", module)),
    include: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { stdio: "pipe" });
  return {
    writeScript(name, text) {
      const path = join(folder, basename(name));
      writeFileSync(path, text);
      return path;
    },
    urlOf: (module) => pathToFileURL(join(folder, "out", module.replace(/\.ts$/, ".js"))).href,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
