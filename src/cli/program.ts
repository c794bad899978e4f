import { Command, Help, type Option } from "commander";
import { packageVersion } from "../engine/package-root.ts";
import { addAdapters } from "./commands/adapters.ts";
import { addAsk } from "./commands/ask.ts";
import { addAugment } from "./commands/augment.ts";
import { addChat } from "./commands/chat.ts";
import { addCollections } from "./commands/collections.ts";
import { addDemo } from "./commands/demo.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addEncode } from "./commands/encode.ts";
import { addEval } from "./commands/eval.ts";
import { addIngest } from "./commands/ingest.ts";
import { addInit } from "./commands/init.ts";
import { addMcp } from "./commands/mcp.ts";
import { addMemorize } from "./commands/memorize.ts";
import { addMemory } from "./commands/memory.ts";
import { addModels } from "./commands/models.ts";
import { addReport } from "./commands/report.ts";
import { addReproduce } from "./commands/reproduce.ts";
import { addServe } from "./commands/serve.ts";
import { addStatus } from "./commands/status.ts";
import { addWarmup } from "./commands/warmup.ts";
import { addExamples, addGlobalOptions } from "./options.ts";
import type { Shell } from "./shell.ts";

/** In the order of the help. */
const commands = [
  addInit,
  addIngest,
  addAugment,
  addEncode,
  addWarmup,
  addMemorize,
  addAsk,
  addChat,
  addEval,
  addServe,
  addMcp,
  addStatus,
  addCollections,
  addAdapters,
  addMemory,
  addModels,
  addDoctor,
  addReport,
  addReproduce,
  addDemo,
];

/** What help says of an option: with its default in words, and whether it must be given. */
function describeOption(option: Option): string {
  const value: unknown = option.defaultValue;
  if (Array.isArray(value)) option.defaultValueDescription ??= value.join(",");
  const said = new Help().optionDescription(option);
  return option.mandatory ? `${said} (required)` : said;
}

/** The command line: every command with its options, ready to parse. */
export function createProgram(shell: Shell): Command {
  const { terminal } = shell;
  const program = new Command("prag")
    .description(
      "Parametric RAG: documents become adapters of a local model, questions are answered from them.",
    )
    .version(packageVersion)
    .configureHelp({
      showGlobalOptions: true,
      helpWidth: Math.min(terminal.bar.columns, 110),
      optionDescription: describeOption,
    })
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.bar.write(text),
      outputError: () => {}, // said by reportFailure
    })
    .exitOverride()
    .showSuggestionAfterError();
  addGlobalOptions(program);
  addExamples(program, ["prag ingest ./docs", "prag encode", 'prag ask "Who founded the company?"']);
  for (const add of commands) add(program, shell);
  return program;
}
