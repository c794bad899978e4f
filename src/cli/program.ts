import { Command } from "commander";
import { packageVersion } from "../engine/package-root.ts";
import { addAsk } from "./commands/ask.ts";
import { addEncode } from "./commands/encode.ts";
import { addIngest } from "./commands/ingest.ts";
import { addStatus } from "./commands/status.ts";
import { addExamples, addGlobalOptions } from "./options.ts";
import type { Shell } from "./shell.ts";

/** The command line: every command with its options, ready to parse. */
export function createProgram(shell: Shell): Command {
  const { terminal } = shell;
  const program = new Command("prag")
    .description(
      "Parametric RAG: documents become adapters of a local model, questions are answered from them.",
    )
    .version(packageVersion)
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(terminal.bar.columns, 110) })
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.bar.write(text),
      outputError: () => {}, // said by reportFailure
    })
    .exitOverride()
    .showSuggestionAfterError();
  addGlobalOptions(program);
  addExamples(program, ["prag ingest ./docs", "prag encode", 'prag ask "Who founded the company?"']);
  for (const add of [addIngest, addEncode, addAsk, addStatus]) add(program, shell);
  return program;
}
