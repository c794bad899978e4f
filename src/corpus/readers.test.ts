import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../base/errors.ts";
import { openParser, type Parser } from "./read/parser.ts";
import type { RecordProblem, SourceRecord } from "./read/reader.ts";
import { makeDocx, makePdf, makeZip } from "./read/sample-files.suite.ts";
import { readerFor, titleOf } from "./readers.ts";

let folder: string;
let parser: Parser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "prag-readers-"));
  parser = openParser();
});
afterAll(async () => {
  await parser.close();
  await rm(folder, { recursive: true, force: true });
});

async function read(name: string, content: string | Uint8Array): Promise<(SourceRecord | RecordProblem)[]> {
  const path = join(folder, name);
  await writeFile(path, content);
  const reader = readerFor(extname(name));
  if (!reader) throw new Error(`no reader for ${name}`);
  const records: (SourceRecord | RecordProblem)[] = [];
  for await (const record of reader({ path, name: titleOf(path), parser })) records.push(record);
  return records;
}

const utf16be = (text: string) => Buffer.from(text, "utf16le").swap16();

describe("text", () => {
  it.each([
    ["UTF-8", Buffer.from("Größe 크기 大小")],
    ["UTF-8 with a byte order mark", Buffer.from("\ufeffGröße 크기 大小")],
    ["UTF-16 LE", Buffer.from("\ufeffGröße 크기 大小", "utf16le")],
    ["UTF-16 BE", utf16be("\ufeffGröße 크기 大小")],
  ])("reads %s", async (_, content) => {
    expect(await read("the_lamp-post.txt", content)).toEqual([
      { title: "the lamp post", text: "Größe 크기 大小" },
    ]);
  });

  it.each([
    ["invalid UTF-8", Buffer.from([0x61, 0xc3, 0x28]), /^broken encoding: not valid UTF-8/],
    ["a cut-off character", Buffer.from([0x61, 0xe2, 0x82]), /^broken encoding/],
    ["a lone surrogate", Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x61, 0x00]), /^broken encoding.*UTF-16LE/],
    ["a NUL", Buffer.from("a\0b"), /^binary/],
  ])("refuses %s", async (_, content, reason) => {
    await expect(read("bad.txt", content)).rejects.toThrow(InputError);
    await expect(read("bad.txt", content)).rejects.toThrow(reason);
  });

  it("keeps characters that lie across the pieces in which a file is read", async () => {
    const text = `a${"€𝒷".repeat(100_000)}`;
    expect(await read("long.txt", text)).toEqual([{ title: "long", text }]);
  });
});

describe("jsonl", () => {
  it("takes text, contents or content, and an id", async () => {
    const lines = [
      `{"id":7,"title":"A","text":"one"}`,
      ``,
      `{"contents":"two"}\r`,
      `{"content":"three","id":"x","more":[1]}`,
    ];
    expect(await read("a.jsonl", lines.join("\n"))).toEqual([
      { title: "A", text: "one", record: "7" },
      { title: "", text: "two", record: "3" },
      { title: "", text: "three", record: "x" },
    ]);
  });

  it("names the line that is wrong", async () => {
    const records = await read("a.jsonl", `{"text":"one"}\n{"text":1}\n{\n[]\n{"title":"x"}`);
    expect(records.slice(1)).toEqual([
      { problem: expect.stringMatching(/^line 2: "text": .*string/) },
      { problem: expect.stringMatching(/^line 3: malformed JSON/) },
      { problem: expect.stringMatching(/^line 4: .*object/) },
      { problem: `line 5: no "text", "contents" or "content"` },
    ]);
  });
});

