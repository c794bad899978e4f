import { z } from "zod";

// What OpenAI's routes take: https://platform.openai.com/docs/api-reference/chat/create. Fields that would change the answer
// and that we do not do are named in the error; others (user, metadata, …) are let through, as clients send them unasked.

const unsupported = (what: string) => z.null({ error: `${what} are not supported` }).optional();
const nothingOr = (value: number, what: string) =>
  z.literal(value, { error: `${what} are not supported; leave it out or give ${value}` }).nullish();

const shared = {
  model: z.string().min(1).max(200),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  stop: z
    .union([z.string().min(1).max(200), z.array(z.string().min(1).max(200)).max(4)])
    .nullish()
    .transform((stop) => (typeof stop === "string" ? [stop] : (stop ?? []))),
  seed: z.int().nullish(),
  max_tokens: z.int().min(1).max(100_000).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  n: z.int().min(1).max(8).nullish(),
  presence_penalty: nothingOr(0, "penalties"),
  frequency_penalty: nothingOr(0, "penalties"),
  logit_bias: z
    .record(z.string(), z.number())
    .refine((bias) => Object.keys(bias).length === 0, "logit_bias is not supported")
    .nullish(),
  prag: z
    .strictObject({
      method: z.string().max(50).optional(),
      limit: z.int().min(1).max(100).optional(),
      return_sources: z.boolean().optional(),
    })
    .optional(),
};

const textPart = z.looseObject({
  type: z.literal("text", { error: "only text is understood, no images, audio or files" }),
  text: z.string(),
});
const content = z
  .union([z.string(), z.array(textPart)])
  .transform((given) => (typeof given === "string" ? given : given.map(({ text }) => text).join("")));
const message = z.looseObject({
  role: z
    .enum(["system", "developer", "user", "assistant"])
    .transform((role) => (role === "developer" ? ("system" as const) : role)),
  content,
});

export const chatSchema = z.looseObject({
  ...shared,
  messages: z.array(message).min(1).max(1000),
  max_completion_tokens: z.int().min(1).max(100_000).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: nothingOr(0, "top_logprobs"),
  tools: z.array(z.unknown()).max(0, "tools are not supported").nullish(),
  functions: unsupported("functions"),
  response_format: z
    .looseObject({ type: z.literal("text", { error: "response_format other than text is not supported" }) })
    .nullish(),
  modalities: z.array(z.literal("text", { error: "modalities other than text are not supported" })).nullish(),
  audio: unsupported("audio outputs"),
});
export type ChatBody = z.infer<typeof chatSchema>;

export const completionSchema = z.looseObject({
  ...shared,
  prompt: z
    .union([z.string(), z.array(z.string()).min(1).max(8)], {
      error: "must be a text or up to 8 texts; token ids are not supported",
    })
    .transform((prompt) => (typeof prompt === "string" ? [prompt] : prompt)),
  logprobs: z.int().min(0).max(1, "at most 1: the chosen token's own").nullish(),
  echo: z.literal(false, { error: "echo is not supported" }).nullish(),
  best_of: nothingOr(1, "best_of"),
  suffix: unsupported("suffixes"),
});
export type CompletionBody = z.infer<typeof completionSchema>;

export const embeddingSchema = z.looseObject({
  model: z.string().min(1).max(200),
  input: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(256)], {
      error: "must be a text or up to 256 texts; token ids are not supported",
    })
    .transform((input) => (typeof input === "string" ? [input] : input)),
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: unsupported("other dimensions"),
});
