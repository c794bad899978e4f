import { Template } from "@huggingface/jinja";
import { EngineError, FormatError, InputError, messageOf } from "../base/errors.ts";
import type { ChatMessage } from "./chat.ts";

/** Turns a conversation into the text that a model was trained on. */
export type ChatTemplate = (messages: readonly ChatMessage[], addGenerationPrompt: boolean) => string;

/** The special tokens that templates print: `bos_token`, `eos_token`, … */
export type TemplateTokens = Readonly<Record<string, string>>;

/** The library's own globals cannot be replaced from outside, but a template may set them again. */
const preamble = new Template("{% set strftime_now = frozen_strftime %}{% set raise_exception = refuse %}");

/**
 * Compiles a chat template as `transformers` runs it (Jinja with `trim_blocks` and `lstrip_blocks`, which the library
 * sets; `tools` and `documents` are none): https://huggingface.co/docs/transformers/chat_templating
 * The date is frozen, so that a prompt does not change overnight: Llama 3's templates print "26 Jul 2024".
 */
export function createChatTemplate(source: string, tokens: TemplateTokens, path: string): ChatTemplate {
  let template: Template;
  try {
    template = new Template(source);
    template.parsed.body.unshift(...preamble.parsed.body);
  } catch (error) {
    throw new FormatError(`the chat template cannot be parsed (${messageOf(error)})`, { path, cause: error });
  }
  return (messages, addGenerationPrompt) => {
    try {
      return template.render({
        ...tokens,
        messages,
        tools: null,
        documents: null,
        add_generation_prompt: addGenerationPrompt,
        frozen_strftime: formatFrozenDate,
        refuse,
      });
    } catch (error) {
      if (error instanceof EngineError) throw error;
      throw new FormatError(`the chat template failed (${messageOf(error)})`, { path, cause: error });
    }
  };
}

function refuse(message: unknown): never {
  throw new InputError(`the model's chat template refuses these messages: ${String(message)}`);
}

/** Friday, 26 July 2024, 00:00: the fields of `strftime` that templates use. */
const frozenDate: Readonly<Record<string, string>> = {
  a: "Fri",
  A: "Friday",
  b: "Jul",
  B: "July",
  d: "26",
  H: "00",
  I: "12",
  j: "208",
  m: "07",
  M: "00",
  p: "AM",
  S: "00",
  y: "24",
  Y: "2024",
  "%": "%",
};

function formatFrozenDate(format: unknown): string {
  return String(format).replace(/%(.)/g, (field, letter: string) => frozenDate[letter] ?? field);
}
