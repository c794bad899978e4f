import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { Command } from "commander";
import { createMcpServer } from "../../serving/mcp.ts";
import { addExamples } from "../options.ts";
import { type Shell, withEngine } from "../shell.ts";

/** `prag mcp`: the collection as tools of a Model Context Protocol client. */
export function addMcp(program: Command, shell: Shell): void {
  const command = program
    .command("mcp")
    .description(
      "Speak the Model Context Protocol on standard input and output: tools ask, search and ingest over the collection. It ends with its input. Files may be ingested from the working folder.",
    )
    .action(async (_options: unknown, self: Command) => {
      await withEngine(shell, { command: self }, async ({ parts, signal }) => {
        const server = createMcpServer(parts, { cwd: shell.cwd });
        const ended = new Promise<void>((resolve) => {
          shell.stdin.once("end", resolve);
          shell.stdin.once("close", resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
        await server.connect(new StdioServerTransport());
        await ended;
        await server.close();
      });
    });
  addExamples(command, ["prag mcp", "prag mcp --collection manuals"]);
}
