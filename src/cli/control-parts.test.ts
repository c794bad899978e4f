import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePassages } from "../engine/encode.ts";
import { ingest } from "../engine/ingest.ts";
import { type OpenEngine, openEngine } from "../engine/open-engine.ts";
import { createQuestionRows } from "../evaluation/question-rows.ts";
import type { Question } from "../evaluation/questions.ts";
import { runFiles } from "../evaluation/run-format.ts";
import type { MethodEvent } from "../methods/method.ts";
import { openWithControls } from "./control-parts.ts";

const places = ["Quern", "Tarn", "Dray", "Morvale", "Eastmere", "Harrowby"];
const named = places.slice(0, 5).map(
  (place, i): Question => ({
    id: `q${i}`,
    type: "single-hop",
    question: `Who built the ${place} Bridge?`,
    answers: [`Builder${i}`],
    articles: [`${place} Bridge`],
    contexts: [],
    paragraphs: [],
  }),
);

/** The same words as the first question's, about another bridge. */
const namesake: Question = {
  ...named[0]!,
  id: "namesake",
  answers: ["Builder4"],
  articles: [`${places[4]} Bridge`],
};
const questions = [...named, namesake];

describe("controls", () => {
  let folder: string;
  let engine: OpenEngine;
  let events: (id: string, question?: Question) => Promise<MethodEvent[]>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "prag-controls-"));
    await mkdir(join(folder, "docs"));
    for (const [i, place] of places.entries())
      await writeFile(
        join(folder, "docs", `${i}.md`),
        `# ${place} Bridge\n\nThe ${place} Bridge was built in ${1800 + i} by Builder${i}. It stands near ${place}.\n`,
      );
    engine = await openEngine({
      model: join(import.meta.dirname, "../../test/parity/fixtures/qwen2-tied"),
      dataFolder: join(folder, "data"),
      cacheFolder: join(folder, "cache"),
      offline: true,
      threads: 1,
      augment: { augmenter: "rule" },
      recipe: { updates: 1, pattern: "pairs", pairs: 1 },
      limit: 1,
      maxTokens: 2,
    });
    const { parts } = engine;
    await ingest(parts, ["docs"], { base: folder });
    const corpus = await parts.corpus();
    const rows = await createQuestionRows(questions, {
      retriever: await parts.retriever(),
      passages: corpus.passages(),
      depth: 2,
    });
    await writeFile(join(folder, runFiles.questions), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    await encodePassages(
      parts,
      rows.flatMap(({ retrieved }) => retrieved.slice(0, 1)).map((id) => corpus.passageById(id)),
    );
    const open = openWithControls({ questions, out: folder, seed: 42 });
    events = async (id, question = questions[0]!) => {
      const opened = await open(parts, { id, options: { onMissing: "skip" } });
      const method = typeof opened === "function" ? await opened(question) : opened;
      const found: MethodEvent[] = [];
      for await (const event of method.answer(question.question, { limit: 1, maxTokens: 1 }))
        found.push(event);
      return found;
    };
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const titlesOf = (found: readonly MethodEvent[]) =>
    found.flatMap((event) =>
      event.type === "retrieval" ? event.hits.map(({ passage }) => passage.title) : [],
    );
  const keysOf = (found: readonly MethodEvent[]) =>
    found.flatMap((event) => (event.type === "adapter" ? [event.key] : []));

  it("shuffled: the same hits, each with the adapter of another passage, none twice", async () => {
    const own: (string | undefined)[] = [];
    const shuffled: (string | undefined)[] = [];
    for (const question of named) {
      const [plain, control] = [await events("prag", question), await events("prag:shuffled", question)];
      expect(titlesOf(control)).toEqual(titlesOf(plain));
      expect(keysOf(control)).not.toEqual(keysOf(plain));
      own.push(...keysOf(plain));
      shuffled.push(...keysOf(control));
    }
    expect(shuffled.toSorted()).toEqual(own.toSorted()); // the same adapters, in other places
    expect(own).not.toContain(undefined);
  });

  it("irrelevant: passages of other questions, with the hits' scores, the same each time", async () => {
    for (const question of questions) {
      const [plain, control] = [await events("prag", question), await events("prag:irrelevant", question)];
      expect(titlesOf(control)).toHaveLength(1);
      expect(titlesOf(control)).not.toEqual(question.articles);
      expect(keysOf(control)).not.toContain(undefined);
      const scores = (found: MethodEvent[]) =>
        found.flatMap((event) => (event.type === "retrieval" ? event.hits.map(({ score }) => score) : []));
      expect(scores(control)).toEqual(scores(plain));
      expect(titlesOf(await events("prag:irrelevant", question))).toEqual(titlesOf(control));
    }
  });

  it("oracle: what the dataset names, for P-RAG with its adapter, for standard RAG in the prompt", async () => {
    for (const question of questions) {
      const prag = await events("prag:oracle", question);
      expect(titlesOf(prag)).toEqual(question.articles);
      expect(keysOf(prag)).not.toContain(undefined);
      expect(titlesOf(await events("standard-rag:oracle", question))).toEqual(question.articles);
    }
  });

  it("irrelevant: of two questions with the same words, each keeps away from its own answers", async () => {
    const of = async (question: Question) => titlesOf(await events("prag:irrelevant", question));
    const pool = named.map(({ articles }) => articles[0]!);
    expect(pool.slice(1)).toContain((await of(questions[0]!))[0]);
    expect(pool.slice(1, 4)).toContain((await of(namesake))[0]);
  });

  it("anything else is the method itself", async () => {
    expect(titlesOf(await events("prag:k1"))).toEqual(titlesOf(await events("prag")));
  });
});
