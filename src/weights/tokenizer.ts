import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as HubTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { FormatError, messageOf, NotFoundError, systemCode, UnsupportedError } from "../base/errors.ts";
import { explainSystemError, readJsonIfPresent } from "../base/files.ts";
import { sha256, sha256OfFile } from "../base/hash.ts";
import type { ChatMessage } from "./chat.ts";
import { type ChatTemplate, createChatTemplate, type TemplateTokens } from "./chat-template.ts";

/** Text ↔ token ids, and conversations → prompts, of one model. */
export interface Tokenizer {
  /** Special tokens that stand in the text are found; `addSpecialTokens` adds the model's own (BOS). */
  tokenize(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** The text as it is, without tidying of spaces; ids that the vocabulary lacks (padding of the head) are nothing. */
  detokenize(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  /** An `InputError` where the template refuses the messages, an `UnsupportedError` where there is no template. */
  renderChat(messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }): string;
  /** The ids of `renderChat`; the template alone decides on the BOS, so there is never a second one. */
  tokenizeChat(messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }): number[];
  readonly bosTokenId: number | undefined;
  /** Each ends a generation; as in `transformers`, the first of generation config, config and tokenizer that names any. */
  readonly eosTokenIds: readonly number[];
  /** What the template sets after an assistant's turn, where that is one token. */
  readonly endOfTurnId: number | undefined;
}

const tokenSchema = z
  .union([z.string(), z.looseObject({ content: z.string() }).transform((t) => t.content)])
  .nullish();
const specialTokensSchema = z.looseObject({
  bos_token: tokenSchema,
  eos_token: tokenSchema,
  pad_token: tokenSchema,
  unk_token: tokenSchema,
});
const tokenizerConfigSchema = specialTokensSchema.extend({
  chat_template: z
    .union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))])
    .nullish(),
});
const tokenIdSchema = z.int().nonnegative().nullish();
const modelConfigSchema = z.looseObject({
  bos_token_id: z.union([tokenIdSchema, z.array(z.int())]),
  eos_token_id: z.union([tokenIdSchema, z.array(z.int().nonnegative())]),
});
const objectSchema = z.looseObject({});

/** Opens the tokenizer of a model folder: `tokenizer.json`, with what stands beside it. */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, "tokenizer.json");
  const json = await readJsonIfPresent(path, objectSchema);
  if (!json) {
    throw new NotFoundError(
      `${path} does not exist; fetch the model again, or save its fast tokenizer (transformers: AutoTokenizer.from_pretrained(…).save_pretrained(folder))`,
    );
  }
  const files = await readTokenizerFiles(folder);
  const hub = createHubTokenizer(json, files.rawConfig, path);
  const tokens = specialTokensOf(files);
  const source = await findChatTemplate(folder, files.config);
  const template = source && createChatTemplate(source.text, tokens, source.path);
  return createTokenizer({ hub, folder, template, ids: tokenIdsOf(hub, tokens, files) });
}

/** SHA-256 over the files that say how texts and conversations become tokens. */
export async function hashTokenizer(folder: string): Promise<string> {
  const names = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"];
  const hashes = await Promise.all(
    names.map((name) =>
      sha256OfFile(join(folder, name)).catch((error: unknown) => {
        if (systemCode(error) === "ENOENT" || error instanceof NotFoundError) return ""; // not every folder has them all
        throw error;
      }),
    ),
  );
  return sha256(hashes.join());
}

type TokenizerFiles = Awaited<ReturnType<typeof readTokenizerFiles>>;

async function readTokenizerFiles(folder: string) {
  const read = <T>(name: string, schema: z.ZodType<T>) => readJsonIfPresent(join(folder, name), schema);
  return {
    config: await read("tokenizer_config.json", tokenizerConfigSchema),
    rawConfig: (await read("tokenizer_config.json", objectSchema)) ?? {},
    specialTokens: await read("special_tokens_map.json", specialTokensSchema),
    generationConfig: await read("generation_config.json", modelConfigSchema),
    modelConfig: await read("config.json", modelConfigSchema),
  };
}

function createHubTokenizer(json: object, config: object, path: string): HubTokenizer {
  const optional = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  try {
    return new HubTokenizer({ added_tokens: [], ...optional, ...json }, config);
  } catch (error) {
    throw new FormatError(`is not a tokenizer that can be used (${messageOf(error)})`, {
      path,
      cause: error,
    });
  }
}

