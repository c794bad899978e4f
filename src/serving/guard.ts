import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ConfigError } from "../base/errors.ts";
import { RequestError } from "./failures.ts";

/** Who may speak to the server. */
export interface GuardOptions {
  /** The address that the server binds. */
  host: string;
  apiKey?: string | undefined;
  /** Further names under which the server is reached. */
  allowedHosts?: readonly string[] | undefined;
}

const loopback = ["127.0.0.1", "localhost", "[::1]"];

/** Other machines may only come in with a key. */
export function checkBinding({ host, apiKey }: GuardOptions): void {
  const isLocal = host === "127.0.0.1" || host === "::1" || host === "localhost";
  if (!isLocal && !apiKey)
    throw new ConfigError(
      `the server would be open to everybody who reaches ${host}; give --api-key (or PRAG_API_KEY), or bind 127.0.0.1`,
    );
  if (apiKey !== undefined && apiKey.length < 8)
    throw new ConfigError(`the API key has ${apiKey.length} characters, wanted at least 8`);
}

/** What the page may load and do: nothing that does not come from here. */
export const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-src 'self'; frame-ancestors 'none'";

/** Headers of every answer. */
export const securityHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  const { headers } = context.res;
  if (!headers.has("Content-Security-Policy")) headers.set("Content-Security-Policy", pagePolicy);
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Referrer-Policy", "no-referrer");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
};

/**
 * Refuses a foreign Host header (a name that was rebound to this address) and a foreign Origin (a page elsewhere that
 * posts to this one).
 */
export function checkNames({ host, allowedHosts = [] }: GuardOptions): MiddlewareHandler {
  const names = new Set([...loopback, host, `[${host}]`, ...allowedHosts].map((name) => name.toLowerCase()));
  const isAnyAddress = host === "0.0.0.0" || host === "::";
  return async (context, next) => {
    const given = context.req.header("host")?.toLowerCase() ?? "";
    const name = given.replace(/:\d+$/, "");
    // Bound to all addresses, the server is reached by any of them; a name must have been allowed.
    const isAddress = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/.test(name);
    if (!names.has(name) && !(isAnyAddress && isAddress))
      throw new RequestError(403, `host "${name.slice(0, 100)}" is not served; allow it with --allow-host`, {
        code: "foreign_host",
      });
    const origin = context.req.header("origin");
    if (origin !== undefined && originHost(origin) !== given)
      throw new RequestError(403, `pages of ${origin.slice(0, 100)} may not use this server`, {
        code: "foreign_origin",
      });
    await next();
  };
}

function originHost(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

/** Demands the key, if there is one. Compared in constant time. */
export function checkKey(apiKey: string | undefined): MiddlewareHandler {
  const wanted = apiKey === undefined ? undefined : digest(apiKey);
  return async (context, next) => {
    const given = /^Bearer\s+(.+)$/i.exec(context.req.header("authorization") ?? "")?.[1] ?? "";
    if (wanted && !timingSafeEqual(wanted, digest(given)))
      throw new RequestError(401, "wrong or no API key; send Authorization: Bearer <key>", {
        code: "invalid_api_key",
        headers: { "WWW-Authenticate": "Bearer" },
      });
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