describe("tables", () => {
  it("reads DPR's passages, one a row, with doubled quotes", async () => {
    const rows = [
      "id\ttext\ttitle",
      `1\t"He said ""no"" and left, quickly."\tAaron`,
      `2\tPlain text with an inch mark 5" wide.\t"A ""B"" C"`,
      `3\t"Over two\nlines."\tTwo`,
    ];
    expect(await read("psgs_w100.tsv", rows.join("\n"))).toEqual([
      { title: "Aaron", text: `He said "no" and left, quickly.`, record: "1", isPassage: true },
      { title: `A "B" C`, text: `Plain text with an inch mark 5" wide.`, record: "2", isPassage: true },
      { title: "Two", text: "Over two\nlines.", record: "3", isPassage: true },
    ]);
  });

  it("finds columns in any case and order, and cuts these rows", async () => {
    expect(await read("a.csv", `Title,Year,TEXT\r\nOne,1990,"a, b"\r\n,1991\r\nThree,1,c,extra\r\n`)).toEqual(
      [
        { title: "One", text: "a, b", record: "1", isPassage: false },
        { problem: "record 2: it has 2 columns and no text" },
        { title: "Three", text: "c", record: "3", isPassage: false },
      ],
    );
    expect(await read("a.tsv", `text\tid\nx\tq\n`)).toEqual([
      { title: "", text: "x", record: "q", isPassage: false },
    ]);
  });

  it("says which columns there are when there is no text", async () => {
    await expect(read("a.csv", "name,year\nx,1\n")).rejects.toThrow(
      /^no column "text" in the first line \(found name, year\)/,
    );
  });

  it("bounds what an unclosed quote swallows", async () => {
    const rest = "x,y\n".repeat(1_500_000);
    await expect(read("a.csv", `text,id\na,1\n"b,2\n${rest}`)).rejects.toThrow(/^malformed after record 1/);
  });

  it("reads many rows without keeping them", async () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => `${i}\t"row ${i}"\tT`);
    const records = await read("many.tsv", `id\ttext\ttitle\n${rows.join("\n")}`);
    expect(records).toHaveLength(200_000);
    expect(records.at(-1)).toMatchObject({ text: "row 199999" });
  });
});

describe("html", () => {
  const paragraph =
    "The lamp of Veyra stands on a rock in the bay, and its light is seen from far away on clear nights. ";

  it("takes the article and drops scripts, styles and what stands around it", async () => {
    const page = `<!doctype html><html><head><title>The Veyra Lamp</title><style>p{}</style>
      <script>var secret = 1;</script></head><body><nav><a href="/">Home</a> <a href="/x">Contact</a></nav>
      <article><h1>The Veyra Lamp</h1><p>${paragraph.repeat(4)}</p><p>It is <b>ti</b>ny &amp; old.</p>
      <ul><li>first</li><li>second</li></ul><pre>a\n  b</pre></article><footer>Imprint</footer></body></html>`;
    const [record] = await read("page.html", page);
    expect(record).toMatchObject({ title: "The Veyra Lamp" });
    const text = record && "text" in record ? record.text : "";
    expect(text).toContain("It is tiny & old.");
    expect(text).toMatch(/first\nsecond\n/);
    expect(text).toContain("a\n  b");
    expect(text).not.toMatch(/secret|p\{\}|Home|Imprint/);
  });

  it("believes the encoding that a page declares", async () => {
    const korean = Buffer.from([0xb5, 0xee, 0xb4, 0xeb]); // 등대 in EUC-KR
    const page = Buffer.concat([Buffer.from(`<meta charset="euc-kr"><p>`), korean, Buffer.from("</p>")]);
    expect(await read("ko.html", page)).toMatchObject([{ text: expect.stringContaining("등대") }]);
    await expect(read("ko.html", page.subarray(22))).rejects.toThrow(/^broken encoding/);
    await expect(read("x.html", `<meta charset="klingon">x`)).rejects.toThrow(/^unknown encoding klingon/);
  });

  it("takes the whole body where there is no article", async () => {
    const [record] = await read("small_page.htm", "<p>One line.<p>Two<br>lines.<script>x</script>");
    expect(record).toEqual({ title: "small page", text: expect.stringMatching(/One line\.\s+Two\nlines\./) });
  });
});

