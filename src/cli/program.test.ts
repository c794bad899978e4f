import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "./program.ts";
import type { Shell } from "./shell.ts";
import { createTerminal, formatTable, printable } from "./terminal.ts";

function fakeShell() {
  const written = { out: "", err: "" };
  const stdout = { write: (text: string) => (written.out += text) };
  const stderr = { write: (text: string) => (written.err += text) };
  const shell: Shell = {
    terminal: createTerminal(stdout, stderr, {}),
    signal: new AbortController().signal,
    env: {},
    cwd: "/nowhere",
    clock: () => 0,
    stdin: process.stdin,
  };
  return { shell, written };
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** `adapters list` and the like. */
function pathOf(command: Command): string[] {
  return command.parent ? [...pathOf(command.parent), command.name()] : [];
}

const commands = allCommands(createProgram(fakeShell().shell));

describe("help", () => {
  it("says of options what must be given, and defaults in words", () => {
    const evaluate = commands.find((command) => command.name() === "eval")!;
    const help = evaluate.helpInformation().replace(/\s+/g, " ");
    expect(help).toMatch(/--dataset <file> [^-]*\(required\)/);
    expect(help).toContain("(default: closed-book,standard-rag,prag,combine)");
  });

  it("says at once that an order by type needs the number of questions", async () => {
    const words = ["eval", "--dataset", "q.jsonl", "--out", "run", "--sample-order", "first-per-type"];
    const asked = createProgram(fakeShell().shell).parseAsync(words, { from: "user" });
    await expect(asked).rejects.toThrow(/--sample-order first-per-type needs --sample/);
  });

  it("knows all commands", () => {
    expect(commands.map((command) => pathOf(command).join(" ")).sort()).toEqual(
      [
        "",
        "adapters",
        "adapters delete",
        "adapters export",
        "adapters import",
        "adapters list",
        "adapters verify",
        "ask",
        "augment",
        "chat",
        "collections",
        "collections delete",
        "collections list",
        "demo",
        "doctor",
        "encode",
        "eval",
        "ingest",
        "init",
        "mcp",
        "memorize",
        "memory",
        "memory append",
        "memory clues",
        "memory delete",
        "memory list",
        "memory show",
        "memory summarise",
        "memory train",
        "models",
        "models list",
        "models pull",
        "report",
        "reproduce",
        "serve",
        "status",
        "warmup",
      ].sort(),
    );
  });

  it.each(commands.map((command) => [pathOf(command).join(" ") || "prag", pathOf(command)]))(
    "of %s says what it does, with examples",
    async (_name, path) => {
      const { shell, written } = fakeShell();
      const parse = createProgram(shell).parseAsync([...path, "--help"], { from: "user" });
      await expect(parse).rejects.toMatchObject({ exitCode: 0 });
      expect(written.err).toBe("");
      expect(written.out).toMatch(/^Usage: prag/);
      expect(written.out).toMatch(
        new RegExp(`Examples:\\n(  \\$ .*prag .*\\n)*  \\$ .*prag ${path.join(" ")}`),
      );
      expect(written.out.split("\n\n")[1]).toMatch(/^[A-Z].*\.$/s); // the description is a sentence
      expect(written.out).toContain("--data-folder");
    },
  );

  it("suggests the option or command that was meant", async () => {
    const parse = (...words: string[]) =>
      createProgram(fakeShell().shell).parseAsync(words, { from: "user" });
    await expect(parse("ask", "q", "--on-mising", "skip")).rejects.toThrow(/Did you mean --on-missing/);
    await expect(parse("encde")).rejects.toThrow(/Did you mean encode/);
    await expect(parse("ask", "q", "--limit", "few")).rejects.toThrow(/must be a whole number/);
    await expect(parse("ask", "q", "--method", "magic")).rejects.toThrow(
      /closed-book, standard-rag, .*prag, combine/,
    );
  });

  it("refuses memory weights for notes, which are written without", async () => {
    const words = ["memorize", "book.txt", "--memory", "book", "--lite", "--memory-model", "weights"];
    const parse = createProgram(fakeShell().shell).parseAsync(words, { from: "user" });
    await expect(parse).rejects.toThrow(/leave out --memory-model, or --lite/);
  });
});

describe("a terminal", () => {
  it("is coloured only where a person reads, and NO_COLOR is not set", () => {
    const stream = (isTTY: boolean) => ({ write: () => true, isTTY });
    const style = (isTTY: boolean, env: Record<string, string>) =>
      createTerminal(stream(isTTY), stream(isTTY), env).style("red", "x");
    expect(style(true, {})).toBe("\x1b[31mx\x1b[39m");
    expect(style(false, {})).toBe("x");
    expect(style(true, { NO_COLOR: "1" })).toBe("x");
    expect(style(true, { TERM: "dumb" })).toBe("x");
  });

  it("is not at the mercy of names that come from elsewhere", () => {
    const { shell, written } = fakeShell();
    shell.terminal.note("skipped \x1b]52;c;ZXZpbA==\x07.exe, \x1b[8mhidden\r");
    expect(written.err).toBe("skipped ]52;c;ZXZpbA==.exe, [8mhidden\n");
    expect(formatTable([["model"], ["a\x1b[2Jb"]])).toEqual(["model", "a[2Jb"]);
  });

  it("is not at the mercy of what a model writes", () => {
    expect(printable("a\x1b[2Jb\r\x07\tc\nd\u009b")).toBe("a[2Jb\tc\nd");
  });

  it("sets tables with numbers to the right", () => {
    expect(
      formatTable([
        ["name", "count"],
        ["a", 5],
        ["long name", 1200],
      ]),
    ).toEqual(["name       count", "a              5", "long name   1200"]);
  });
});
