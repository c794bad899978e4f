import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CapacityError, ConfigError, FormatError, NotFoundError, RemoteError } from "../base/errors.ts";
import { type LocalServer, startLocalServer } from "../base/local-server.suite.ts";
import { Random } from "../base/random.ts";
import { createTinyDisk } from "../base/tiny-disk.suite.ts";
import { commit, type FakeHub, sendFile, startFakeHub } from "./fake-hub.suite.ts";
import { type FetchModelOptions, fetchModel } from "./hub.ts";
import { listCachedModels } from "./model-cache.ts";

const root = mkdtempSync(join(tmpdir(), "prag-hub-"));
const random = new Random("weights");
const weights = Buffer.from(Array.from({ length: 300_000 }, () => random.int(256)));
const wanted = {
  "config.json": Buffer.from('{"model_type":"llama"}'),
  "generation_config.json": Buffer.from("{}"),
  "model.safetensors": weights,
  "prag-preset.json": Buffer.from("{   }"),
  "tokenizer.json": Buffer.from("{ }"),
  "tokenizer_config.json": Buffer.from("{  }"),
};
const unwanted = { "README.md": Buffer.from("text"), "pytorch_model.bin": Buffer.from("x") };

let hub: FakeHub;
let elsewhere: LocalServer;
beforeAll(async () => {
  hub = await startFakeHub({ ...unwanted, ...wanted });
  elsewhere = await startLocalServer();
});
beforeEach(() => hub.reset());
afterAll(async () => {
  await hub.server.close();
  await elsewhere.close();
  rmSync(root, { recursive: true, force: true });
});

let count = 0;
const newCache = () => join(root, String(count++));
const fetchTiny = (options: Partial<FetchModelOptions> & { cacheFolder: string }, id = "org/tiny") =>
  fetchModel(id, { hubUrl: hub.server.url, firstWaitMs: 2, ...options });
const snapshotOf = (cacheFolder: string) => join(cacheFolder, "models--org--tiny", commit);

function expectWhole(folder: string): void {
  expect(readdirSync(folder).sort()).toEqual(Object.keys(wanted).sort());
  for (const [name, content] of Object.entries(wanted)) {
    expect(readFileSync(join(folder, name)).equals(content)).toBe(true);
  }
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (error instanceof Error) return error;
  throw new Error(`wanted an error, got ${String(error)}`);
}

