import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import type { Command } from "commander";
import { Traffic } from "../../jobs/traffic.ts";
import { createMcpServer } from "../../serving/mcp.ts";
import { addExamples } from "../options.ts";
import { type Shell, withEngine } from "../shell.ts";

/** At the end of the input, calls go on so long at most; a call that came last begins, and is answered, within `quietMs`. */
const lastCalls = { maxPauseMs: 120_000, quietMs: 200 };

/** `prag mcp`: the collection as tools of a Model Context Protocol client. */
export function addMcp(program: Command, shell: Shell): void {
  const command = program
    .command("mcp")
    .description(
      "Speak the Model Context Protocol on standard input and output: tools ask, search and ingest over the collection. It ends with its input, when all calls are answered. Files may be ingested from the working folder.",
    )
    .action(async (_options: unknown, self: Command) => {
      await withEngine(shell, { command: self }, async ({ parts, signal }) => {
        const calls = new Traffic();
        const server = createMcpServer(parts, { cwd: shell.cwd, calls });
        const ended = new Promise<void>((resolve) => {
          shell.stdin.once("end", resolve);
          shell.stdin.once("close", resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
        await server.connect(new StdioServerTransport());
        await ended;
        await calls.whenQuiet({ ...lastCalls, signal });
        await server.close();
      });
    });
  addExamples(command, ["prag mcp", "prag mcp --collection manuals"]);
}
