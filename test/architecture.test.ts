import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const src = resolve(import.meta.dirname, "../src");

/** Layer → layers whose values it may import. `types` marks the layers from which only types may come. */
const layers: Record<string, string[]> = {
  base: [],
  text: ["base"],
  graph: ["base"],
  runtime: ["base", "graph"],
  weights: ["base"],
  models: ["base", "graph", "weights"],
  adapters: ["base", "graph", "weights"],
  memory: ["base", "graph", "runtime", "weights", "models"],
  corpus: ["base", "text"],
  prompts: ["base", "weights", "corpus"],
  retrieval: ["base", "text", "runtime", "weights", "corpus"],
  generation: ["base", "text", "graph", "runtime", "weights", "models", "adapters", "memory"],
  augmentation: ["base", "text", "corpus", "prompts", "generation"],
  training: [
    "base",
    "text",
    "graph",
    "runtime",
    "weights",
    "models",
    "adapters",
    "memory",
    "corpus",
    "prompts",
    "generation",
  ],
  methods: ["base", "text", "adapters", "memory", "corpus", "prompts", "retrieval", "generation"],
  evaluation: ["base", "text", "adapters", "corpus", "retrieval", "methods"],
};
const belowEngine = Object.keys(layers);
layers.engine = belowEngine.filter((layer) => layer !== "graph" && layer !== "evaluation");
layers.jobs = ["base", "engine"];
layers.serving = ["base", "engine", "jobs"];
layers.cli = ["base", "engine", "evaluation", "jobs", "serving"];
const all = Object.keys(layers);
layers["index.ts"] = all.filter((layer) => !["jobs", "serving", "cli"].includes(layer));
const mayImportAnyType = new Set(["engine", "jobs", "serving", "cli", "index.ts"]);

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: "utf8" })
  .map((name) => join(src, name))
  .filter((path) => statSync(path).isFile() && path.endsWith(".ts"));
const isTest = (path: string) => /\.(test|suite)\.ts$/.test(path);

function importsOf(path: string): { specifier: string; typeOnly: boolean }[] {
  const text = readFileSync(path, "utf8");
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?(?:([^;"'()=]*?)\s*from\s+)?["']([^"']+)["']/gm,
  );
  const dynamic = [...text.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g)];
  return [
    ...[...statements].map((m) => ({
      specifier: m[3]!,
      typeOnly: Boolean(m[1]) || /^\{(\s*type\s[^,}]+,?)+\s*\}$/.test((m[2] ?? "").trim()),
    })),
    ...dynamic.map((m) => ({ specifier: m[1]!, typeOnly: false })),
  ];
}

const imports: Import[] = files
  .filter((path) => !isTest(path))
  .flatMap((from) =>
    importsOf(from)
      .filter(({ specifier }) => specifier.startsWith("."))
      .map(({ specifier, typeOnly }) => ({ from, to: resolve(dirname(from), specifier), typeOnly })),
  );
const layerOf = (path: string) => relative(src, path).split("/")[0]!;
const name = (path: string) => relative(src, path);

describe("architecture", () => {
  it("knows every folder and file of src", () => {
    const unknown = readdirSync(src).filter((entry) => !(entry in layers));
    expect(unknown).toEqual([]);
  });

  it("lets a layer import only what its row names", () => {
    const wrong = imports
      .filter(({ from, to, typeOnly }) => {
        const [a, b] = [layerOf(from), layerOf(to)];
        if (a === b || layers[a]?.includes(b)) return false;
        const isLower = belowEngine.includes(b) || all.indexOf(b) < all.indexOf(a);
        return !(typeOnly && mayImportAnyType.has(a) && isLower);
      })
      .map(({ from, to }) => `${name(from)} → ${name(to)}`);
    expect(wrong).toEqual([]);
  });

  it("keeps subfolders private to their layer", () => {
    const wrong = imports
      .filter(({ from, to }) => layerOf(from) !== layerOf(to) && relative(src, to).split("/").length > 2)
      .map(({ from, to }) => `${name(from)} → ${name(to)}`);
    expect(wrong).toEqual([]);
  });

  it("imports ONNX Runtime in runtime/ only", () => {
    const wrong = files
      .filter((path) => layerOf(path) !== "runtime")
      .filter((path) => importsOf(path).some(({ specifier }) => specifier.startsWith("onnxruntime")));
    expect(wrong.map(name)).toEqual([]);
  });

  it("has no index.ts inside layers", () => {
    expect(files.filter((path) => name(path).includes("/") && path.endsWith("/index.ts")).map(name)).toEqual(
      [],
    );
  });

  it("has no cycle between files", () => {
    const next = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports)
      if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const path: string[] = [];
    const cycles: string[] = [];
    const visit = (file: string) => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].map(name).join(" → "));
      if (done.has(file) || path.includes(file)) return;
      path.push(file);
      for (const to of next.get(file) ?? []) visit(to);
      path.pop();
      done.add(file);
    };
    for (const file of files) visit(file);
    expect(cycles).toEqual([]);
  });
});
