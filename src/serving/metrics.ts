import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** What the server counts for Prometheus. */
export interface Metrics {
  /** A request has been answered, or its client has gone. */
  request(labels: { route: string; status: number }, seconds: number): void;
  /** The first token of an answer. */
  firstToken(model: string, seconds: number): void;
  tokens(model: string, counts: { prompt: number; generated: number }): void;
  /** A request that found the server full. */
  refused(): void;
  text(): Promise<{ body: string; contentType: string }>;
}

/** What is looked at when the metrics are asked for. */
export interface Gauges {
  inFlight(): number;
  background(): Promise<{ encoded: number; evicted: number; waiting: number }>;
}

const latencyBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Makes the counters of one server. */
export function createMetrics({ inFlight, background }: Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const seconds = new Histogram({
    name: "prag_request_seconds",
    help: "Time of requests, streams to their end",
    labelNames: ["route", "status"],
    buckets: latencyBuckets,
    registers,
  });
  const first = new Histogram({
    name: "prag_first_token_seconds",
    help: "Time to the first token of an answer",
    labelNames: ["model"],
    buckets: latencyBuckets,
    registers,
  });
  const tokens = new Counter({
    name: "prag_tokens_total",
    help: "Tokens read (prompt) and written (generated)",
    labelNames: ["model", "kind"],
    registers,
  });
  const refused = new Counter({
    name: "prag_refused_total",
    help: "Requests answered by 503 as the queue was full",
    registers,
  });
  new Gauge({
    name: "prag_in_flight",
    help: "Requests that are being answered",
    registers,
    collect() {
      this.set(inFlight());
    },
  });
  new Gauge({
    name: "prag_background_passages",
    help: "Passages encoded in the background, evicted again, and hot ones that wait",
    labelNames: ["kind"],
    registers,
    async collect() {
      const { encoded, evicted, waiting } = await background();
      this.set({ kind: "encoded" }, encoded);
      this.set({ kind: "evicted" }, evicted);
      this.set({ kind: "waiting" }, waiting);
    },
  });
  return {
    request: ({ route, status }, taken) => seconds.observe({ route, status: String(status) }, taken),
    firstToken: (model, taken) => first.observe({ model }, taken),
    tokens(model, { prompt, generated }) {
      tokens.inc({ model, kind: "prompt" }, prompt);
      tokens.inc({ model, kind: "generated" }, generated);
    },
    refused: () => refused.inc(),
    text: async () => ({ body: await registry.metrics(), contentType: registry.contentType }),
  };
}
