import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FormatError, InputError, NotFoundError, UnsupportedError } from "../base/errors.ts";
import {
  byteFallbackTokenizer,
  byteLevelTokenizer,
  tinyChatTemplate,
  writeFolder,
} from "./tiny-tokenizer.suite.ts";
import { openTokenizer } from "./tokenizer.ts";

const root = mkdtempSync(join(tmpdir(), "prag-tokenizer-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
const folderOf = (files: Record<string, object | string>) => writeFolder(join(root, String(count++)), files);

const merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld"];
const bos = 256 + merges.length;
const [end, turn] = [bos + 1, bos + 2];
const tokenizerJson = byteLevelTokenizer(merges);
const tokenizerConfig = {
  bos_token: { content: "<|begin|>", special: true },
  eos_token: "<|end|>",
  pad_token: "<|pad|>",
  chat_template: tinyChatTemplate,
  clean_up_tokenization_spaces: true,
};
const plain = { "tokenizer.json": tokenizerJson, "tokenizer_config.json": tokenizerConfig };

describe("tokenize and detokenize", () => {
  it("merges by rank", async () => {
    const tokenizer = await openTokenizer(folderOf(plain));
    expect(tokenizer.tokenize("hello world")).toEqual([256 + 3, 256 + 8]);
    expect(tokenizer.tokenize("helllo")).toEqual([256 + 2, "l".charCodeAt(0), "o".charCodeAt(0)]);
  });

  it("adds special tokens only when told, and finds those in the text", async () => {
    const tokenizer = await openTokenizer(folderOf(plain));
    expect(tokenizer.tokenize("hello", { addSpecialTokens: true })).toEqual([bos, 259]);
    expect(tokenizer.tokenize("hello<|turn|>")).toEqual([259, turn]);
  });

  it("gives back any text, without tidying spaces", async () => {
    const tokenizer = await openTokenizer(folderOf(plain));
    for (const text of ["it ' s a test .", "  two  spaces \n", "naïve 東京 👩‍👩‍👧 \u0000", "", "a n't"]) {
      expect(tokenizer.detokenize(tokenizer.tokenize(text))).toBe(text);
    }
  });

  it("skips special tokens unless told, and ids beyond the vocabulary", async () => {
    const tokenizer = await openTokenizer(folderOf(plain));
    expect(tokenizer.detokenize([bos, 259, turn, 99_999])).toBe("hello");
    expect(tokenizer.detokenize([bos, 259], { skipSpecialTokens: false })).toBe("<|begin|>hello");
    expect(tokenizer.detokenize([99_999])).toBe("");
  });

  it("knows byte fallback and the first space of SentencePiece", async () => {
    const folder = folderOf({ "tokenizer.json": byteFallbackTokenizer(["▁ t", "▁t o"]) });
    const tokenizer = await openTokenizer(folder);
    const ids = tokenizer.tokenize("to to É");
    expect(ids).toHaveLength(5);
    expect(ids.slice(-2)).toEqual([3 + 0xc3, 3 + 0x89]);
    expect(tokenizer.detokenize(ids)).toBe("to to É");
  });

  it("tokenizes 100 words in less than 2 ms", async () => {
    const tokenizer = await openTokenizer(folderOf(plain));
    const words = "the quick hello world of small islands keeps its own old harbour records, 1931".split(" ");
    const passage = (seed: number) =>
      Array.from(
        { length: 100 },
        (_, i) => `${words[(i * 7 + seed) % words.length]}${i % 5 ? "" : seed}`,
      ).join(" ");
    for (let seed = 0; seed < 20; seed++) tokenizer.tokenize(passage(seed)); // the compiler warms up
    const times = Array.from({ length: 20 }, (_, i) => {
      const text = passage(100 + i);
      const start = performance.now();
      tokenizer.tokenize(text);
      return performance.now() - start;
    });
    expect(times.sort((a, b) => a - b)[10]).toBeLessThan(2);
  });
});

describe("special token ids", () => {
  it("come from the tokenizer and the generation config", async () => {
    const files = {
      ...plain,
      "generation_config.json": { eos_token_id: [7, 8, 7], pad_token_id: null },
      "config.json": { eos_token_id: 9, bos_token_id: 3 },
    };
    const tokenizer = await openTokenizer(folderOf(files));
    expect(tokenizer).toMatchObject({ bosTokenId: bos, eosTokenIds: [7, 8] });
  });

  it("fall back from the generation config to the config to the tokenizer", async () => {
    const config = { ...plain, "generation_config.json": {}, "config.json": { eos_token_id: 9 } };
    expect((await openTokenizer(folderOf(config))).eosTokenIds).toEqual([9]);
    expect((await openTokenizer(folderOf(plain))).eosTokenIds).toEqual([end]);
  });

  it("have no BOS where the tokenizer has none, whatever the config says", async () => {
    const files = {
      "tokenizer.json": tokenizerJson,
      "tokenizer_config.json": { bos_token: null },
      "config.json": { bos_token_id: 3 },
    };
    expect((await openTokenizer(folderOf(files))).bosTokenId).toBeUndefined();
  });

  it("come from special_tokens_map.json, or the config alone, where there is nothing else", async () => {
    const map = { "tokenizer.json": tokenizerJson, "special_tokens_map.json": { bos_token: "<|begin|>" } };
    expect((await openTokenizer(folderOf(map))).bosTokenId).toBe(bos);
    const config = { "tokenizer.json": tokenizerJson, "config.json": { bos_token_id: 3, eos_token_id: [4] } };
    expect(await openTokenizer(folderOf(config))).toMatchObject({ bosTokenId: 3, eosTokenIds: [4] });
  });
});

describe("chat", () => {
  const messages = [
    { role: "system" as const, content: " be brief " },
    { role: "user" as const, content: "hello\n" },
  ];

  it("renders the template with trimmed blocks and the frozen date", async () => {
    const tokenizer = await openTokenizer(folderOf(plain));
    const text = "<|begin|>system: today is 26 Jul 2024\nbe brief<|turn|>user: hello<|turn|>";
    expect(tokenizer.renderChat(messages)).toBe(`${text}assistant: `);
    expect(tokenizer.renderChat(messages, { addGenerationPrompt: false })).toBe(text);
  });

  it("has exactly one BOS", async () => {
    const tokenizer = await openTokenizer(folderOf(plain));
    const ids = tokenizer.tokenizeChat(messages);
    expect(ids.filter((id) => id === bos)).toEqual([bos]);
    expect(ids[0]).toBe(bos);
    expect(ids).toEqual(tokenizer.tokenize(tokenizer.renderChat(messages)));
  });

  it("tells the token that ends an assistant's turn", async () => {
    expect((await openTokenizer(folderOf(plain))).endOfTurnId).toBe(turn);
    const open = {
      ...tokenizerConfig,
      chat_template: "{% for m in messages %}{{ m.content }}\n{% endfor %}",
    };
    const folder = folderOf({ ...plain, "tokenizer_config.json": open });
    expect((await openTokenizer(folder)).endOfTurnId).toBeUndefined();
  });

  it("takes chat_template.jinja before the config, and the template named default", async () => {
    const jinja = { ...plain, "chat_template.jinja": "{{ messages[0].content }}!\n" };
    expect((await openTokenizer(folderOf(jinja))).renderChat(messages.slice(1))).toBe("hello\n!");
    const named = [
      { name: "tool_use", template: "no" },
      { name: "default", template: "yes" },
    ];
    const withNamed = (chat_template: unknown) => ({
      "tokenizer.json": tokenizerJson,
      "tokenizer_config.json": { chat_template },
    });
    expect((await openTokenizer(folderOf(withNamed(named)))).renderChat(messages)).toBe("yes");
    await expect(openTokenizer(folderOf(withNamed([named[0]])))).rejects.toThrow(
      /tool_use, wanted one named "default"/,
    );
  });

  it("turns the template's refusal into an InputError", async () => {
    const tokenizer = await openTokenizer(folderOf(plain));
    expect(() => tokenizer.renderChat(messages.toReversed())).toThrow(InputError);
    expect(() => tokenizer.renderChat(messages.toReversed())).toThrow(/one system turn, at the start/);
  });

  it("is unsupported without a template, and says what to do", async () => {
    const tokenizer = await openTokenizer(folderOf({ "tokenizer.json": tokenizerJson }));
    expect(tokenizer.endOfTurnId).toBeUndefined();
    expect(() => tokenizer.tokenizeChat(messages)).toThrow(UnsupportedError);
    expect(() => tokenizer.tokenizeChat(messages)).toThrow(/put a chat_template.jinja there/);
  });
});

describe("a tokenizer that is absent or malformed", () => {
  it("is named, with what to do", async () => {
    const folder = folderOf({});
    await expect(openTokenizer(folder)).rejects.toThrow(NotFoundError);
    await expect(openTokenizer(folder)).rejects.toThrow(
      /tokenizer\.json does not exist; fetch the model again/,
    );
  });

  const cases: Record<string, Record<string, object | string>> = {
    "not JSON": { "tokenizer.json": "{" },
    "not an object": { "tokenizer.json": "3" },
    "without a model": { "tokenizer.json": { added_tokens: [] } },
    "of an unknown kind": { "tokenizer.json": { ...tokenizerJson, model: { type: "Other" } } },
    "with a config of wrong types": { ...plain, "tokenizer_config.json": { bos_token: 3 } },
    "with a template that cannot be parsed": { ...plain, "chat_template.jinja": "{% if %}" },
  };
  for (const [name, files] of Object.entries(cases)) {
    it(`is a FormatError: ${name}`, async () => {
      await expect(openTokenizer(folderOf(files))).rejects.toThrow(FormatError);
    });
  }

  it("is a FormatError when the template fails while it runs", async () => {
    const folder = folderOf({ ...plain, "chat_template.jinja": "{{ messages | nonsense }}" });
    const tokenizer = await openTokenizer(folder);
    expect(() => tokenizer.renderChat([])).toThrow(FormatError);
  });
});
