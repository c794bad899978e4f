// The server with prag-mini: many streaming clients against one, whether answers get mixed up, and what encoding beside them costs.
// npm run build && node bench/serve.js [--seconds 60] [--clients 16] [--method prag] [--probes 60] [--skip-encoder]
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    clients: { type: "string", default: "16" },
    method: { type: "string", default: "prag" },
    probes: { type: "string", default: "60" },
    "skip-encoder": { type: "boolean", default: false },
  },
});
const clients = Number(options.clients);
const seconds = Number(options.seconds);

// One invented entity for each client.
const starts = [
  "Bel",
  "Cor",
  "Dun",
  "Fal",
  "Gar",
  "Hal",
  "Kes",
  "Lor",
  "Mar",
  "Nor",
  "Pel",
  "Quor",
  "Ras",
  "Sil",
  "Tor",
  "Vel",
];
const ends = ["wick", "mere", "stow", "holt", "ford", "by", "ness", "combe"];
const names = Array.from(
  { length: 4 * clients },
  (_, i) => `${starts[i % starts.length]}a${ends[Math.floor(i / starts.length) % ends.length]}`,
);
const people = [
  "Mira Tolk",
  "Jonas Velt",
  "Ada Brenner",
  "Piet Oram",
  "Lena Farrow",
  "Karl Usk",
  "Ines Mald",
  "Otto Reme",
];
const article = (i) =>
  `# ${names[i]} Bridge\n\nThe ${names[i]} Bridge was built in ${1700 + i} by ${people[i % people.length]}. It crosses the river Ost${names[i].toLowerCase()}. The ${names[i]} Bridge has ${3 + i} arches and is made of slate.\n`;
const questionOf = (i) => `When was the ${names[i]} Bridge built?`;

const folder = await mkdtemp(join(tmpdir(), "prag-bench-serve-"));
const launcher = join(import.meta.dirname, "..", "bin", "prag.js");
const words = ["--data-folder", join(folder, "data"), "--json", "serve", "--port", "0", "--no-background"];
const child = spawn(process.execPath, [launcher, ...words], {
  cwd: folder,
  stdio: ["ignore", "pipe", "ignore"],
});
try {
  const url = await addressOf(child);
  await prepare(url);
  await measureThroughput(url);
  if (!options["skip-encoder"]) await measureEncoder(url);
} finally {
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("close", resolve));
  await rm(folder, { recursive: true });
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

async function post(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer;
}

async function upload(url, indices) {
  const form = new FormData();
  for (const i of indices) form.append("file", new File([article(i)], `${names[i]}.md`));
  const answer = await fetch(`${url}/api/collections/default/documents`, { method: "POST", body: form });
  return endOfJob(url, (await answer.json()).job);
}

async function endOfJob(url, { id }) {
  const text = await (await fetch(`${url}/api/jobs/${id}/events`)).text();
  const job = JSON.parse(/^data: (.*)$/m.exec(text.trim().split("\n\n").at(-1))[1]);
  if (job.state !== "done") throw new Error(`the job ended as ${job.state}: ${JSON.stringify(job.error)}`);
  return job;
}

async function prepare(url) {
  await upload(url, range(clients));
  const { job } = await (await post(`${url}/api/collections/default/encode`, {})).json();
  const { result } = await endOfJob(url, job);
  console.log(`${result.encoded} passages encoded in ${result.seconds.toFixed(1)} s`);
}

/** One streamed answer: its text, and when its first token came. */
async function ask(url, i) {
  const start = performance.now();
  const answer = await post(`${url}/api/ask`, { question: questionOf(i), method: options.method, limit: 3 });
  let [text, firstMs, buffer, tokens] = ["", undefined, "", 0];
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    buffer += piece;
    const blocks = buffer.split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) {
      const match = /^data: (.*)$/m.exec(block);
      if (!match) continue;
      const event = JSON.parse(match[1]);
      if (event.type === "error") throw new Error(event.error.message);
      if (event.type === "text-delta") {
        firstMs ??= performance.now() - start;
        text += event.text;
      }
      if (event.type === "end") tokens = event.usage.generatedTokens;
    }
  }
  return { text, firstMs: firstMs ?? performance.now() - start, tokens };
}

