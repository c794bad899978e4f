import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { ConfigError, messageOf } from "../../base/errors.ts";
import { packageRoot } from "../../engine/package-root.ts";
import { defaultPolicy } from "../../jobs/background.ts";
import { openServer, type ServerParts } from "../../serving/server.ts";
import { addExamples, decimalNumber, wholeNumber } from "../options.ts";
import { createProgressBar } from "../progress-bar.ts";
import { loadCommandConfig, type Shell, speechOf } from "../shell.ts";

const schema = z.object({
  host: z.string(),
  port: z.int().min(0).max(65_535),
  apiKey: z.string().optional(),
  allowHost: z.array(z.string()).default([]),
  allowPath: z.array(z.string()).default([]),
  runs: z.string(),
  maxUpload: z.number().positive().max(1024),
  queue: z.int().min(1).max(100_000),
  deadline: z.number().positive().max(86_400),
  background: z.boolean(),
  minimumHeat: z.number().positive(),
  halfLife: z.number().positive(),
  cpuShare: z.number().gt(0).max(1),
  diskBudget: z.number().positive(),
  trainingThreads: z.int().min(1).max(1024).optional(),
  json: z.boolean().default(false),
  quiet: z.boolean().default(false),
});
type Options = z.infer<typeof schema>;

/** `prag serve`: the page, the native routes and OpenAI's. */
export function addServe(program: Command, shell: Shell): void {
  const command = program
    .command("serve")
    .description(
      "Serve the page, OpenAI's routes (/v1) and this program's own (/api) over HTTP. Passages that are asked for often are encoded in the background.",
    )
    .option(
      "--host <address>",
      "address to listen on; any but this machine's own (127.0.0.1, ::1, localhost) demands a key",
      "127.0.0.1",
    )
    .option("--port <port>", "port to listen on; 0 takes a free one", wholeNumber, 8642)
    .option("--api-key <key>", "what clients must send as bearer token (default: PRAG_API_KEY)")
    .option("--allow-host <name...>", "further names under which the server is reached")
    .option("--allow-path <folder...>", "folders that documents may be ingested from by path")
    .option("--runs <folder>", "where reports of evaluations lie", "runs")
    .option("--max-upload <megabytes>", "of one upload", decimalNumber, 64)
    .option("--queue <count>", "answers under way and waiting together; more get 503", wholeNumber, 64)
    .option("--deadline <seconds>", "for one answer", decimalNumber, 120)
    .option("--no-background", "do not encode passages in the background")
    .option(
      "--minimum-heat <count>",
      "retrievals that make a passage hot",
      decimalNumber,
      defaultPolicy.minimumHeat,
    )
    .option("--half-life <hours>", "after which a retrieval counts half", decimalNumber, 24)
    .option(
      "--cpu-share <share>",
      "of the time that the background may work",
      decimalNumber,
      defaultPolicy.cpuShare,
    )
    .option(
      "--disk-budget <megabytes>",
      "of all adapters; there, cold ones that the background made go first",
      decimalNumber,
      1024,
    )
    .option("--training-threads <count>", "of encoding (default: half of all)", wholeNumber)
    .action(async (_options: unknown, self: Command) => {
      await serve(shell, self);
    });
  addExamples(command, [
    "prag serve",
    "prag serve --port 9000 --allow-path ./docs",
    "PRAG_API_KEY=… prag serve --host 0.0.0.0 --allow-host rag.example.org",
  ]);
}

async function serve(shell: Shell, command: Command): Promise<void> {
  const options = readServeOptions(command);
  const speech = speechOf(shell, options);
  const server = await openServer(await partsOf(shell, command, options));
  speech.print({ url: server.url }, () => [`prag is at ${server.url}`]);
  speech.note("Ctrl-C ends it: answers under way are finished, encoding stops between two steps");
  await ended(shell.signal);
  await server.close();
}

/** Unlike other options, numbers of these may be out of range: a `ConfigError`, no bug. */
function readServeOptions(command: Command): Options {
  const result = schema.safeParse(command.optsWithGlobals());
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = String(issue?.path[0] ?? "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new ConfigError(`--${name}: ${issue?.message ?? "is wrong"}`);
}

async function partsOf(shell: Shell, command: Command, options: Options): Promise<ServerParts> {
  const main = await loadCommandConfig(shell, { command });
  const note = (line: string) => shell.terminal.note(`prag: ${line}`);
  const bar = createProgressBar({ ...shell.terminal.bar, clock: shell.clock });
  const threads = main.threads ?? availableParallelism();
  const policy = {
    ...defaultPolicy,
    minimumHeat: options.minimumHeat,
    cpuShare: options.cpuShare,
    diskBytes: options.diskBudget * 2 ** 20,
    halfLifeMs: options.halfLife * 3_600_000,
  };
  return {
    options: {
      host: options.host,
      port: options.port,
      apiKey: options.apiKey ?? shell.env.PRAG_API_KEY,
      allowedHosts: options.allowHost,
      allowedPaths: options.allowPath.map((path) => resolve(shell.cwd, path)),
      reportsFolder: resolve(shell.cwd, options.runs),
      pageFolder: join(packageRoot, "dist", "web"),
      maxUploadBytes: options.maxUpload * 2 ** 20,
      maxBodyBytes: 2 ** 20,
      bodyTimeoutMs: 60_000,
      maxInFlight: options.queue,
      deadlineMs: options.deadline * 1000,
    },
    engines: {
      collection: main.collection,
      settingsOf: (collection) => loadCommandConfig(shell, { command, settings: { collection } }),
      environment: {
        progress: options.quiet ? undefined : bar.progress,
        env: shell.env,
        clock: shell.clock,
        signal: shell.signal,
        trainingThreads: options.trainingThreads ?? Math.max(1, Math.floor(threads / 2)),
      },
    },
    background: options.background ? policy : undefined,
    onBug: (error) => note(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    onProblem: (error) => note(`encoding in the background: ${messageOf(error)}; it tries again later`),
  };
}

/** Ctrl-C, or the end that a service manager asks for. */
async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    process.once("SIGTERM", resolve);
  });
}
