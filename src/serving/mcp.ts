import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import { EngineError, InputError } from "../base/errors.ts";
import { liesIn } from "../base/files.ts";
import { ask } from "../engine/ask.ts";
import { methodNames } from "../engine/create-method.ts";
import { ingest, locateInputs } from "../engine/ingest.ts";
import { packageVersion } from "../engine/package-root.ts";
import type { EngineParts } from "../engine/parts.ts";
import { search } from "../engine/search.ts";
import { Traffic } from "../jobs/traffic.ts";

/** What a tool says, in the words of the protocol. */
type ToolResult = { content: { type: "text"; text: string }[]; isError?: boolean };

/** The tools `ask`, `search` and `ingest` over one collection, for programs that speak the Model Context Protocol; `calls` counts those under way. */
export function createMcpServer(
  parts: EngineParts,
  { cwd, calls = new Traffic() }: { cwd: string; calls?: Traffic },
): McpServer {
  const told = async (task: () => Promise<unknown>): Promise<ToolResult> => {
    const leave = calls.enter();
    try {
      return await tell(task);
    } finally {
      leave();
    }
  };
  const server = new McpServer({ name: "parametric-rag", version: packageVersion });
  const { collection, method: usual } = parts.config;
  server.registerTool(
    "ask",
    {
      title: "Ask the documents",
      description: `Answers a question from the documents of the collection "${collection}", with the passages that it came from.`,
      inputSchema: {
        question: z.string().min(1).max(10_000),
        method: z.enum(methodNames).optional().describe(`how to answer; ${usual} where absent`),
        limit: z.int().min(1).max(100).optional().describe("passages to retrieve"),
      },
      annotations: { readOnlyHint: true },
    },
    ({ question, method, limit }, { signal }) => told(() => ask(parts, question, { method, limit, signal })),
  );
  server.registerTool(
    "search",
    {
      title: "Search the documents",
      description: `Finds the passages of the collection "${collection}" that fit a query, best first.`,
      inputSchema: {
        query: z.string().min(1).max(10_000),
        limit: z.int().min(1).max(100).optional().describe("passages at most"),
      },
      annotations: { readOnlyHint: true },
    },
    ({ query, limit }, { signal }) =>
      told(async () => ({ hits: await search(parts, query, { limit, signal }) })),
  );
  server.registerTool(
    "ingest",
    {
      title: "Add documents",
      description: `Takes files, folders and globs below ${cwd} into the collection "${collection}".`,
      inputSchema: { paths: z.array(z.string().min(1)).min(1).max(100) },
      annotations: { destructiveHint: false, idempotentHint: true },
    },
    ({ paths }, { signal }) =>
      told(async () => {
        for (const path of paths)
          if (!(await isWithin(cwd, resolve(cwd, path))))
            throw new InputError(`${path} is not below ${cwd}, where this server was started`);
        const { base, inputs } = locateInputs(paths, { cwd, dataFolder: parts.config.dataFolder });
        return ingest(parts, inputs, { base, within: cwd, signal });
      }),
  );
  return server;
}

/** Whether a path, or what a link in it leads to, lies in a folder. A part that does not exist (a pattern) leads nowhere else. */
async function isWithin(folder: string, path: string): Promise<boolean> {
  return liesIn(await realpath(folder), await realPart(path));
}

async function realPart(path: string): Promise<string> {
  return realpath(path).catch(async () =>
    dirname(path) === path ? path : join(await realPart(dirname(path)), basename(path)),
  );
}

/** A result as JSON text; a failure that the user can act on is told as such. */
async function tell(task: () => Promise<unknown>): Promise<ToolResult> {
  try {
    return { content: [{ type: "text", text: JSON.stringify(await task(), null, 2) }] };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { content: [{ type: "text", text: error.message }], isError: true };
  }
}
