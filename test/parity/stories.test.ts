import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DecodingSession, openDecodingSession } from "../../src/generation/decoding-session.ts";
import { openModel } from "../../src/models/open-model.ts";
import { openRuntime, type Runtime } from "../../src/runtime/runtime.ts";
import { greedyIds } from "./helpers.ts";
import {
  beginToken,
  convertCheckpoint,
  decodePieces,
  parseTokenizer,
  stories260K,
  storiesNewTokens,
  whyNoStories,
} from "./llama2c.ts";

if (whyNoStories) console.warn(whyNoStories);

describe.skipIf(whyNoStories)("stories260K, a trained Llama", () => {
  let folder = "";
  let runtime: Runtime;
  let session: DecodingSession;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "prag-stories-"));
    await convertCheckpoint(join(stories260K, "stories260K.bin"), folder);
    runtime = await openRuntime({ threads: 1 });
    session = await openDecodingSession(runtime, await openModel(folder), { targetModules: [] });
  });
  afterAll(async () => {
    await session.dispose();
    await runtime.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  it("tells the expected story greedily, token by token over the cache", async () => {
    const pieces = parseTokenizer(new Uint8Array(await readFile(join(stories260K, "tok512.bin"))).buffer);
    const expected = await readFile(join(stories260K, "expected_greedy_200.txt"), "utf8");
    const [ids] = await greedyIds(session, [{ prompt: [beginToken], count: storiesNewTokens }]);
    expect(ids).toHaveLength(storiesNewTokens);
    expect(decodePieces(pieces, [beginToken, ...ids!])).toBe(expected);
  });
});
