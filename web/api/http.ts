import * as z from "zod/mini";
import { ApiFailure, isAbort, kindOfStatus } from "./failure.ts";
import { errorBody } from "./wire.ts";

/** One request; `path` is relative to where the page lies. */
export interface Call {
  method?: string | undefined;
  /** Sent as JSON, or as it is where it is a form. */
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** Sends requests to the server that the page came from; what fails is an `ApiFailure`. */
export interface Http {
  send(path: string, call?: Call): Promise<Response>;
  json<Schema extends z.ZodMiniType>(path: string, schema: Schema, call?: Call): Promise<z.output<Schema>>;
}

/** `base` ends with a slash; `apiKey` is asked before each request; `onReach` hears whether the server was there. */
export function createHttp({
  base,
  apiKey = () => undefined,
  onReach = () => {},
  fetcher = (url, init) => fetch(url, init),
}: {
  base: string;
  apiKey?: () => string | undefined;
  onReach?: (isReached: boolean) => void;
  fetcher?: (url: string, init: RequestInit) => Promise<Response>;
}): Http {
  const send = async (path: string, { method = "GET", body, signal }: Call = {}): Promise<Response> => {
    const headers = new Headers();
    const key = apiKey();
    if (key) headers.set("authorization", `Bearer ${key}`);
    const isForm = body instanceof FormData;
    if (body !== undefined && !isForm) headers.set("content-type", "application/json");
    const payload = isForm ? body : body === undefined ? null : JSON.stringify(body);
    let response: Response;
    try {
      response = await fetcher(`${base}${path}`, { method, headers, body: payload, signal: signal ?? null });
    } catch (error) {
      if (!isAbort(error)) onReach(false);
      throw toConnectionFailure(error);
    }
    onReach(true);
    if (!response.ok) throw await toResponseFailure(response);
    return response;
  };
  return {
    send,
    async json(path, schema, call) {
      const response = await send(path, call);
      return check(await response.json().catch(rejectBody), schema, path);
    },
  };
}

/** Reads something the server said; a foreign shape is a failure that names the first field. */
export function check<Schema extends z.ZodMiniType>(
  value: unknown,
  schema: Schema,
  source: string,
): z.output<Schema> {
  const result = z.safeParse(schema, value);
  if (result.success) return result.data;
  const field = result.error.issues[0]?.path.join(".") || "the whole";
  throw new ApiFailure(`The answer of ${source} is not what the page expects: ${field} differs.`, {
    kind: "response",
  });
}

/** A broken connection, or our own wish to stop, which passes as it is. */
export function toConnectionFailure(error: unknown): unknown {
  if (isAbort(error) || error instanceof ApiFailure) return error;
  return new ApiFailure("The server cannot be reached.", { kind: "offline", cause: error });
}

function rejectBody(error: unknown): never {
  if (isAbort(error)) throw error;
  throw new ApiFailure("The server's answer is not JSON.", { kind: "response", cause: error });
}

async function toResponseFailure(response: Response): Promise<ApiFailure> {
  const { status } = response;
  const parsed = z.safeParse(errorBody, await response.json().catch(() => undefined));
  const message = parsed.success ? parsed.data.error.message : `The server answered with status ${status}.`;
  return new ApiFailure(message, { kind: kindOfStatus(status), status });
}
