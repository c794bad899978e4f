import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { NotFoundError } from "../../base/errors.ts";
import { shareableDatasets, writeReport } from "../../evaluation/report.ts";
import { addExamples, nameList, readGlobalOptions, readOptions } from "../options.ts";
import { type Shell, speechOf } from "../shell.ts";

const schema = z.object({ out: z.string(), title: z.string().optional(), texts: z.array(z.string()) });

/** `prag report`: runs → a page and Markdown. */
export function addReport(program: Command, shell: Shell): void {
  const command = program
    .command("report")
    .description(
      "Write one page (HTML that stands alone) and Markdown over runs of prag eval: the paper's tables with its numbers beside ours, controls, costs, wins and losses.",
    )
    .argument("<runs...>", "folders of runs; others among them are left out")
    .option("--out <folder>", "where report.html and report.md go", "report")
    .option("--title <text>", "of the page")
    .option(
      "--texts <names>",
      "datasets whose questions and answers may be shown; of others ids and scores alone",
      nameList,
      [...shareableDatasets],
    )
    .action(async (given: string[], _options: unknown, self: Command) => {
      const { out, title, texts } = readOptions(self, schema);
      const folders = given.map((folder) => resolve(shell.cwd, folder));
      const runs = folders.filter((folder) => existsSync(join(folder, "config.json")));
      if (runs.length === 0)
        throw new NotFoundError(
          `none of ${given.join(", ")} holds a run (no config.json); run prag eval first`,
        );
      const written = await writeReport(runs, resolve(shell.cwd, out), { title, shareable: texts });
      const { print } = speechOf(shell, readGlobalOptions(self));
      print({ runs, files: written }, () => written.filter((path) => /report\.(html|md)$/.test(path)));
    });
  addExamples(command, [
    "prag report runs/*",
    "prag report runs/atlas runs/hotpotqa --out report --texts atlas",
  ]);
}
