import { setImmediate } from "node:timers/promises";

/** One server-sent event. */
export interface ServerEvent {
  /** Its type; without one, `data` alone is sent, as OpenAI does. */
  event?: string;
  data: string;
}

/** A proxy or browser takes a silent connection for a dead one. */
const pingMs = 15_000;

/** Events that are there together go out together up to about so many characters. */
const longestPiece = 65_536;

/**
 * An answer of server-sent events. `onEnd` is called once, when the events are over or the client has gone, after which the
 * source is told to end.
 */
export function eventResponse(events: AsyncGenerator<ServerEvent>, onEnd: () => void = () => {}): Response {
  const encoder = new TextEncoder();
  let next: Promise<IteratorResult<ServerEvent>> | undefined;
  const finish = async () => {
    onEnd();
    await events.return(undefined);
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      next ??= events.next();
      let result: IteratorResult<ServerEvent> | undefined = await withPing(next);
      let text = result ? "" : ": ping\n\n";
      while (result && !result.done) {
        text += format(result.value);
        next = undefined;
        if (text.length >= longestPiece) break;
        next = events.next();
        result = await ifThere(next);
      }
      if (text) controller.enqueue(encoder.encode(text));
      if (!result?.done) return;
      controller.close();
      await finish();
    },
    async cancel() {
      onEnd();
      void next?.catch(() => {});
      await events.return(undefined).catch(() => {});
    },
  });
  return new Response(body, {
    headers: { "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store" },
  });
}

export function isEventStream({ headers }: Response): boolean {
  return headers.get("Content-Type")?.startsWith("text/event-stream") ?? false;
}

/** The same answer; `onEnd` is called once its body has been read, has failed, or is not wanted any more. */
export function onBodyEnd(response: Response, onEnd: () => void): Response {
  const reader = response.body?.getReader();
  if (!reader) return response;
  let isOver = false;
  const end = () => {
    if (!isOver) onEnd();
    isOver = true;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (isOver) return; // the client has gone meanwhile
        if (!done) return controller.enqueue(value);
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    cancel(reason) {
      end();
      return reader.cancel(reason);
    },
  });
  return new Response(body, response);
}

function format({ event, data }: ServerEvent): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;
}

/** What a promise holds once all that was already on its way has happened; undefined where it waits, or has failed. */
async function ifThere<T>(promise: Promise<T>): Promise<T | undefined> {
  const value = promise.catch(() => undefined); // whoever asks next hears of the failure
  return Promise.race([value, setImmediate(undefined)]);
}

/** The same, waiting until it is time for a ping. */
async function withPing<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const ping = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, pingMs, undefined);
  });
  try {
    return await Promise.race([promise, ping]);
  } finally {
    clearTimeout(timer);
  }
}
