import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, FormatError } from "../base/errors.ts";
import { readDatasetFile } from "./datasets/dataset-file.ts";
import { loadDataset } from "./load-dataset.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dataset-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes a file; values that are no text as JSON. */
async function write(name: string, content: unknown): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const multiHop = (changes: object = {}) => ({
  _id: "x1",
  type: "comparison",
  question: "Who was first?",
  answer: "Ada Rook",
  supporting_facts: [
    ["Ada Rook", 0],
    ["Bo Finch", 1],
    ["Ada Rook", 1],
  ],
  context: [
    ["Ada Rook", ["Ada was born in 1801.", " She flew."]],
    ["Cy Wren", ["Cy sang."]],
    ["Bo Finch", ["Bo hid.", " Bo was born in 1803."]],
  ],
  ...changes,
});

describe("2WikiMultihopQA", () => {
  const row = (changes: object = {}) => multiHop({ evidences: [], answer_id: "Q7", ...changes });
  const aliases =
    '{"Q_id": "Q7", "aliases": ["A. Rook", "Rook"], "demonyms": []}\n{"Q_id": "Q8", "aliases": []}\n';

  it("accepts the answer and its aliases", async () => {
    await write("id_aliases.json", aliases);
    const path = await write("dev.json", [
      row(),
      row({ _id: "x2", answer_id: "Q9" }),
      row({ _id: "x3", answer_id: null }),
    ]);
    const { name, format, questions, notes } = await loadDataset(path);
    expect([name, format]).toEqual(["2wikimultihopqa", "2wikimultihopqa"]);
    expect(questions.map(({ answers }) => answers)).toEqual([
      ["Ada Rook", "A. Rook", "Rook"],
      ["Ada Rook"],
      ["Ada Rook"],
    ]);
    expect(questions[0]).toMatchObject({ id: "x1", type: "comparison", articles: ["Ada Rook", "Bo Finch"] });
    expect(questions[0]?.paragraphs[0]).toEqual({
      title: "Ada Rook",
      text: "Ada was born in 1801.  She flew.",
    });
    expect(notes).toEqual([expect.stringContaining("1 answers leave the answer itself out; both")]);
  });

  it("accepts the aliases alone as the paper's code, and says where none are left", async () => {
    await write("id_aliases.json", aliases);
    const path = await write("dev.json", [row(), row({ _id: "x2", answer_id: "Q8" })]);
    const { questions, notes } = await loadDataset(path, { compat: "reference" });
    expect(questions.map(({ answers }) => answers)).toEqual([["A. Rook", "Rook"], []]);
    expect(notes).toContain("1 questions have no accepted answer and score 0");
  });

  it("refuses aliases for another dataset", async () => {
    const path = await write("mine.jsonl", '{"question": "Who?", "answers": ["Ada"]}\n');
    await expect(loadDataset(path, { aliases: "a.json" })).rejects.toThrow(/--aliases.*is read as jsonl/);
  });

  it("needs the aliases only for that", async () => {
    const path = await write("dev.json", [row()]);
    const { questions, notes } = await loadDataset(path);
    expect(questions[0]?.answers).toEqual(["Ada Rook"]);
    expect(notes[0]).toContain("no id_aliases.json");
    await expect(loadDataset(path, { compat: "reference" })).rejects.toThrow(ConfigError);
    const other = await write("other.json", aliases);
    const found = await loadDataset(path, { aliases: other });
    expect(found.questions[0]?.answers).toHaveLength(3);
  });

  it("names the line of a broken alias", async () => {
    await write("id_aliases.json", `${aliases}{"Q_id": 3}\n`);
    const path = await write("dev.json", [row()]);
    await expect(loadDataset(path)).rejects.toThrow(/id_aliases\.json:3: field "Q_id"/);
  });
});

describe("HotpotQA", () => {
  it("joins sentences without a gap", async () => {
    const path = await write("hotpot.json", [multiHop()]);
    const { name, questions } = await loadDataset(path);
    expect(name).toBe("hotpotqa");
    expect(questions[0]).toMatchObject({ answers: ["Ada Rook"], articles: ["Ada Rook", "Bo Finch"] });
    expect(questions[0]?.paragraphs).toHaveLength(3);
    expect(questions[0]?.paragraphs[2]?.text).toBe("Bo hid. Bo was born in 1803.");
  });

  it("names row and field", async () => {
    const path = await write("hotpot.json", [multiHop(), multiHop({ _id: "x2", answer: 3 })]);
    await expect(loadDataset(path)).rejects.toThrow(/hotpot\.json: row 2: field "answer"/);
    const twice = await write("twice.json", [multiHop(), multiHop()]);
    await expect(loadDataset(twice)).rejects.toThrow(/twice\.json:row 2: id "x1" is already that of row 1/);
  });
});