function specialTokensOf({ config, specialTokens }: TokenizerFiles): TemplateTokens {
  const names = ["bos_token", "eos_token", "pad_token", "unk_token"] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const token = config?.[name] ?? specialTokens?.[name];
      return token === undefined || token === null ? [] : [[name, token]];
    }),
  );
}

interface TokenIds {
  bos: number | undefined;
  eos: readonly number[];
}

function tokenIdsOf(hub: HubTokenizer, tokens: TemplateTokens, files: TokenizerFiles): TokenIds {
  const { generationConfig, modelConfig } = files;
  const idOf = (name: string) => {
    const token = tokens[name];
    return token === undefined ? undefined : hub.token_to_id(token);
  };
  // Qwen2's config names a BOS that its tokenizer does not have: where the tokenizer says anything, it alone counts.
  const isDescribed = Boolean(files.config ?? files.specialTokens);
  const bos = isDescribed ? [idOf("bos_token")] : [modelConfig?.bos_token_id].flat();
  const eos = generationConfig?.eos_token_id ?? modelConfig?.eos_token_id ?? idOf("eos_token") ?? [];
  return { bos: bos[0] ?? undefined, eos: [...new Set([eos].flat())] };
}

/** `chat_template.jinja` wins over `tokenizer_config.json`; of named templates, `default`. */
async function findChatTemplate(
  folder: string,
  config: TokenizerFiles["config"],
): Promise<{ text: string; path: string } | undefined> {
  const path = join(folder, "chat_template.jinja");
  try {
    return { text: await readFile(path, "utf8"), path };
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw explainSystemError(error, path);
  }
  const configPath = join(folder, "tokenizer_config.json");
  const template = config?.chat_template;
  if (template === undefined || template === null) return undefined;
  if (typeof template === "string") return { text: template, path: configPath };
  const named = template.find(({ name }) => name === "default");
  if (named) return { text: named.template, path: configPath };
  throw new FormatError(
    `has chat templates ${template.map(({ name }) => name).join(", ")}, wanted one named "default"`,
    { path: configPath },
  );
}

interface TokenizerParts {
  hub: HubTokenizer;
  folder: string;
  template: ChatTemplate | undefined;
  ids: TokenIds;
}

function createTokenizer({ hub, folder, template, ids }: TokenizerParts): Tokenizer {
  const tokenize = (text: string, { addSpecialTokens = false } = {}) =>
    hub.encode(text, { add_special_tokens: addSpecialTokens }).ids;
  const renderChat = (messages: readonly ChatMessage[], { addGenerationPrompt = true } = {}) => {
    if (!template) {
      throw new UnsupportedError(
        `${folder} has no chat template; put a chat_template.jinja there, or choose an instruction-tuned model`,
      );
    }
    return template(messages, addGenerationPrompt);
  };
  let endOfTurn: { id: number | undefined } | undefined;
  return {
    tokenize,
    detokenize(tokenIds, { skipSpecialTokens = true } = {}) {
      const known = tokenIds.filter((id) => hub.id_to_token(id) !== undefined);
      if (known.length === 0) return "";
      // Tidying of spaces ("it ' s" → "it's") is off: it would make streamed and whole text differ.
      return hub.decode(known, {
        skip_special_tokens: skipSpecialTokens,
        clean_up_tokenization_spaces: false,
      });
    },
    renderChat,
    tokenizeChat: (messages, options) => tokenize(renderChat(messages, options)),
    bosTokenId: ids.bos,
    eosTokenIds: ids.eos,
    get endOfTurnId() {
      endOfTurn ??= { id: template && findEndOfTurn(hub, template) };
      return endOfTurn.id;
    },
  };
}

/** The added token that follows the assistant's words in a rendered conversation. */
function findEndOfTurn(hub: HubTokenizer, template: ChatTemplate): number | undefined {
  const answer = "Endofturnprobe";
  const messages: ChatMessage[] = [
    { role: "user", content: "Question" },
    { role: "assistant", content: answer },
  ];
  const text = template(messages, false);
  const rest = text.slice(text.lastIndexOf(answer) + answer.length).trimStart();
  const following = [...hub.get_added_tokens_decoder().values()].filter(({ content }) =>
    rest.startsWith(content),
  );
  return following.sort((a, b) => b.content.length - a.content.length)[0]?.id;
}
