import { setTimeout as sleep } from "node:timers/promises";
import type { BackgroundStatus, JobRow } from "../engine/api.ts";
import { asWriter } from "../engine/data-folder.ts";
import { adapterBytes, bytesPerAdapter } from "../engine/disk.ts";
import { encodePassages } from "../engine/encode.ts";
import { removeAdapters } from "../engine/encoded-adapters.ts";
import type { EngineParts } from "../engine/parts.ts";
import { augmentationStamp } from "../engine/read-augmented.ts";
import type { Engines } from "./engines.ts";
import { type Evictable, listEvictable, makeRoom } from "./eviction.ts";
import type { Heat } from "./heat.ts";
import type { JobQueue } from "./job-queue.ts";
import type { Traffic } from "./traffic.ts";

/** When and how much the background encodes; docs/decisions/0015 gives the reasons. */
export interface BackgroundPolicy {
  /** A passage is hot from this heat on: 1.5 takes two retrievals within a half-life or so. */
  minimumHeat: number;
  /** Passages of one turn: what one batch of training takes. */
  groupSize: number;
  /** Share of the time that it may work; it rests for the rest. */
  cpuShare: number;
  /** All adapters of the data folder together; at this size cold ones that it made must go before others are made. */
  diskBytes: number;
  /** How long nothing must have been asked before it goes on. */
  quietMs: number;
  /** The longest that requests may hold up an update. */
  maxPauseMs: number;
  /** How often it looks whether there is something to do. */
  pollMs: number;
}

/** The policy when nothing else is said. */
export const defaultPolicy: BackgroundPolicy = {
  minimumHeat: 1.5,
  groupSize: 4,
  cpuShare: 0.5,
  diskBytes: 2 ** 30,
  quietMs: 50,
  maxPauseMs: 15_000,
  pollMs: 1000,
};

/** What the background works with. */
export interface BackgroundParts {
  engines: Engines;
  queue: JobQueue;
  heat: Heat;
  traffic: Traffic;
  /** Milliseconds, for durations. */
  clock: () => number;
  /** Hears what goes wrong; it then tries again later. */
  onProblem(error: unknown): void;
}

/** A running background encoder. */
export interface Background {
  status(): Promise<BackgroundStatus>;
  stop(): Promise<void>;
}

/** The longest wait after a failure. */
const longestBackoffMs = 300_000;

/** Starts to turn hot passages without an adapter into adapters, a few at a time, until it is stopped. */
export function startBackground(parts: BackgroundParts, policy: BackgroundPolicy): Background {
  const stop = new AbortController();
  const encoder = new Encoder(parts, policy, stop.signal);
  const running = encoder.run();
  return {
    status: () => encoder.status(),
    async stop() {
      stop.abort();
      await running;
    },
  };
}

interface Turn {
  collection: string;
  engine: EngineParts;
  passageIds: string[];
  /** Cold adapters that have to go first. */
  victims: readonly Evictable[];
}

class Encoder {
  readonly #parts: BackgroundParts;
  readonly #policy: BackgroundPolicy;
  readonly #signal: AbortSignal;
  #state: BackgroundStatus["state"] = "idle";
  #encoded = 0;
  #evicted = 0;
  /** By collection: passages that nothing could be trained on, as it was augmented then. */
  readonly #hopeless = new Map<string, { stamp: string; passageIds: Set<string> }>();
  /** By collection that failed: until when the others go first, and how long it was. */
  readonly #pauses = new Map<string, { untilMs: number; lengthMs: number }>();

