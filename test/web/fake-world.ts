import type { AdapterDetail, AskEvent, DocumentRow, JobRow, ServerStatus } from "../../src/index.ts";

/** A passage of the fake server; its document has no other. */
export interface FakePassage {
  id: string;
  title: string;
  text: string;
  isEncoded: boolean;
}

/** What the fake server holds; a test sets it up and changes it as it likes. */
export interface FakeWorld {
  collections: Map<string, FakePassage[]>;
  /** The collection that the server opens by itself, which need not exist yet. */
  mainCollection: string;
  jobs: JobRow[];
  reports: { path: string; html: string }[];
  /** Keys that are accepted; none asks for none. */
  apiKey: string | undefined;
  /** Answers of `/api/ask`, word by word; the stream waits before the word `hold` until the client has gone. */
  answerOf: (question: string) => string[];
  /** Whether jobs stand still where they are. */
  holdsJobs: boolean;
}

/** A world with one empty collection. */
export function emptyWorld(): FakeWorld {
  return {
    collections: new Map([["default", []]]),
    mainCollection: "default",
    jobs: [],
    reports: [],
    apiKey: undefined,
    answerOf: () => [" Ada", " Korvin", "."],
    holdsJobs: false,
  };
}

export function statusOf(world: FakeWorld, name: string): ServerStatus {
  const passages = world.collections.get(name) ?? [];
  const encoded = passages.filter(({ isEncoded }) => isEncoded).length;
  const status = {
    dataFolder: "data",
    collection: name,
    collections: [...world.collections.keys()],
    corpus: passages.length ? { documents: passages.length, passages: passages.length } : null,
    index: null,
    augmented: encoded,
    model: { name: "prag-mini", parameters: 6.9e6 },
    encoding: null,
    adapters: { count: encoded, bytes: encoded * 42_900 },
    disk: { usedBytes: 0, freeBytes: 1e9 },
    todo: [],
  };
  return {
    version: "0.1.0",
    model: "prag-mini",
    contextLength: 2048,
    methods: ["closed-book", "standard-rag", "prag", "combine"],
    // What the page reads of an encoding is its two counts.
    collection: Object.assign(status, { encoding: { ...fakeEncoding, passages: passages.length, encoded } }),
    background: { state: "off", waiting: 0, encoded: 0, evicted: 0, diskBudgetBytes: 0, diskUsedBytes: 0 },
    allowedPaths: [],
    limits: { uploadBytes: 1e6, questionCharacters: 4000 },
  };
}

const fakeEncoding: Omit<NonNullable<ServerStatus["collection"]["encoding"]>, "passages" | "encoded"> = {
  recipe: {
    name: "packed",
    rank: 2,
    alpha: 32,
    targetModules: ["gate_proj", "up_proj", "down_proj"],
    pattern: "pairs",
    mask: "answer",
    endOfTurn: true,
    without: "none",
    pairs: 0,
    learningRate: 0.006,
    decay: "linear",
    weightDecay: 0.01,
    updates: 36,
    sequencesPerUpdate: 5,
    epochs: 1,
    negatives: { count: 36, perUpdate: 3, weight: 1 },
    maxTokens: 3000,
    seed: 42,
  },
  recipeHash: "0123456789abcdef",
};

export function documentRow({ id, title, isEncoded }: FakePassage): DocumentRow {
  return { id, source: `${title}.txt`, title, passages: 1, encoded: isEncoded ? 1 : 0 };
}

/** Losses that fall, as those of a real adapter do. */
export const fakeLosses = Array.from({ length: 36 }, (_, i) => 3.4 * Math.exp(-i / 7) + 0.06);

export function adapterOf({ id, title, text }: FakePassage): AdapterDetail {
  return {
    key: id.padEnd(64, "0"),
    passageId: id,
    title,
    bytes: 42_900,
    dtype: "int8",
    rank: 2,
    alpha: 32,
    targetModules: fakeEncoding.recipe.targetModules,
    recipeHash: fakeEncoding.recipeHash,
    firstLoss: fakeLosses[0] ?? null,
    lastLoss: fakeLosses.at(-1) ?? null,
    trainingTokens: 8120,
    baseModel: "prag-mini",
    createdBy: "parametric-rag 0.1.0",
    recipe: fakeEncoding.recipe,
    losses: fakeLosses,
    text,
  };
}

/** The events of an answer up to its text, and the event that ends it. */
export function answerEvents(
  passages: readonly FakePassage[],
  { question, method, words, limit }: { question: string; method: string; words: string[]; limit: number },
): AskEvent[] {
  const found = method === "closed-book" ? [] : passages.slice(0, limit);
  const hits = found.map(({ id, title, text }, position) => ({
    passage: { id, documentId: id, title, text, position },
    score: 9.5 / (position + 1),
  }));
  const uses = found.map(({ id, isEncoded }): AskEvent => {
    const usedAs =
      method === "standard-rag" || !isEncoded ? "context" : method === "prag" ? "adapter" : "both";
    return { type: "adapter", passageId: id, key: isEncoded ? id.padEnd(64, "0") : undefined, usedAs };
  });
  const text = words.join("");
  const isLong = method === "standard-rag" || method === "combine";
  return [
    ...(method === "closed-book" ? [] : [{ type: "retrieval" as const, round: 1, query: question, hits }]),
    ...uses,
    ...words.map((word) => ({ type: "text-delta" as const, text: word })),
    {
      type: "end",
      text,
      answer: text.trim().replace(/\.$/, ""),
      usage: { promptTokens: isLong ? 520 : 43, generatedTokens: words.length },
      rounds: 1,
      timings: {
        totalMs: isLong ? 76 : 21,
        retrievalMs: 1,
        loadMs: 1,
        mergeMs: 1,
        firstTokenMs: isLong ? 52 : 9,
      },
    },
  ];
}
