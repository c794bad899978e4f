import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { readJson } from "../../src/base/files.ts";
import { openTokenizer } from "../../src/weights/tokenizer.ts";
import { fixtures } from "./helpers.ts";

const ids = z.array(z.int());
const chatSchema = z.object({
  date: z.string(),
  conversations: z.array(
    z.object({
      name: z.string(),
      messages: z.array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() })),
      addGenerationPrompt: z.boolean(),
      text: z.string(),
      ids,
    }),
  ),
  plain: z.array(z.object({ text: z.string(), ids, idsWithSpecialTokens: ids })),
});

describe.each(["llama-tied", "llama3-rope", "llama-bf16", "qwen2-tied", "qwen2-untied"])(
  "tokenizer and chat template of %s agree with transformers",
  async (name) => {
    const { date, conversations, plain } = await readJson(join(fixtures, name, "chat.json"), chatSchema);
    const tokenizer = await openTokenizer(join(fixtures, name));

    it("has the date that our templates are frozen at", () => {
      expect(date).toBe("26 Jul 2024");
      expect(conversations.length).toBeGreaterThanOrEqual(6);
    });

    it.each(conversations)("conversation: $name", ({ messages, addGenerationPrompt, text, ids: wanted }) => {
      expect(tokenizer.renderChat(messages, { addGenerationPrompt })).toBe(text);
      expect(tokenizer.tokenizeChat(messages, { addGenerationPrompt })).toEqual(wanted);
    });

    it.each(plain)("plain text: $text", ({ text, ids: wanted, idsWithSpecialTokens }) => {
      expect(tokenizer.tokenize(text)).toEqual(wanted);
      expect(tokenizer.tokenize(text, { addSpecialTokens: true })).toEqual(idsWithSpecialTokens);
      expect(tokenizer.detokenize(wanted)).toBe(name.startsWith("qwen2") ? text.normalize("NFC") : text);
    });

    it("never has a second BOS", () => {
      const { bosTokenId } = tokenizer;
      const counts = conversations.map(
        ({ messages }) => tokenizer.tokenizeChat(messages).filter((id) => id === bosTokenId).length,
      );
      expect(new Set(counts)).toEqual(new Set([name.startsWith("llama") ? 1 : 0]));
    });
  },
);