describe("PopQA", () => {
  const header = "id\tsubj\tprop\tobj\to_aliases\ts_wiki_title\tquestion\tpossible_answers";

  it("reads quoted and bare lists of aliases", async () => {
    const path = await write(
      "popQA.tsv",
      `${header}\n42\tAda\toccupation\tpilot\t"[""aviator"", ""pilot""]"\tAda Rook\tWhat is Ada's occupation?\t[]\n43\tBo\tcapital\tOslo\t["Christiania, \\"old\\""]\t\tWhere is Bo?\t[]\n`,
    );
    const { questions } = await loadDataset(path);
    expect(questions).toEqual([
      {
        id: "42",
        type: "occupation",
        question: "What is Ada's occupation?",
        answers: ["pilot", "aviator"],
        articles: ["Ada Rook"],
        contexts: [],
        paragraphs: [],
      },
      expect.objectContaining({
        id: "43",
        type: "capital",
        answers: ["Oslo", 'Christiania, "old"'],
        articles: [],
      }),
    ]);
    const reference = await loadDataset(path, { compat: "reference" });
    expect(reference.questions.map(({ type }) => type)).toEqual(["question", "question"]);
  });

  it.each([
    ["['a', 'b']", /popQA\.tsv:2: o_aliases: not valid JSON/],
    ['{"a": 1}', /popQA\.tsv:2: o_aliases: /],
  ])("names the line where the aliases are %s", async (list, message) => {
    const path = await write("popQA.tsv", `${header}\n42\tAda\tp\tpilot\t${list}\t\tWhat?\t[]\n`);
    await expect(loadDataset(path)).rejects.toThrow(FormatError);
    await expect(loadDataset(path)).rejects.toThrow(message);
  });
});

describe("ComplexWebQuestions", () => {
  it("accepts every answer with its aliases, each once, in order", async () => {
    const answers = [
      { answer_id: "m.1", answer: "Oslo", aliases: ["Kristiania", "Oslo"] },
      { answer_id: "m.2", answer: null, aliases: ["Bergen"] },
    ];
    const rows = [
      { ID: "c1", question: "Which city?", compositionality_type: "conjunction", answers },
      { ID: "c2", question: "Which town?", answers: [] },
    ];
    const path = await write("ComplexWebQuestions_dev.json", rows);
    const { name, questions, notes } = await loadDataset(path);
    expect(name).toBe("cwq");
    expect(questions[0]).toMatchObject({ type: "conjunction", answers: ["Oslo", "Kristiania", "Bergen"] });
    expect(questions[1]?.answers).toEqual([]);
    expect(notes).toHaveLength(1);
  });
});

describe("JSONL and lists of one's own", () => {
  it("keeps paragraphs, and which of them support the answer", async () => {
    const contexts = [
      { title: "A", text: "It was so.", supporting: true },
      { title: "B", text: "Not this.", supporting: false },
    ];
    const row = { test_id: 0, question: "Why?", answers: ["so"], prop: "cause", contexts };
    const path = await write("mine.jsonl.gz", "");
    await writeFile(path, gzipSync(`${JSON.stringify(row)}\n`));
    const { name, format, questions } = await loadDataset(path);
    expect([name, format]).toEqual(["mine", "jsonl"]);
    expect(questions[0]).toEqual({
      id: "0",
      type: "cause",
      question: "Why?",
      answers: ["so"],
      articles: [],
      contexts: ["It was so."],
      paragraphs: [
        { title: "A", text: "It was so." },
        { title: "B", text: "Not this." },
      ],
    });
  });

  it("takes an answer or a list of them", async () => {
    const path = await write("own.json", [
      { question: "One?", answer: "1" },
      { question: "Two?", answer: ["2", "two"] },
    ]);
    const { questions } = await loadDataset(path);
    expect(questions.map(({ id, answers }) => [id, answers])).toEqual([
      ["0", ["1"]],
      ["1", ["2", "two"]],
    ]);
  });
});

describe("hostile input", () => {
  it.each([
    ["empty", "", /not in a format that is known/],
    ["prose", "Dear reader,\nno data here.", /not in a format that is known.*cwq, custom, longbench/],
    ["an empty list", "[]", /not in a format that is known/],
    ["a list of numbers", "[1, 2]", /not in a format that is known/],
    ["a list cut off", '[{"_id": "a",\n "question"', /file:\d+: not valid JSON/],
    ["a line cut off", '{"question": "q", "answers": ["a"]}\n{"question', /file:2: not valid JSON/],
    [
      "a question of spaces",
      '{"question": "  ", "answers": ["a"]}',
      /file:1: field "question": must not be empty/,
    ],
    ["an answer that is no text", '{"question": "q", "answers": [3]}', /file:1: field "answers\.0"/],
    [
      "a huge question",
      JSON.stringify({ question: "x".repeat(30_000), answers: ["a"] }),
      /longer than 20000/,
    ],
    ["a prototype", '{"__proto__": {"question": "q"}, "answers": ["a"]}', /file:1: field "question"/],
  ])("refuses %s with its place", async (_name, content, message) => {
    const path = await write("file", content);
    await expect(loadDataset(path)).rejects.toThrow(FormatError);
    await expect(loadDataset(path)).rejects.toThrow(message);
  });

  it("stops unpacking at the limit, and names a file that is no archive", async () => {
    const path = await write("bomb.jsonl.gz", "");
    await writeFile(path, gzipSync(Buffer.alloc(5_000_000, 32)));
    await expect(readDatasetFile(path, 1_000_000)).rejects.toThrow(/larger than 1 MiB, unpacked/);
    await writeFile(path, Buffer.from([0x1f, 0x8b, 1, 2, 3]));
    await expect(loadDataset(path)).rejects.toThrow(/cannot be unpacked/);
  });

  it("believes a format that is named, and says what does not fit it", async () => {
    const path = await write("x.json", [{ question: "One?", answer: "1" }]);
    await expect(loadDataset(path, { format: "hotpotqa" })).rejects.toThrow(/row 1: field "_id"/);
  });
});
