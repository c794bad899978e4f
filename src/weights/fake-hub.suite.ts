import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { sha256 } from "../base/hash.ts";
import { type LocalServer, startLocalServer } from "../base/local-server.suite.ts";

/** The one commit of the fake hub. */
export const commit = "0123456789abcdef0123456789abcdef01234567";

interface TreeEntry {
  type: string;
  path: string;
  size: number;
  oid?: string;
  lfs?: { oid: string; size: number; pointerSize: number };
}

/** A hub on this machine with the model `org/tiny`, whose answers a test may change. */
export interface FakeHub {
  server: LocalServer;
  files: Record<string, Buffer>;
  /** Answers first; returns true where it did. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Changes the listing. */
  changeTree: (tree: TreeEntry[]) => unknown;
  /** Requests of file contents since `reset`: path and range. */
  fileRequests(): { path: string; range: string | undefined; authorization: string | undefined }[];
  reset(): void;
}

/** Starts the fake hub; `.safetensors` files are listed as large ones. */
export async function startFakeHub(files: Record<string, Buffer>): Promise<FakeHub> {
  const server = await startLocalServer();
  const hub: FakeHub = {
    server,
    files,
    intercept: () => false,
    changeTree: (tree) => tree,
    fileRequests: () =>
      server.requests
        .filter(({ url }) => url.includes("/resolve/"))
        .map(({ url, headers }) => ({
          path: url.split("/").at(-1) ?? "",
          range: headers.range,
          authorization: headers.authorization,
        })),
    reset() {
      hub.intercept = () => false;
      hub.changeTree = (tree) => tree;
      server.handle((request, response) => {
        if (!hub.intercept(request, response)) answer(hub, request, response);
      });
    },
  };
  hub.reset();
  return hub;
}

function answer(hub: FakeHub, request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? "", "http://hub").pathname;
  const json = (value: unknown) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  const file = hub.files[path.split("/").at(-1) ?? ""];
  if (/^\/api\/models\/org\/tiny\/revision\/(main|v1|[0-9a-f]{40})$/.test(path)) {
    json({ _id: "1", id: "org/tiny", sha: commit, lastModified: "2024-07-26T00:00:00.000Z" });
  } else if (path === `/api/models/org/tiny/tree/${commit}`) {
    json(hub.changeTree(Object.entries(hub.files).map(([name, content]) => describeFile(name, content))));
  } else if (file && path.startsWith(`/org/tiny/resolve/${commit}/`)) {
    sendFile(file, request, response);
  } else {
    response.writeHead(404, { "x-error-code": "RepoNotFound" }).end("Repository not found");
  }
}

/** Sends a file, or the part of it that was asked for. */
export function sendFile(file: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const begin = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (request.headers.range === undefined)
    response.writeHead(200, { "content-length": file.length }).end(file);
  else {
    const range = `bytes ${begin}-${file.length - 1}/${file.length}`;
    response.writeHead(206, { "content-range": range, "content-length": file.length - begin });
    response.end(file.subarray(begin));
  }
}

function describeFile(path: string, content: Buffer): TreeEntry {
  const size = content.length;
  const oid = createHash("sha1").update(`blob ${size}\0`).update(content).digest("hex");
  if (!path.endsWith(".safetensors")) return { type: "file", path, size, oid };
  return { type: "file", path, size, oid, lfs: { oid: sha256(content), size, pointerSize: 130 } };
}