  constructor(parts: BackgroundParts, policy: BackgroundPolicy, signal: AbortSignal) {
    this.#parts = parts;
    this.#policy = policy;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    let backoffMs = 0;
    while (!this.#signal.aborted) {
      let restMs = this.#policy.pollMs;
      try {
        restMs = Math.max(restMs, await this.#turn());
        backoffMs = 0;
      } catch (error) {
        this.#parts.onProblem(error);
        backoffMs = Math.min(longestBackoffMs, Math.max(this.#policy.pollMs, 2 * backoffMs));
      }
      await this.#save();
      await sleep(Math.max(restMs, backoffMs), undefined, { signal: this.#signal }).catch(() => {});
    }
    await this.#save();
  }

  async status(): Promise<BackgroundStatus> {
    let waiting = 0;
    for (const collection of this.#parts.heat.collections())
      waiting += (await this.#wanted(collection).catch(() => undefined))?.passageIds.length ?? 0;
    const isPaused = this.#state === "encoding" && this.#parts.traffic.inFlight > 0;
    return {
      state: isPaused ? "waiting-for-requests" : this.#state,
      waiting,
      encoded: this.#encoded,
      evicted: this.#evicted,
      diskBudgetBytes: this.#policy.diskBytes,
      diskUsedBytes: await this.#diskUsed(),
    };
  }

  /** Encodes a few passages, if there is something to do; tells for how many milliseconds to rest. */
  async #turn(): Promise<number> {
    const { queue, traffic, clock } = this.#parts;
    this.#state = "idle";
    if (!queue.isIdle) return 0;
    const chosen = await this.#choose();
    if (!chosen) return 0;
    const turn = await this.#fit(chosen);
    if (!turn.passageIds.length) {
      this.#state = "disk-budget-reached";
      return 0;
    }
    this.#state = "waiting-for-requests";
    await traffic.whenQuiet({ ...this.#policy, signal: this.#signal });
    if (this.#signal.aborted || !queue.isIdle) return 0;
    this.#state = "encoding";
    const start = clock();
    await this.#encode(turn);
    this.#state = "resting";
    const { cpuShare } = this.#policy;
    return ((clock() - start) * (1 - cpuShare)) / cpuShare;
  }

  /** The hottest passages of the collection that has the hottest one. */
  async #choose(): Promise<Turn | undefined> {
    const { heat } = this.#parts;
    const hottest = (turn: Turn) => heat.heatOf(turn.collection, turn.passageIds[0]!);
    const turns: Turn[] = [];
    for (const collection of heat.collections()) {
      if ((this.#pauses.get(collection)?.untilMs ?? 0) > this.#parts.clock()) continue;
      const turn = await this.#wanted(collection).catch((error: unknown) => {
        this.#pause(collection);
        this.#parts.onProblem(error);
        return undefined;
      });
      if (turn) turns.push({ ...turn, passageIds: turn.passageIds.slice(0, this.#policy.groupSize) });
    }
    return turns.sort((a, b) => hottest(b) - hottest(a))[0];
  }

  /** All hot passages of a collection that have no adapter. */
  async #wanted(collection: string): Promise<Turn | undefined> {
    const { engines, heat } = this.#parts;
    const hot = heat.hottest(collection, this.#policy.minimumHeat);
    if (!hot.length) return undefined;
    if (!(await engines.names()).includes(collection)) {
      heat.forget(collection);
      return undefined;
    }
    const engine = await engines.open(collection);
    const [corpus, encoding] = [await engine.corpus(), await engine.encoding()];
    const hopeless = await this.#hopelessOf(collection, engine);
    const passageIds = hot.filter(
      (id) => !hopeless.has(id) && corpus.ordinalOf(id) !== undefined && encoding.keyOf(id) === undefined,
    );
    return passageIds.length ? { collection, engine, passageIds, victims: [] } : undefined;
  }

  /** Passages of a collection that are not tried again before something in it has been augmented. */
  async #hopelessOf(collection: string, { folder }: EngineParts): Promise<Set<string>> {
    const stamp = await augmentationStamp(folder);
    const before = this.#hopeless.get(collection);
    if (before?.stamp === stamp) return before.passageIds;
    const passageIds = new Set<string>();
    this.#hopeless.set(collection, { stamp, passageIds });
    return passageIds;
  }

  /** What of a turn finds room within the budget. */
  async #fit(turn: Turn): Promise<Turn> {
    const { heat } = this.#parts;
    const { collection, engine, passageIds } = turn;
    const eachBytes = bytesPerAdapter(await engine.model(), engine.config.adapterDtype);
    const freeBytes = this.#policy.diskBytes - (await this.#diskUsed());
    const isFull = freeBytes < passageIds.length * eachBytes;
    const { count, victims } = makeRoom(
      passageIds.map((id) => heat.heatOf(collection, id)),
      isFull ? await listEvictable(this.#parts) : [],
      { freeBytes, eachBytes },
    );
    return { ...turn, passageIds: passageIds.slice(0, count), victims };
  }

  #diskUsed(): Promise<number> {
    return adapterBytes(this.#parts.engines.main.folder);
  }

  async #encode(turn: Turn): Promise<void> {
    const { collection, engine, passageIds } = turn;
    const { queue, traffic } = this.#parts;
    let tried = passageIds;
    const { id } = queue.add({
      kind: "encode",
      collection,
      isBackground: true,
      run: async ({ signal, progress, onLoss }) => {
        const corpus = await engine.corpus();
        const passages = passageIds.map((one) => corpus.passageById(one));
        const beforeUpdate = () => traffic.whenQuiet({ ...this.#policy, signal });
        return asWriter(engine.folder, "encode hot passages", async () => {
          // Meanwhile somebody may have asked for one of them, or filled the disk.
          const now = await this.#fit(turn);
          tried = now.passageIds;
          await removeAdapters(engine, now.victims);
          this.#evicted += now.victims.length;
          const wanted = new Set(tried);
          const options = { signal, beforeUpdate, onLoss, isBackground: true };
          return encodePassages(
            { ...engine, progress },
            passages.filter((passage) => wanted.has(passage.id)),
            options,
          );
        });
      },
    });
    const onStop = () => void queue.cancel(id);
    this.#signal.addEventListener("abort", onStop, { once: true });
    const row = await queue.end(id);
    this.#signal.removeEventListener("abort", onStop);
    await this.#account(row, { ...turn, passageIds: tried });
  }

  /** A collection that cannot be worked on lets the others go first for a while, twice as long each time. */
  #pause(collection: string): void {
    const before = this.#pauses.get(collection)?.lengthMs ?? 0;
    const lengthMs = Math.min(longestBackoffMs, Math.max(this.#policy.pollMs, 2 * before));
    this.#pauses.set(collection, { untilMs: this.#parts.clock() + lengthMs, lengthMs });
  }

  async #account(row: JobRow, { collection, engine, passageIds }: Turn): Promise<void> {
    if (row.state === "failed") {
      this.#pause(collection);
      throw new Error(row.error?.message ?? "the background job failed");
    }
    if (row.state !== "done") return;
    this.#pauses.delete(collection);
    const encoding = await engine.encoding();
    const hopeless = await this.#hopelessOf(collection, engine);
    for (const id of passageIds) {
      if (encoding.keyOf(id) === undefined) hopeless.add(id);
      else this.#encoded++;
    }
  }

  /** A count that cannot be written now is written later: another writer may just be tidying the folder. */
  async #save(): Promise<void> {
    await this.#parts.heat.save().catch((error: unknown) => this.#parts.onProblem(error));
  }
}
