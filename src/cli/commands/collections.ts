import type { Command } from "commander";
import { type StoredCollection, storedCollections } from "../../engine/collections.ts";
import { deleteCollection } from "../../engine/hosted-collections.ts";
import { addExamples } from "../options.ts";
import { type Shell, withEngine } from "../shell.ts";
import { formatTable, printable } from "../terminal.ts";

/** `prag collections`: what corpora there are, and how one is deleted. */
export function addCollections(program: Command, shell: Shell): void {
  const command = program
    .command("collections")
    .description("List and delete the collections of the data folder.");
  addExamples(command, ["prag collections list", "prag collections delete manuals"]);
  addList(command, shell);
  addDelete(command, shell);
}

function addList(collections: Command, shell: Shell): void {
  const command = collections
    .command("list")
    .description("List the collections of the data folder.")
    .action((_options: unknown, self: Command) =>
      withEngine(shell, { command: self }, async (context) => {
        const rows = await storedCollections(context.parts);
        context.print(rows, () => describeList(rows));
      }),
    );
  addExamples(command, ["prag collections list", "prag collections list --json"]);
}

function describeList(rows: readonly StoredCollection[]): string[] {
  if (!rows.length) return ['no collections yet; "prag ingest PATHS" makes one'];
  const head = ["name", "documents", "passages", "adapters"];
  const body = rows.map(({ name, documents, passages, adapters, problem }) =>
    problem === null
      ? [printable(name), documents ?? "-", passages ?? "-", adapters ?? "-"]
      : [printable(name), "cannot be read", "-", "-"],
  );
  return formatTable([head, ...body]);
}

function addDelete(collections: Command, shell: Shell): void {
  const command = collections
    .command("delete")
    .description(
      "Delete a collection with its uploads, and the adapters that no other one uses. Files that were ingested stay.",
    )
    .argument("<name>", "name of the collection")
    .action((name: string, _options: unknown, self: Command) =>
      withEngine(shell, { command: self }, async (context) => {
        await deleteCollection(context.parts, name);
        context.print({ deleted: name }, () => [`${name} deleted`]);
      }),
    );
  addExamples(command, ["prag collections delete manuals"]);
}
