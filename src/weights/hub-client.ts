import { z } from "zod";
import { EngineError, messageOf, NotFoundError, RemoteError } from "../base/errors.ts";
import { fetchWithRetry, type RetryOptions } from "../base/http.ts";
import { type DownloadOptions, downloadFile } from "./download.ts";
import type { ModelFile } from "./model-cache.ts";

/** How the hub is asked. */
export interface HubOptions extends RetryOptions {
  /** Access token for gated and private models; sent to the hub alone. */
  token?: string | undefined;
  hubUrl?: string | undefined;
}

/** Only these files of a model are fetched; nothing in subfolders, so no name leads out of the cache. */
const wantedFiles =
  /^(config\.json|generation_config\.json|special_tokens_map\.json|tokenizer[\w-]*(\.[\w-]+)+|chat_template\.\w+|prag-preset\.json|model[\w-]*\.safetensors(\.index\.json)?)$/;

const treeEntrySchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().nonnegative(),
  oid: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional(),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() }).optional(),
});

/** One model on the hub; what it answers is checked, and its refusals are explained. */
export class HubClient {
  readonly #name: string;
  readonly #options: HubOptions;
  readonly #url: string;

  constructor(name: string, options: HubOptions) {
    this.#name = name;
    this.#options = options;
    this.#url = (options.hubUrl ?? "https://huggingface.co").replace(/\/+$/, "");
  }

  /** The commit that a revision means now. */
  async resolveCommit(revision: string): Promise<string> {
    return await this.#ask(revision, async () => {
      const { modelInfo } = await import("@huggingface/hub");
      const info = await modelInfo({
        ...this.#library,
        name: this.#name,
        revision,
        additionalFields: ["sha"],
      });
      return z
        .string()
        .regex(/^[0-9a-f]{40}$/)
        .parse(info.sha);
    });
  }

  /** The files that a model needs, by name. */
  async listFiles(commit: string): Promise<ModelFile[]> {
    return await this.#ask(commit, async () => {
      const { listFiles } = await import("@huggingface/hub");
      const files: ModelFile[] = [];
      for await (const entry of listFiles({ ...this.#library, repo: this.#name, revision: commit })) {
        const { type, path, size, oid, lfs } = treeEntrySchema.parse(entry);
        if (type !== "file" || !wantedFiles.test(path)) continue;
        files.push(lfs ? { path, size: lfs.size, sha256: lfs.oid } : { path, size, gitSha1: oid });
      }
      return files.sort((a, b) => (a.path < b.path ? -1 : 1));
    });
  }

  /** Downloads one file. */
  async download(
    commit: string,
    file: ModelFile,
    options: Omit<DownloadOptions, "headers"> & { target: string },
  ): Promise<void> {
    const url = `${this.#url}/${this.#name}/resolve/${commit}/${encodeURIComponent(file.path)}`;
    try {
      await downloadFile(
        url,
        { file, target: options.target },
        { ...options, headers: this.#headersFor(url) },
      );
    } catch (error) {
      throw this.#explainRefusal(error, commit);
    }
  }

  /** The library asks through our client: with retries, and with the token for the hub's own addresses alone. */
  get #library() {
    const send: typeof fetch = (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      const headers = { ...Object.fromEntries(new Headers(init?.headers)), ...this.#headersFor(url) };
      return fetchWithRetry(url, { ...init, headers }, this.#options);
    };
    return { hubUrl: this.#url, fetch: send };
  }

  #headersFor(url: string): Record<string, string> {
    const { token } = this.#options;
    const isOwn = new URL(url).origin === new URL(this.#url).origin;
    return token && isOwn ? { authorization: `Bearer ${token}` } : {};
  }

  /** Asks the library; what it throws about an answer that it does not understand becomes a `RemoteError`. */
  async #ask<T>(revision: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      if (error instanceof EngineError) throw this.#explainRefusal(error, revision);
      throw new RemoteError(
        `${this.#url} sent something about ${this.#name} that is not understood: ${messageOf(error)}`,
        { url: this.#url, cause: error },
      );
    }
  }

  #explainRefusal(error: unknown, revision: string): unknown {
    if (!(error instanceof RemoteError)) return error;
    const page = `${this.#url}/${this.#name}`;
    const { url, status } = error;
    if (status === 404) {
      return new NotFoundError(
        `the hub has no ${this.#name} at ${revision} (${page}); check the name and the revision`,
        {
          cause: error,
        },
      );
    }
    if (status !== 401 && status !== 403) return error;
    const token = this.#options.token ? "the token given has no access" : "no token was given";
    return new RemoteError(
      `the hub refuses ${this.#name} (status ${status}; ${token}): it is gated, private or does not exist; accept its licence at ${page} and set a token of that account`,
      { url, status, cause: error },
    );
  }
}
