import type { Context, Hono } from "hono";
import { RequestError } from "./failures.ts";

export type Handler = (context: Context) => Promise<Response> | Response;

/** The methods that routes have. */
export type RouteMethods = Partial<Record<"GET" | "POST" | "DELETE", Handler>>;

/** Adds a route with its methods; another method is a 405 that names them. */
export function addRoute(app: Hono, path: string, methods: RouteMethods): void {
  for (const [method, handler] of Object.entries(methods)) app.on(method, path, handler);
  const allowed = Object.keys(methods);
  if (methods.GET) allowed.push("HEAD"); // answered by hono from GET
  app.all(path, (context) => {
    throw new RequestError(
      405,
      `${context.req.method} is not for this path; it takes ${allowed.join(", ")}`,
      {
        headers: { Allow: allowed.join(", ") },
      },
    );
  });
}

/** A query parameter that is a whole number within limits. */
export function wholeQuery(
  context: Context,
  name: string,
  { byDefault, from, to }: { byDefault: number; from: number; to: number },
): number {
  const text = context.req.query(name);
  if (text === undefined) return byDefault;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < from || value > to)
    throw new RequestError(
      400,
      `${name} must be a whole number from ${from} to ${to}, got "${text.slice(0, 50)}"`,
      {
        param: name,
      },
    );
  return value;
}