/** So many clients, each asking for its own entity again and again. */
async function run(url, count, { forSeconds, expected }) {
  const end = performance.now() + 1000 * forSeconds;
  const seen = { answers: 0, tokens: 0, errors: 0, mixedUp: 0, firstMs: [] };
  const begun = performance.now();
  await Promise.all(
    range(count).map(async (i) => {
      while (performance.now() < end) {
        try {
          const { text, firstMs, tokens } = await ask(url, i);
          seen.answers++;
          seen.tokens += tokens;
          seen.firstMs.push(firstMs);
          if (text !== expected[i]) seen.mixedUp++;
        } catch (error) {
          seen.errors++;
          if (seen.errors === 1) console.log(`first error: ${error.message}`);
        }
      }
    }),
  );
  const took = (performance.now() - begun) / 1000;
  return { ...seen, perSecond: seen.answers / took, tokensPerSecond: seen.tokens / took };
}

async function measureThroughput(url) {
  const expected = [];
  for (const i of range(clients)) expected.push((await ask(url, i)).text);
  console.log(
    `${new Set(expected).size} different answers to ${clients} questions, such as${expected[0]} and${expected[1]}`,
  );
  const before = await residentBytes(url);
  const one = await run(url, 1, { forSeconds: Math.min(20, seconds), expected });
  const many = await run(url, clients, { forSeconds: seconds, expected });
  for (const [name, seen] of [
    ["1 client", one],
    [`${clients} clients`, many],
  ])
    console.log(
      `${name}: ${seen.perSecond.toFixed(1)} answers/s, ${seen.tokensPerSecond.toFixed(0)} tokens/s, first token p50 ${percentile(seen.firstMs, 0.5)} ms, p95 ${percentile(seen.firstMs, 0.95)} ms, ${seen.errors} errors, ${seen.mixedUp} mixed up, of ${seen.answers}`,
    );
  console.log(
    `throughput of ${clients} clients against one (wanted >= 3): ${(many.perSecond / one.perSecond).toFixed(2)} x`,
  );
  const after = await residentBytes(url);
  console.log(`memory of the server: ${megabytes(before)} MB before, ${megabytes(after)} MB after`);
}

/** Time to the first token with nothing beside it, and while passages are encoded; the two take turns. */
async function measureEncoder(url) {
  const probe = async () => {
    const { firstMs } = await ask(url, 0);
    await sleep(100 + 200 * Math.random());
    return firstMs;
  };
  const [idle, busy] = [[], []];
  const rounds = 3;
  for (const round of range(rounds)) {
    for (const _ of range(Number(options.probes) / rounds)) idle.push(await probe());
    await upload(
      url,
      range(clients).map((i) => clients * (round + 1) + i),
    );
    const { job } = await (await post(`${url}/api/collections/default/encode`, {})).json();
    while ((await (await fetch(`${url}/api/jobs/${job.id}`)).json()).losses.length === 0) await sleep(50);
    for (const _ of range(Number(options.probes) / rounds)) {
      const { state } = await (await fetch(`${url}/api/jobs/${job.id}`)).json();
      if (state !== "running") break;
      busy.push(await probe());
    }
    await endOfJob(url, job);
  }
  const [a, b] = [percentile(idle, 0.95), percentile(busy, 0.95)];
  console.log(
    `first token, encoder idle: p50 ${percentile(idle, 0.5)} ms, p95 ${a} ms (${idle.length}); busy: p50 ${percentile(busy, 0.5)} ms, p95 ${b} ms (${busy.length})`,
  );
  console.log(`p95 busy against idle (wanted <= 2): ${(b / a).toFixed(2)} x`);
}

async function residentBytes(url) {
  return Number(
    /^process_resident_memory_bytes (\S+)/m.exec(await (await fetch(`${url}/metrics`)).text())[1],
  );
}

function percentile(list, share) {
  const sorted = list.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN);
}

function range(count) {
  return Array.from({ length: count }, (_, i) => i);
}

function megabytes(bytes) {
  return Math.round(bytes / 1e6);
}
