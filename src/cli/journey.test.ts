import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { startFakeHub } from "../weights/fake-hub.suite.ts";
import { prag, withWorkFolder } from "./cli.suite.ts";

// Every command is a process of its own, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const answerSchema = z.strictObject({
  answer: z.string(),
  sources: z.array(
    z.strictObject({
      passage: z.string().regex(/^[0-9a-f]{32}$/),
      title: z.string(),
      score: z.number().positive(),
      usedAs: z.enum(["adapter", "context", "both", "skipped"]),
      adapter: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .nullable(),
    }),
  ),
  usage: z.strictObject({ promptTokens: z.int(), generatedTokens: z.int() }),
  latencyMs: z.number().positive(),
});

const question = "Who built the Orlen Bridge?";

describe("the command line", () => {
  it("goes from documents to an answer out of adapters", () =>
    withWorkFolder(async (folder) => {
      // What takes longer than two seconds on a busy machine would show its progress.
      const ingested = await prag(folder, ["ingest", "docs", "--quiet"]);
      expect(ingested).toMatchObject({ code: 0, stderr: "" });
      expect(ingested.stdout).toContain("default: 4 documents, 4 passages");

      const before = await prag(folder, ["ask", question, "--json"]);
      expect(answerSchema.parse(JSON.parse(before.stdout)).sources[0]).toMatchObject({
        usedAs: "context",
        adapter: null,
      });

      const encoded = await prag(folder, ["encode", "--rank", "3", "--json"]);
      expect(JSON.parse(encoded.stdout)).toMatchObject({ passages: 4, encoded: 4, reused: 0 });

      // The rank of the encoding is remembered, so the adapters are found.
      const after = await prag(folder, ["ask", question, "--json", "--limit", "2"]);
      expect(after.code).toBe(0);
      const { sources } = answerSchema.parse(JSON.parse(after.stdout));
      expect(sources.map(({ usedAs }) => usedAs)).toEqual(["adapter", "adapter"]);
      expect(sources[0]!.title).toBe("orlen");

      const traced = await prag(folder, ["ask", question, "--json", "--trace"]);
      expect(JSON.parse(traced.stdout).trace[0]).toMatchObject({
        step: "retrieval",
        round: 1,
        query: question,
      });

      const spoken = await prag(folder, ["ask", question]);
      expect(spoken.stdout).toContain("[1] orlen (score ");
      expect(spoken.stdout).not.toContain("\x1b");

      const chat = await prag(folder, ["chat", "--json"], {
        input: `${question}\n\nAnd when?\n/quit\nnever\n`,
      });
      const turns = z.array(answerSchema.extend({ question: z.string() })).parse(JSON.parse(chat.stdout));
      expect(turns.map((turn) => turn.question)).toEqual([question, "And when?"]);
      expect(turns[1]!.usage.promptTokens).toBeGreaterThan(turns[0]!.usage.promptTokens); // it remembers

      const status = JSON.parse((await prag(folder, ["status", "--json"])).stdout);
      expect(status).toMatchObject({ encoding: { passages: 4, encoded: 4, recipe: { rank: 3 } }, todo: [] });

      const listed = await prag(folder, ["collections", "list"]);
      expect(listed.stdout).toMatch(/^name +documents +passages +adapters\ndefault +4 +4 +4\n$/);
      expect(await prag(folder, ["collections", "delete", "default"])).toMatchObject({ code: 0, stderr: "" });
      const nothing = await prag(folder, ["collections", "list", "--json"]);
      expect(JSON.parse(nothing.stdout)).toEqual([]);
      expect(await prag(folder, ["collections", "delete", "default"])).toMatchObject({ code: 4 });
    }));

  it("compares the methods on the example corpus, with nothing but JSON on standard output", () =>
    withWorkFolder(async (folder) => {
      const args = ["demo", "--model", "./model", "--cache-folder", "cache", "--questions", "2", "--json"];
      const demo = await prag(folder, args);
      expect(demo.code).toBe(0);
      const report = JSON.parse(demo.stdout);
      expect(report).toMatchObject({
        model: "model",
        augmenter: "authored",
        corpus: { documents: 100, passages: 100 },
      });
      expect(Object.keys(report.encode)).toEqual(["seconds", "passagesPerSecond", "bytesPerAdapter"]);
      expect(report.methods.map((row: { name: string }) => row.name)).toEqual([
        "closed-book",
        "standard-rag",
        "prag",
        "combine",
      ]);
      for (const row of report.methods)
        expect(Object.keys(row)).toEqual([
          "name",
          "em",
          "f1",
          "precision",
          "recall",
          "promptTokens",
          "latencyMs",
        ]);
      expect(await readdir(join(folder, ".prag-demo", "collections"))).toEqual(["atlas"]);
    }));

  it("fetches a model once, and begins a settings file that later commands read", () =>
    withWorkFolder(async (folder) => {
      const names = await readdir(join(folder, "model"));
      const contents = await Promise.all(names.map((name) => readFile(join(folder, "model", name))));
      const hub = await startFakeHub(Object.fromEntries(names.map((name, i) => [name, contents[i]!])));
      const env = { HF_ENDPOINT: hub.server.url };
      try {
        const pulled = await prag(folder, ["models", "pull", "org/tiny", "--json"], { env });
        expect(JSON.parse(pulled.stdout).folder).toContain(join(folder, "cache"));
      } finally {
        await hub.server.close();
      }
      const listed = await prag(folder, ["models", "list", "--json", "--offline"]);
      expect(JSON.parse(listed.stdout)).toContainEqual(expect.objectContaining({ name: "org/tiny" }));
      expect(listed.stdout).not.toContain("prag-mini-memory"); // weights over a model, not a model

      const init = ["init", "--model", "org/tiny", "--offline", "--collection", "bridges"];
      const options = ["--cache-folder", "cache", "--threads", "1"];
      expect(await prag(folder, [...init, ...options])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("--force"),
      });
      expect((await prag(folder, [...init, ...options, "--force"])).code).toBe(0);
      await mkdir(join(folder, "elsewhere"));
      const doctor = await prag(join(folder, "elsewhere"), [
        "doctor",
        "--config",
        "../prag.config.json",
        "--json",
      ]);
      expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });
      const model = JSON.parse(doctor.stdout).findings.find(({ name }: { name: string }) => name === "model");
      expect(model.detail).toContain(join(folder, "cache"));
    }));

  it("runs through a link, as package managers make one", () =>
    withWorkFolder(async (folder) => {
      const launcher = resolve(import.meta.dirname, "../../bin/prag.js");
      await symlink(launcher, join(folder, "linked.js"));
      const version = execFileSync(process.execPath, [join(folder, "linked.js"), "--version"], {
        cwd: folder,
      });
      expect(String(version)).toMatch(/^\d+\.\d+\.\d+\n$/);
    }));
});
