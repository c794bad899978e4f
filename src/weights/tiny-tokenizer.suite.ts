import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The character that stands for each byte in byte-level vocabularies: itself where it prints, else from U+0100 on. */
export const byteCharacters: string[] = (() => {
  let next = 0x100;
  const prints = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(prints(byte) ? byte : next++));
})();

/** Special tokens follow the vocabulary in this order. */
export const tinySpecials = ["<|begin|>", "<|end|>", "<|turn|>", "<|pad|>"];

const special = (id: number, content: string) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

/** A byte-level BPE `tokenizer.json` like Llama 3's and Qwen2's, with these merges ("Ġ t" is space and t). */
export function byteLevelTokenizer(merges: string[]): object {
  const vocabulary = [...byteCharacters, ...merges.map((merge) => merge.replace(" ", ""))];
  const bos = vocabulary.length;
  return {
    version: "1.0",
    added_tokens: tinySpecials.map((content, i) => special(bos + i, content)),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: { Regex: "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+|\\s+" },
          behavior: "Isolated",
          invert: false,
        },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<|begin|>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
      special_tokens: { "<|begin|>": { id: "<|begin|>", ids: [bos], tokens: ["<|begin|>"] } },
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(vocabulary.map((token, i) => [token, i])),
      merges,
      unk_token: null,
      byte_fallback: false,
      fuse_unk: false,
    },
  };
}

/** A BPE `tokenizer.json` with byte fallback like Llama 2's: `▁` for spaces, a first space is added and taken off. */
export function byteFallbackTokenizer(merges: string[]): object {
  const letters = [..."▁abcdefghijklmnopqrstuvwxyz.,"];
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
  const specials = ["<unk>", "<s>", "</s>"];
  const vocabulary = [...specials, ...bytes, ...letters, ...merges.map((merge) => merge.replace(" ", ""))];
  return {
    version: "1.0",
    added_tokens: specials.map((content, i) => special(i, content)),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(vocabulary.map((token, i) => [token, i])),
      merges,
      unk_token: "<unk>",
      byte_fallback: true,
      fuse_unk: true,
    },
  };
}

/** A chat template with what real ones use: a date, system turns, trimming, a refusal. */
export const tinyChatTemplate = `{{- bos_token }}
{%- if messages[0]["role"] == "system" %}
    {%- set system = messages[0]["content"] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = strftime_now("%d %b %Y") %}
{%- endif %}
{%- if tools is not none %}{{ raise_exception("no tools") }}{% endif %}
{{- "system: today is " + date_string + "\\n" + system + "<|turn|>" }}
{%- for message in messages %}
    {%- if message.role == "system" %}{{ raise_exception("one system turn, at the start") }}{% endif %}
    {{- message.role + ": " + message.content | trim + "<|turn|>" }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- "assistant: " }}
{%- endif %}
`;

/** Writes a folder of JSON and text files. */
export function writeFolder(folder: string, files: Record<string, object | string>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return folder;
}
