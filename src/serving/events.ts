/** One server-sent event. */
export interface ServerEvent {
  /** Its type; without one, `data` alone is sent, as OpenAI does. */
  event?: string;
  data: string;
}

/** A proxy or browser takes a silent connection for a dead one. */
const pingMs = 15_000;

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
      const result = await withPing(next);
      if (result === "ping") {
        controller.enqueue(encoder.encode(": ping\n\n"));
        return;
      }
      next = undefined;
      if (result.done) {
        controller.close();
        await finish();
      } else controller.enqueue(encoder.encode(format(result.value)));
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

function format({ event, data }: ServerEvent): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;
}

async function withPing<T>(promise: Promise<T>): Promise<T | "ping"> {
  let timer: NodeJS.Timeout | undefined;
  const ping = new Promise<"ping">((resolve) => {
    timer = setTimeout(resolve, pingMs, "ping");
  });
  try {
    return await Promise.race([promise, ping]);
  } finally {
    clearTimeout(timer);
  }
}
