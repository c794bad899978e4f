import { spawn } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { expect, it } from "vitest";
import { z } from "zod";
import {
  bridgeArticle,
  tinyModel,
  tinySettings,
  withEngine,
  withTempFolder,
} from "../engine/engine.suite.ts";
import { createMcpServer } from "./mcp.ts";

const answerSchema = z.object({
  content: z.array(z.object({ text: z.string() })),
  isError: z.boolean().optional(),
});

async function call(client: Client, name: string, given: Record<string, unknown>) {
  const { content, isError } = answerSchema.parse(await client.callTool({ name, arguments: given }));
  return { text: content.map(({ text }) => text).join(""), isError: isError ?? false };
}

it("lets a client ingest, search and ask", async () => {
  await withTempFolder((folder) =>
    withEngine(tinySettings(folder), async ({ parts }) => {
      const server = createMcpServer(parts, { cwd: folder });
      const client = new Client({ name: "test", version: "1" });
      const [a, b] = InMemoryTransport.createLinkedPair();
      await Promise.all([server.connect(a), client.connect(b)]);
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name).sort()).toEqual(["ask", "ingest", "search"]);
      expect(await call(client, "search", { query: "bridge" })).toMatchObject({
        isError: true,
        text: expect.stringContaining("ingest"),
      });
      await symlink(tmpdir(), join(folder, "leads-out"));
      for (const path of ["..", "/etc", "docs/../..", "leads-out", "leads-out/*.txt"])
        expect(await call(client, "ingest", { paths: [path] })).toMatchObject({ isError: true });
      expect((await call(client, "ingest", { paths: ["docs"] })).text).toContain('"added": 5');
      expect((await call(client, "search", { query: "Orlen2 Bridge" })).text).toContain("Orlen2 Bridge");
      const answer = await call(client, "ask", { question: "Who built the Orlen1 Bridge?", limit: 2 });
      expect(JSON.parse(answer.text)).toMatchObject({ sources: { length: 2 } });
      expect((await call(client, "ask", { question: "Who?", method: "magic" })).isError).toBe(true);
      await client.close();
    }),
  );
});

it("takes globs where the working folder's own name looks like one", async () => {
  await withTempFolder(async (folder) => {
    const cwd = join(folder, "work {a,b}");
    await mkdir(cwd);
    await writeFile(join(cwd, "b.txt"), bridgeArticle(1));
    await withEngine(tinySettings(folder), async ({ parts }) => {
      const client = new Client({ name: "test", version: "1" });
      const [a, b] = InMemoryTransport.createLinkedPair();
      await Promise.all([createMcpServer(parts, { cwd }).connect(a), client.connect(b)]);
      expect((await call(client, "ingest", { paths: ["*.txt"] })).text).toContain('"added": 1');
      await client.close();
    });
  });
});

it("answers what was called before its input ended", async () => {
  await withTempFolder(async (folder) => {
    const bin = join(import.meta.dirname, "../../dist/cli/main.js");
    const words = ["mcp", "--model", tinyModel(), "--data-folder", join(folder, "data"), "--offline"];
    const child = spawn(process.execPath, [bin, ...words], {
      cwd: folder,
      stdio: ["pipe", "pipe", "ignore"],
    });
    const toolCall = (id: number, name: string, given: object) => ({
      ...{ jsonrpc: "2.0", id, method: "tools/call" },
      params: { name, arguments: given },
    });
    const clientInfo = { name: "test", version: "1" };
    const messages = [
      {
        ...{ jsonrpc: "2.0", id: 0, method: "initialize" },
        params: { protocolVersion: "2025-03-26", capabilities: {}, clientInfo },
      },
      { jsonrpc: "2.0", method: "notifications/initialized" },
      toolCall(1, "ingest", { paths: ["docs"] }),
    ];
    child.stdin.end(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
    expect(await text(child.stdout)).toContain('\\"added\\": 5');
  });
}, 60_000);

it("speaks over standard input and output as a process", async () => {
  await withTempFolder(async (folder) => {
    const bin = join(import.meta.dirname, "../../dist/cli/main.js");
    const client = new Client({ name: "test", version: "1" });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [bin, "mcp", "--model", tinyModel(), "--data-folder", join(folder, "data"), "--offline"],
      cwd: folder,
      stderr: "ignore",
    });
    await client.connect(transport);
    expect((await call(client, "ingest", { paths: ["docs"] })).text).toContain('"added": 5');
    expect((await call(client, "search", { query: "Orlen2 Bridge", limit: 1 })).text).toContain("Orlen2");
    await client.close();
  });
}, 60_000);
