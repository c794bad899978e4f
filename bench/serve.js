// The server with prag-mini: many streaming clients against one, whether answers get mixed up, and what encoding beside them costs.
// npm run build && node bench/serve.js [--seconds 60] [--clients 16] [--method prag] [--probes 120] [--skip-encoder] [--work <folder>]
// With a work folder, what was encoded stays there for the next run.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ask, endOfJob, getJson, metric, percentile, post, upload, withServer } from "./server.js";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    clients: { type: "string", default: "16" },
    method: { type: "string", default: "prag" },
    probes: { type: "string", default: "120" },
    "skip-encoder": { type: "boolean", default: false },
    work: { type: "string" },
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

await withServer({ work: options.work, words: ["--no-background"] }, async (url) => {
  await encode(url, range(clients));
  await measureThroughput(url);
  if (!options["skip-encoder"]) await measureEncoder(url);
});

async function encode(url, indices) {
  await upload(
    url,
    indices.map((i) => [`${names[i]}.md`, article(i)]),
  );
  const { job } = await (await post(`${url}/api/collections/default/encode`, {})).json();
  const { result } = await endOfJob(url, job);
  console.log(`${result.encoded} passages encoded in ${result.seconds.toFixed(1)} s`);
}

function askFor(url, i) {
  return ask(url, { question: questionOf(i), method: options.method, limit: 3 });
}

/** So many clients, each asking for its own entity again and again. */
async function run(url, count, { forSeconds, expected }) {
  const end = performance.now() + 1000 * forSeconds;
  const seen = { answers: 0, tokens: 0, errors: 0, mixedUp: 0, changed: 0, firstMs: [] };
  const [begun, usedBefore] = [performance.now(), await metric(url, "process_cpu_seconds_total")];
  await Promise.all(
    range(count).map(async (i) => {
      while (performance.now() < end) {
        try {
          const { text, firstMs, tokens } = await askFor(url, i);
          seen.answers++;
          seen.tokens += tokens;
          seen.firstMs.push(firstMs);
          // A batch of another size rounds otherwise, which may turn a close choice: no answer of somebody else.
          if (text !== expected[i]) seen.changed++;
          if (text !== expected[i] && expected.includes(text)) seen.mixedUp++;
        } catch (error) {
          seen.errors++;
          if (seen.errors === 1) console.log(`first error: ${error.message}`);
        }
      }
    }),
  );
  seen.seconds = (performance.now() - begun) / 1000;
  seen.cpuSeconds = (await metric(url, "process_cpu_seconds_total")) - usedBefore;
  return seen;
}

/** One client before and after the many, so that a drift of the machine's speed meets both. */
async function measureThroughput(url) {
  const expected = [];
  for (const i of range(clients)) expected.push((await askFor(url, i)).text);
  const count = new Set(expected).size;
  console.log(`${count} different answers to ${clients} questions, such as${expected[0]} and${expected[1]}`);
  const forSeconds = Math.min(15, seconds);
  const before = await metric(url, "process_resident_memory_bytes");
  const first = await run(url, 1, { forSeconds, expected });
  const many = await run(url, clients, { forSeconds: seconds, expected });
  const one = join(first, await run(url, 1, { forSeconds, expected }));
  describe("1 client", one);
  describe(`${clients} clients`, many);
  const rates = [one, many].map(({ answers, seconds: took }) => answers / took);
  console.log(
    `answers per second of ${clients} clients against one (wanted >= 3): ${(rates[1] / rates[0]).toFixed(2)} x`,
  );
  const after = await metric(url, "process_resident_memory_bytes");
  console.log(`memory of the server: ${megabytes(before)} MB before, ${megabytes(after)} MB after`);
}

/** Two measurements of the same as one. */
function join(a, b) {
  return Object.fromEntries(
    Object.keys(a).map((key) => [key, Array.isArray(a[key]) ? [...a[key], ...b[key]] : a[key] + b[key]]),
  );
}

function describe(name, { answers, tokens, seconds: took, cpuSeconds, firstMs, errors, mixedUp, changed }) {
  const p = (share) => `${percentile(firstMs, share).toFixed(0)} ms`;
  console.log(
    `${name}: ${(answers / took).toFixed(1)} answers/s, ${(tokens / took).toFixed(0)} tokens/s, ${((1000 * cpuSeconds) / answers).toFixed(1)} ms of the server's processor time per answer, first token p50 ${p(0.5)}, p95 ${p(0.95)}; of ${answers} answers ${errors} errors, ${mixedUp} mixed up, ${changed} other than alone`,
  );
}

/** Time to the first token with nothing beside it, and while a job encodes, which gives way less than the background; the two take turns. */
async function measureEncoder(url) {
  const probe = async () => {
    const { firstMs } = await askFor(url, 0);
    await sleep(100 + 200 * Math.random());
    return firstMs;
  };
  const [idle, busy] = [[], []];
  const rounds = 3;
  const each = Math.ceil(Number(options.probes) / rounds);
  for (const round of range(rounds)) {
    for (const _ of range(each)) idle.push(await probe());
    const indices = range(clients).map((i) => clients * (round + 1) + i);
    let isOver = false;
    const encoded = encode(url, indices).finally(() => {
      isOver = true;
    });
    while (!isOver && !(await isTraining(url))) await sleep(50);
    for (const _ of range(each)) if (!isOver) busy.push(await probe());
    await encoded;
  }
  if (!busy.length)
    throw new Error("the articles to encode have adapters from a run before: use another --work");
  const [a, b] = [percentile(idle, 0.95), percentile(busy, 0.95)];
  const p50 = (list) => percentile(list, 0.5).toFixed(0);
  console.log(
    `first token, encoder idle: p50 ${p50(idle)} ms, p95 ${a.toFixed(0)} ms (${idle.length}); busy: p50 ${p50(busy)} ms, p95 ${b.toFixed(0)} ms (${busy.length})`,
  );
  console.log(`p95 busy against idle (wanted <= 2): ${(b / a).toFixed(2)} x`);
}

async function isTraining(url) {
  const { jobs } = await getJson(`${url}/api/jobs`);
  return jobs.some(({ state, losses }) => state === "running" && losses.length > 0);
}

function range(count) {
  return Array.from({ length: count }, (_, i) => i);
}

function megabytes(bytes) {
  return Math.round(bytes / 1e6);
}
