#!/usr/bin/env node
// Starts the command line. Plain JavaScript, so that it runs before anything is built; in a checkout it builds first
// what is missing or older than the sources. The syntax is old on purpose: an old Node.js must get as far as the message.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const main = join(root, "dist", "cli", "main.js");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const sources = join(root, "src");

/** Oldest Node.js that everything here runs on. */
const [wantedMajor, wantedMinor] = [20, 19];
/** Builds that take longer than this are announced. */
const patienceMs = 2000;

start().catch((error) => {
  console.error(`prag: ${error.message}`);
  process.exitCode = 70;
});

async function start() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
    console.error(
      `prag: Node.js ${wantedMajor}.${wantedMinor} or newer is needed, this is ${process.versions.node}; install it from https://nodejs.org`,
    );
    process.exitCode = 5;
    return;
  }
  const canBuild = existsSync(join(sources, "cli", "main.ts")) && existsSync(compiler);
  if (canBuild && isStale()) await build();
  if (!existsSync(main))
    throw new Error(`${main} is missing; run "npm ci" in ${root}, then the same command`);
  await import(pathToFileURL(main).href);
}

function isStale() {
  if (!existsSync(main)) return true;
  return newest(sources) > statSync(main).mtimeMs;
}

/** When a source file below the folder was last changed, in ms since 1970. */
function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) time = Math.max(time, newest(path));
    else if (!/\.(test|suite)\.ts$/.test(entry.name)) time = Math.max(time, statSync(path).mtimeMs);
  }
  return time;
}

/** Compiles src/ to dist/. What does not pass the type check is said, and run all the same, as it may be half-written. */
async function build() {
  const begun = new Date();
  const timer = setTimeout(
    () => console.error("prag: building; this is done once after a change"),
    patienceMs,
  );
  const { code, output } = await run([compiler, "-p", join(root, "tsconfig.build.json")]);
  clearTimeout(timer);
  if (code !== 0) {
    console.error(`prag: the sources do not pass the type check ("npm run typecheck" shows all):`);
    console.error(output.split("\n").slice(0, 5).join("\n"));
  }
  if (!existsSync(main)) return;
  try {
    utimesSync(main, begun, begun); // the compiler leaves files alone whose content stays the same
  } catch {
    // A folder of somebody else: what is there is run.
  }
}

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
