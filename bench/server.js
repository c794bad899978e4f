// `prag serve` as a process of its own, and what benches ask of it.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Serves a folder (a temporary one, gone afterwards, where none is named) while a task uses the address, and returns what it gives.
 * The process starts in that folder if no other is named.
 */
export async function withServer({ work, words, cwd }, task) {
  const folder = work ?? (await mkdtemp(join(tmpdir(), "prag-bench-serve-")));
  await mkdir(folder, { recursive: true });
  const launcher = join(import.meta.dirname, "..", "bin", "prag.js");
  const all = ["--data-folder", join(folder, "data"), "--json", "serve", "--port", "0", ...words];
  const child = spawn(process.execPath, [launcher, ...all], {
    cwd: cwd ?? folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    return await task(await addressOf(child));
  } finally {
    child.kill("SIGTERM");
    if (child.exitCode === null) await new Promise((resolve) => child.once("close", resolve));
    if (work === undefined) await rm(folder, { recursive: true });
  }
}

async function addressOf({ stdout }) {
  let text = "";
  for await (const piece of stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    text += piece;
    const match = /"url": "([^"]+)"/.exec(text);
    if (match) return match[1];
  }
  throw new Error(`the server did not begin: ${text}`);
}

export async function getJson(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json();
}

export async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer;
}

/** Uploads documents, [name, text] each, and waits until they are ingested. */
export async function upload(url, documents) {
  const form = new FormData();
  for (const [name, text] of documents) form.append("file", new File([text], name));
  const answer = await fetch(`${url}/api/collections/default/documents`, { method: "POST", body: form });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return endOfJob(url, (await answer.json()).job);
}

export async function endOfJob(url, { id }) {
  const text = await (await fetch(`${url}/api/jobs/${id}/events`)).text();
  const job = JSON.parse(/^data: (.*)$/m.exec(text.trim().split("\n\n").at(-1))[1]);
  if (job.state !== "done") throw new Error(`the job ended as ${job.state}: ${JSON.stringify(job.error)}`);
  return job;
}

const agent = new Agent({ keepAlive: true });

/** One streamed answer: its text, and when its first token came. By `node:http`, as `fetch` takes processor time from the server. */
export function ask(url, body) {
  const start = performance.now();
  const seen = { text: "", firstMs: undefined, tokens: 0 };
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/json" };
    const sent = request(`${url}/api/ask`, { method: "POST", agent, headers }, (answer) => {
      let rest = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece) => {
        const blocks = (rest + piece).split("\n\n");
        rest = blocks.pop();
        if (answer.statusCode !== 200) return;
        for (const block of blocks) hear(block, seen, start);
      });
      answer.on("error", reject);
      answer.on("end", () => {
        const tookMs = performance.now() - start;
        if (answer.statusCode !== 200 || seen.error) reject(new Error(seen.error ?? rest));
        else resolve({ ...seen, firstMs: seen.firstMs ?? tookMs, tookMs });
      });
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}

function hear(block, seen, start) {
  const data = /^data: (.*)$/m.exec(block)?.[1];
  if (!data) return;
  const event = JSON.parse(data);
  if (event.type === "error") seen.error = event.error.message;
  if (event.type === "end") seen.tokens = event.usage.generatedTokens;
  if (event.type !== "text-delta") return;
  seen.firstMs ??= performance.now() - start;
  seen.text += event.text;
}

/** A number of `/metrics`. */
export async function metric(url, name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
}

export function percentile(list, share) {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
