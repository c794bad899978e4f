import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { InputError } from "../../base/errors.ts";
import type { HistoryTurn } from "../../methods/method.ts";
import { Interrupted } from "../interrupt.ts";
import { addExamples } from "../options.ts";
import { type CommandContext, type Shell, withEngine } from "../shell.ts";
import { addAnswerOptions, answerAloud, answerJson, answerSettings, readAnswerOptions } from "./ask.ts";

/** `prag chat`: a conversation. */
export function addChat(program: Command, shell: Shell): void {
  const command = program
    .command("chat")
    .description(
      "Ask one question after another; earlier ones are remembered. Type /reset to forget them and /quit to end. Lines from a pipe are questions too.",
    );
  addAnswerOptions(command).action((_options: unknown, self: Command) => {
    const options = readAnswerOptions(self);
    return withEngine(shell, { command: self, settings: answerSettings(options) }, (context) =>
      converse(context, { shell, options }),
    );
  });
  addExamples(command, ["prag chat", "prag chat --method combine", "prag chat --json < questions.txt"]);
}

interface Conversation {
  shell: Shell;
  options: ReturnType<typeof readAnswerOptions>;
}

/** With `--json` the conversation is one array of answers, printed at its end. */
async function converse(context: CommandContext, { shell, options }: Conversation): Promise<void> {
  const lines = openLines(shell, context);
  const history: HistoryTurn[] = [];
  const answers: unknown[] = [];
  try {
    for await (const line of lines.read()) {
      const question = line.trim();
      if (question === "/quit") break;
      if (question === "/reset") history.length = 0;
      if (question === "" || question === "/reset") continue;
      const answer = await lines.whileAnswering((signal) =>
        answerAloud(context, question, { ...options, history, signal }),
      );
      if (!answer) continue;
      answers.push({ question, ...answerJson(answer, options) });
      history.push({ role: "user", content: question }, { role: "assistant", content: answer.answer });
    }
  } finally {
    lines.close();
  }
  if (context.json) context.print(answers, () => []);
}

/** Lines of the standard input; at a terminal with a prompt, and with Ctrl-C ending an answer first, then all. */
function openLines({ stdin, terminal, signal }: Shell, context: CommandContext) {
  const isTerminal = Boolean(stdin.isTTY) && !context.json;
  const reader = createInterface({ input: stdin, output: isTerminal ? process.stdout : undefined });
  let answering: AbortController | undefined;
  reader.on("SIGINT", () => {
    if (answering) answering.abort(new Interrupted());
    else reader.close();
  });
  signal.addEventListener("abort", () => reader.close());
  const prompt = () => {
    if (isTerminal) reader.prompt();
  };
  reader.setPrompt(terminal.style("cyan", "> "));
  return {
    async *read(): AsyncGenerator<string> {
      prompt();
      for await (const line of reader) {
        yield line;
        prompt();
      }
      signal.throwIfAborted();
    },
    /** Nothing where the answer was ended by Ctrl-C, or its question could not be accepted: the conversation goes on. */
    async whileAnswering<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
      answering = new AbortController();
      try {
        return await task(AbortSignal.any([signal, answering.signal]));
      } catch (error) {
        const isOver = signal.aborted || !(answering.signal.aborted || error instanceof InputError);
        if (isOver) throw error;
        context.note(error instanceof InputError ? error.message : "(interrupted)");
        return undefined;
      } finally {
        answering = undefined;
      }
    },
    close: () => reader.close(),
  };
}