describe("docx", () => {
  it("takes paragraphs and a heading as title", async () => {
    const file = makeDocx({ heading: "등대", paragraphs: ["First &amp; only.", "灯塔在北方。"] });
    expect(await read("word.docx", file)).toEqual([
      { title: "등대", text: "\n\nFirst & only.\n\n\n\n灯塔在北方。\n\n" },
    ]);
    const compressed = makeDocx({ paragraphs: ["Text."] }, { compress: true });
    expect(await read("a_word.docx", compressed)).toMatchObject([{ title: "a word" }]);
  });

  it("stops an archive bomb", async () => {
    const extra = [{ name: "word/x.xml", data: "x", declaredSize: 2 ** 31 }];
    const file = makeDocx({ paragraphs: ["Text."] }, { extra, compress: true });
    await expect(read("bomb.docx", file)).rejects.toThrow(
      /^too large: it decompresses to more than 268435456/,
    );
  });

  it("refuses what is no Word document", async () => {
    await expect(read("a.docx", "text")).rejects.toThrow(/^malformed archive/);
    await expect(read("a.docx", makeZip([{ name: "x", data: "y" }]))).rejects.toThrow(InputError);
    await expect(read("a.docx", Buffer.from("d0cf11e0a1b11ae1", "hex"))).rejects.toThrow(/^encrypted, or/);
  });
});

describe("pdf", () => {
  it("takes the pages in order, lines joined, and the title", async () => {
    const file = makePdf(
      [
        ["The lamp of Veyra stands on a rock in the won-", "derful bay of the north and", "shines."],
        ["End."],
      ],
      { title: "Veyra" },
    );
    expect(await read("a.pdf", file)).toEqual([
      {
        title: "Veyra",
        text: expect.stringMatching(
          /^The lamp .* rock in the wonderful bay of the north and shines\.\s+End\.\s*$/,
        ),
      },
    ]);
    expect(await read("no_title.pdf", makePdf([["Text."]]))).toMatchObject([{ title: "no title" }]);
  });

  it("names encrypted, empty and broken files", async () => {
    await expect(read("a.pdf", makePdf([["x"]], { isEncrypted: true }))).rejects.toThrow(
      /^encrypted: .*password/,
    );
    await expect(read("a.pdf", makePdf([[]]))).rejects.toThrow(/^no text in this PDF/);
    await expect(read("a.pdf", "%PDF-1.4 nothing")).rejects.toThrow(/^malformed pdf: /);
  });

  it("ends a parse that takes too long or too much memory, and goes on with the next file", async () => {
    const quick = openParser({ timeoutMs: 5000, maxMemoryBytes: 2 ** 28 });
    try {
      const endless = makePdf([[]], { content: Buffer.alloc(2 ** 27, "q Q ") });
      await expect(quick.parse("pdf", endless)).rejects.toThrow(/takes more than 5 s|too much memory/);
      expect(await quick.parse("pdf", makePdf([["Text."]]))).toMatchObject({ text: "Text.\n" });
    } finally {
      await quick.close();
    }
  });

  it("does not blame a file for what grows beside it", async () => {
    const own = openParser({ maxMemoryBytes: 2 ** 28 });
    try {
      const parsed = own.parse("pdf", makePdf([["Text."]]));
      const beside = Buffer.alloc(2 ** 29, 1);
      expect(await parsed).toMatchObject({ text: "Text.\n" });
      expect(beside.at(-1)).toBe(1); // it was there all the time
    } finally {
      await own.close();
    }
  });

  it("stops on a signal", async () => {
    const own = openParser();
    const controller = new AbortController();
    const slow = own.parse(
      "pdf",
      makePdf([[]], { content: Buffer.alloc(2 ** 26, "q Q ") }),
      controller.signal,
    );
    setTimeout(() => controller.abort(), 300);
    await expect(slow).rejects.toThrow(/abort/i);
    await own.close();
  });
});
