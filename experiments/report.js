// What all experiments write: results.json, and the part of findings.md that is made from numbers.
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { writeAtomic, writeJson } from "../dist/base/files.js";
import { createProgressBar } from "../dist/cli/progress-bar.js";
import { createTerminal } from "../dist/cli/terminal.js";

const [begin, end] = ["<!-- made by run.js: begin -->", "<!-- made by run.js: end -->"];

/** Where and with what an experiment ran. */
export function describeRun(model) {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores, Node.js ${process.version}`,
    model: { name: model.name, fingerprint: model.fingerprint.slice(0, 16) },
  };
}

/** Writes the numbers, and puts a text into findings.md in the place of the one made before; what stands around it stays. */
export async function writeFindings(folder, { results, title, text }) {
  await writeJson(join(folder, "results.json"), results);
  const path = join(folder, "findings.md");
  const before = await readFile(path, "utf8").catch(() => `# ${title}\n\n${begin}\n${end}\n`);
  const [head, tail] = [before.split(begin)[0], before.split(end)[1] ?? "\n"];
  await writeAtomic(path, `${head}${begin}\n${text.trim()}\n${end}${tail}`);
}

/** A Markdown table. */
export function table(header, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, i) => (i ? "---:" : "---"))), ...rows.map(line)].join("\n");
}

/** A fraction as a percentage with one decimal place. */
export const percent = (fraction) => (fraction === undefined ? "–" : (100 * fraction).toFixed(1));

/** A progress bar with the time that is left; plain lines now and then where nobody watches. */
export function createProgress() {
  const { bar } = createTerminal(process.stdout, process.stderr, process.env);
  return createProgressBar({ ...bar, columns: bar.columns, clock: () => performance.now() }).progress;
}