/** Sends the first `bytes` of a weights file, then breaks the connection. */
function cutAfter(bytes: number, isCut = () => true): void {
  hub.intercept = (request, response) => {
    if (!request.url?.endsWith("model.safetensors") || !isCut()) return false;
    const begin = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const headers = { "content-range": `bytes ${begin}-${weights.length - 1}/${weights.length}` };
    response.writeHead(begin ? 206 : 200, { ...headers, "content-length": weights.length - begin });
    response.write(weights.subarray(begin, begin + bytes), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
}

describe("fetchModel", () => {
  it("returns a local folder as it is", async () => {
    const folder = newCache();
    mkdirSync(folder);
    expect(await fetchModel(folder, { cacheFolder: newCache() })).toBe(folder);
  });

  it("fetches what a model needs and nothing else, with progress, and only once", async () => {
    const cacheFolder = newCache();
    const reports: number[] = [];
    const progress: FetchModelOptions["progress"] = ({ task, done, total }) => {
      expect(task).toBe("fetch org/tiny");
      reports.push(done / total);
    };
    const folder = await fetchTiny({ cacheFolder, progress });
    expect(folder).toBe(snapshotOf(cacheFolder));
    expectWhole(folder);
    expect(reports).toEqual(reports.toSorted((a, b) => a - b));
    expect(reports.at(-1)).toBe(1);
    hub.reset();
    expect(await fetchTiny({ cacheFolder })).toBe(folder);
    expect(hub.server.requests.map(({ url }) => url.split("?")[0])).toEqual([
      "/api/models/org/tiny/revision/main",
    ]);
    hub.reset();
    expect(await fetchTiny({ cacheFolder }, `org/tiny@${commit}`)).toBe(folder);
    expect(hub.server.requests).toEqual([]);
    expect(await listCachedModels(cacheFolder)).toEqual([
      {
        name: "org/tiny",
        commit,
        folder,
        size: Object.values(wanted).reduce((sum, { length }) => sum + length, 0),
      },
    ]);
  });

  it("takes the revision from the id before the option", async () => {
    const cacheFolder = newCache();
    await fetchTiny({ cacheFolder, revision: "main" }, "org/tiny@v1");
    expect(hub.server.requests[0]!.url).toContain("/revision/v1?");
    await expect(fetchTiny({ cacheFolder, revision: "v9" })).rejects.toThrow(NotFoundError);
  });

  it("refuses what is neither a folder nor an id, and revisions that are paths", async () => {
    for (const id of ["tiny", "./none", "org/../etc", "../org/tiny", "a/b/c", "", "org/.."]) {
      await expect(fetchTiny({ cacheFolder: newCache() }, id)).rejects.toThrow(
        /neither a folder nor a hub id/,
      );
    }
    for (const revision of ["..", "a/../b", "/etc", "?x"]) {
      await expect(fetchTiny({ cacheFolder: newCache(), revision })).rejects.toThrow(ConfigError);
    }
    expect(hub.server.requests).toEqual([]);
  });

  it("says that the hub does not have the model, or not its files", async () => {
    const absent = await failureOf(fetchTiny({ cacheFolder: newCache() }, "org/none"));
    expect(absent).toBeInstanceOf(NotFoundError);
    expect(absent.message).toMatch(/no org\/none at main .*check the name/);
    hub.changeTree = (tree) => tree.filter(({ path }) => !path.endsWith(".safetensors"));
    const cacheFolder = newCache();
    await expect(fetchTiny({ cacheFolder })).rejects.toThrow(/has no model\*\.safetensors; choose a model/);
    expect(hub.fileRequests()).toEqual([]);
  });
});

describe("a fetch that is disturbed", () => {
  it("goes on after a connection that breaks in the middle of a file, as often as it brings something", async () => {
    let cuts = 0;
    cutAfter(50_000, () => cuts++ < 5); // more cuts than attempts without progress are allowed
    expectWhole(await fetchTiny({ cacheFolder: newCache(), attempts: 2 }));
    const ranges = hub
      .fileRequests()
      .filter(({ path }) => path === "model.safetensors")
      .map(({ range }) => range);
    expect(ranges).toEqual([undefined, ...[1, 2, 3, 4, 5].map((i) => `bytes=${i * 50_000}-`)]);
  });

  it("gives up when nothing more comes, and a later fetch goes on from there", async () => {
    const cacheFolder = newCache();
    cutAfter(70_000);
    const cut = hub.intercept;
    let requests = 0;
    hub.intercept = (request, response) => {
      if (!request.url?.endsWith("model.safetensors")) return false;
      if (requests++ === 0) return cut(request, response);
      response.destroy();
      return true;
    };
    const error = await failureOf(fetchTiny({ cacheFolder, attempts: 2 }));
    expect(error).toBeInstanceOf(RemoteError);
    expect(readFileSync(join(snapshotOf(cacheFolder), "model.safetensors.part")).length).toBe(70_000);
    expect(existsSync(join(snapshotOf(cacheFolder), "model.safetensors"))).toBe(false);
    expect(await listCachedModels(cacheFolder)).toEqual([]);
    hub.reset();
    expectWhole(await fetchTiny({ cacheFolder }));
    expect(hub.fileRequests()).toEqual([
      { path: "model.safetensors", range: "bytes=70000-", authorization: undefined },
      { path: "prag-preset.json", range: undefined, authorization: undefined },
      { path: "tokenizer.json", range: undefined, authorization: undefined },
      { path: "tokenizer_config.json", range: undefined, authorization: undefined },
    ]);
  });

  it("takes a transfer that brings nothing for too long as cut", async () => {
    let stalls = 0;
    hub.intercept = (request, response) => {
      if (!request.url?.endsWith("model.safetensors") || stalls++ > 0) return false;
      response.writeHead(200, { "content-length": weights.length }).write(weights.subarray(0, 9));
      return true;
    };
    expectWhole(await fetchTiny({ cacheFolder: newCache(), stallMs: 100 }));
    expect(stalls).toBe(2);
  });

  it("starts a file again when the server does not give parts, or refuses the one asked for", async () => {
    for (const status of [200, 416]) {
      const cacheFolder = newCache();
      mkdirSync(snapshotOf(cacheFolder), { recursive: true });
      writeFileSync(join(snapshotOf(cacheFolder), "model.safetensors.part"), "something else");
      hub.intercept = (request, response) => {
        if (request.headers.range === undefined) return false;
        response.writeHead(status).end(status === 200 ? weights : undefined);
        return true;
      };
      expectWhole(await fetchTiny({ cacheFolder }));
    }
  });

  it("does not trust a part that is longer than the file", async () => {
    const cacheFolder = newCache();
    mkdirSync(snapshotOf(cacheFolder), { recursive: true });
    writeFileSync(join(snapshotOf(cacheFolder), "model.safetensors.part"), Buffer.alloc(weights.length + 1));
    expectWhole(await fetchTiny({ cacheFolder }));
  });

  it("waits when the hub says so (429 with Retry-After)", async () => {
    const times: number[] = [];
    hub.intercept = (request, response) => {
      if (!request.url?.endsWith("config.json") || times.push(performance.now()) > 1) return false;
      response.writeHead(429, { "retry-after": "0.3" }).end();
      return true;
    };
    expectWhole(await fetchTiny({ cacheFolder: newCache() }));
    expect(times[1]! - times[0]!).toBeGreaterThan(290);
  });

  it("stops when it is cancelled, and keeps the part", async () => {
    const cacheFolder = newCache();
    const controller = new AbortController();
    hub.intercept = (request, response) => {
      if (!request.url?.endsWith("model.safetensors")) return false;
      response.writeHead(200, { "content-length": weights.length }).write(weights.subarray(0, 1000));
      setTimeout(() => controller.abort(new Error("stopped")), 50);
      return true;
    };
    await expect(fetchTiny({ cacheFolder, signal: controller.signal })).rejects.toThrow("stopped");
    expect(readFileSync(join(snapshotOf(cacheFolder), "model.safetensors.part")).length).toBe(1000);
    hub.reset();
    expectWhole(await fetchTiny({ cacheFolder }));
  });

  it("says that the disk is full, and goes on when it is not", async ({ skip }) => {
    const disk = createTinyDisk(600_000);
    if (!disk) return skip("no permission to mount a small disk");
    try {
      const cacheFolder = join(disk.folder, "cache");
      hub.intercept = (request) => {
        if (request.url?.endsWith("model.safetensors")) disk.fill(); // after the space was found enough
        return false;
      };
      const error = await failureOf(fetchTiny({ cacheFolder }));
      expect(error).toBeInstanceOf(CapacityError);
      expect(error.message).toMatch(/disk is full.*free some space/);
      const early = await failureOf(fetchTiny({ cacheFolder }));
      expect(early).toBeInstanceOf(CapacityError);
      expect(early.message).toMatch(/needs 1 MB more/);
      disk.free();
      hub.reset();
      expectWhole(await fetchTiny({ cacheFolder }));
    } finally {
      disk.remove();
    }
  });

  it("says so too where no disk can be mounted", async ({ skip }) => {
    if (!existsSync("/dev/full")) skip("this system has no /dev/full");
    const cacheFolder = newCache();
    mkdirSync(snapshotOf(cacheFolder), { recursive: true });
    symlinkSync("/dev/full", join(snapshotOf(cacheFolder), "config.json.part"));
    await expect(fetchTiny({ cacheFolder })).rejects.toThrow(CapacityError);
  });
});

describe("what the hub sends is not trusted", () => {
  it("a wrong hash is a FormatError, and the part goes", async () => {
    for (const name of ["model.safetensors", "config.json"]) {
      const cacheFolder = newCache();
      hub.intercept = (request, response) => {
        if (!request.url?.endsWith(`/${name}`)) return false;
        const file = Buffer.from(hub.files[name]!);
        file[5]! ^= 1;
        sendFile(file, request, response);
        return true;
      };
      const error = await failureOf(fetchTiny({ cacheFolder }));
      expect(error).toBeInstanceOf(FormatError);
      expect(error.message).toMatch(/has hash [0-9a-f]+, wanted [0-9a-f]+.*run the same command again/);
      expect(readdirSync(snapshotOf(cacheFolder)).filter((entry) => entry.startsWith(name))).toEqual([]);
      hub.reset();
      expectWhole(await fetchTiny({ cacheFolder }));
    }
  });

  it("a file longer than announced is not written on", async () => {
    const cacheFolder = newCache();
    hub.intercept = (request, response) => {
      if (!request.url?.endsWith("/config.json")) return false;
      response.writeHead(200);
      const more = setInterval(() => response.write(Buffer.alloc(10_000)), 1);
      response.on("close", () => clearInterval(more));
      return true;
    };
    await expect(fetchTiny({ cacheFolder })).rejects.toThrow(/more than the 22 bytes that were announced/);
  });

  it("names that lead elsewhere are left alone", async () => {
    const cacheFolder = newCache();
    const evil = [
      "../model.safetensors",
      "/tmp/model.safetensors",
      "..\\model.safetensors",
      "a/model.safetensors",
      "..",
    ];
    hub.changeTree = (tree) => [
      ...tree,
      ...evil.map((path) => ({ type: "file", path, size: 1, oid: "0".repeat(40) })),
    ];
    expectWhole(await fetchTiny({ cacheFolder }));
    expect(
      hub
        .fileRequests()
        .map(({ path }) => path)
        .sort(),
    ).toEqual(Object.keys(wanted).sort());
    expect(readdirSync(join(cacheFolder, "models--org--tiny")).sort()).toEqual([
      commit,
      `${commit}.json`,
      "refs",
    ]);
  });

  it("answers that make no sense are RemoteErrors", async () => {
    for (const tree of [null, {}, [{ type: "file" }], [{ type: "file", path: "config.json", size: -1 }]]) {
      hub.changeTree = () => tree;
      await expect(fetchTiny({ cacheFolder: newCache() })).rejects.toThrow(RemoteError);
    }
    for (const answer of ["nonsense", "null", '{"sha":"../../etc"}']) {
      hub.intercept = (_request, response) => Boolean(response.writeHead(200).end(answer));
      const error = await failureOf(fetchTiny({ cacheFolder: newCache() }));
      expect(error).toBeInstanceOf(RemoteError);
      expect(error.message).toContain("not understood");
    }
  });
});

describe("the token", () => {
  const token = "hf_secret";

  it("is asked for where a model is gated, and never told", async () => {
    for (const [status, given, message] of [
      [401, undefined, /no token was given.*accept its licence at .*org\/tiny and set a token/],
      [403, token, /the token given has no access/],
    ] as const) {
      for (const place of ["/api/", "/resolve/"]) {
        hub.intercept = (request, response) => {
          if (!request.url?.includes(place)) return false;
          response.writeHead(status).end(`you sent ${request.headers.authorization}`);
          return true;
        };
        const error = await failureOf(fetchTiny({ cacheFolder: newCache(), token: given }));
        expect(error).toBeInstanceOf(RemoteError);
        expect(error).toMatchObject({ status });
        expect(error.message).toMatch(message);
        const cause = error.cause instanceof Error ? error.cause.message : "";
        expect(`${error.message} ${error.stack} ${cause}`).not.toContain(token);
      }
    }
  });

  it("goes to the hub, and to no other place that the hub points to", async () => {
    elsewhere.handle((request, response) => {
      if (request.url === "/next") response.end("[]");
      else sendFile(weights, request, response);
    });
    hub.intercept = (request, response) => {
      if (request.url?.includes("/tree/")) response.setHeader("link", `<${elsewhere.url}/next>; rel="next"`);
      if (!request.url?.endsWith("model.safetensors")) return false;
      response.writeHead(302, { location: `${elsewhere.url}/blob?signature=1` }).end();
      return true;
    };
    expectWhole(await fetchTiny({ cacheFolder: newCache(), token }));
    expect(hub.server.requests.map(({ headers }) => headers.authorization)).toEqual(
      hub.server.requests.map(() => `Bearer ${token}`),
    );
    expect(elsewhere.requests.map(({ url }) => url)).toEqual(["/next", "/blob?signature=1"]);
    expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
  });
});

describe("offline", () => {
  it("is advised where the hub cannot be reached and the model is in the cache", async () => {
    const cacheFolder = newCache();
    const unreachable = { cacheFolder, hubUrl: "http://127.0.0.1:1", attempts: 1 };
    const absent = fetchTiny(unreachable);
    await expect(absent).rejects.toThrow(RemoteError);
    await expect(absent).rejects.not.toThrow(/--offline/);
    await fetchTiny({ cacheFolder });
    await expect(fetchTiny(unreachable)).rejects.toThrow(/could not be reached.*--offline/);
  });

  it("uses the cache and asks nobody", async () => {
    const cacheFolder = newCache();
    const folder = await fetchTiny({ cacheFolder });
    hub.reset();
    expect(await fetchTiny({ cacheFolder, offline: true })).toBe(folder);
    expect(await fetchTiny({ cacheFolder, offline: true }, `org/tiny@${commit}`)).toBe(folder);
    expect(hub.server.requests).toEqual([]);
  });

  it("says what to run where the model is absent, incomplete, or another revision", async () => {
    const cacheFolder = newCache();
    await expect(fetchTiny({ cacheFolder, offline: true })).rejects.toThrow(NotFoundError);
    await fetchTiny({ cacheFolder });
    await expect(fetchTiny({ cacheFolder, offline: true, revision: "v1" })).rejects.toThrow(
      /prag models pull org\/tiny/,
    );
    rmSync(join(snapshotOf(cacheFolder), "model.safetensors"));
    await expect(fetchTiny({ cacheFolder, offline: true })).rejects.toThrow(/fetch it once online/);
    expectWhole(await fetchTiny({ cacheFolder })); // and online only what is missing
  });
});
