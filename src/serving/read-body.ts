import type { z } from "zod";
import { RequestError } from "./failures.ts";

/** Limits of reading a request's body. */
export interface BodyLimits {
  maxBytes: number;
  /** For the whole body, however slowly it comes. */
  timeoutMs: number;
}

/** Reads and checks a JSON body; the error says which field is wrong. */
export async function readJsonBody<T>(
  request: Request,
  schema: z.ZodType<T>,
  limits: BodyLimits,
): Promise<T> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new RequestError(415, `the body must be application/json, got "${type.slice(0, 100)}"`);
  const value = parseJson(await readBody(request, limits));
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = issue?.path.join(".") || null;
  throw new RequestError(400, `${param ?? "the body"}: ${issue?.message ?? "is wrong"}`, { param });
}

function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RequestError(400, "the body is not UTF-8", { code: "invalid_encoding" });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "";
    throw new RequestError(400, `the body is not JSON: ${reason}`, { code: "invalid_json" });
  }
}

/** So much beyond its limit a body is heard out: who still sends does not listen, and would learn of a broken connection only. */
const excessBytes = 256 * 2 ** 20;

/** Reads a body of at most so many bytes within so much time. */
export async function readBody(
  request: Request,
  { maxBytes, timeoutMs }: BodyLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity")
    throw new RequestError(415, `content-encoding "${encoding.slice(0, 50)}" is not taken; send it plain`);
  const declared = Number(request.headers.get("content-length") ?? 0);
  const tooLarge = (headers = {}) =>
    new RequestError(413, `the body is larger than ${maxBytes} bytes`, { headers });
  const mostHeard = maxBytes + excessBytes;
  if (declared > mostHeard) throw tooLarge({ Connection: "close" });
  if (!request.body) return new Uint8Array();
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void reader.cancel(slow).catch(() => {});
  }, timeoutMs);
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (late) throw slow; // a cancelled read ends as if the body had ended
      if (done && size > maxBytes) throw tooLarge();
      if (done) return Buffer.concat(chunks);
      size += value.length;
      if (size > mostHeard) throw tooLarge({ Connection: "close" });
      if (Math.max(size, declared) > maxBytes) chunks.length = 0;
      else chunks.push(value);
    }
  } catch (error) {
    if (error instanceof RequestError) throw error;
    throw new RequestError(400, "the body ended before it was whole");
  } finally {
    clearTimeout(timer);
  }
}

const slow = new RequestError(408, "the body came too slowly", { headers: { Connection: "close" } });

/** The parts of a multipart body. */
export async function readFormBody(request: Request, limits: BodyLimits): Promise<FormData> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*;/i.test(type))
    throw new RequestError(415, `the body must be multipart/form-data, got "${type.slice(0, 100)}"`);
  const bytes = await readBody(request, limits);
  try {
    return await new Response(bytes, { headers: { "Content-Type": type } }).formData();
  } catch {
    throw new RequestError(400, "the body is not well-formed multipart/form-data");
  }
}
