// The thread in which files are parsed whose libraries are not to be trusted with time and memory.
import { parentPort } from "node:worker_threads";
import { z } from "zod";
import { InputError, messageOf } from "../../base/errors.ts";
import type { Parsed, ParsedFormat } from "./parser.ts";

const port = parentPort;
if (!port) throw new Error("internal: the parse worker was started without a port");

const request = z.object({
  format: z.enum(["html", "pdf", "docx"]),
  input: z.union([z.string(), z.instanceof(Uint8Array)]),
  maxUnpackedBytes: z.number(),
});

/** Libraries are loaded when the first file of their kind comes. */
const parsers: Record<ParsedFormat, (input: string | Uint8Array, maxUnpacked: number) => Promise<Parsed>> = {
  html: async (input) => (await import("./html.ts")).parseHtml(String(input)),
  pdf: async (input) => (await import("./pdf.ts")).parsePdf(bytesOf(input)),
  docx: async (input, maxUnpacked) => (await import("./docx.ts")).parseDocx(bytesOf(input), maxUnpacked),
};

function bytesOf(input: string | Uint8Array): Uint8Array {
  return typeof input === "string" ? Buffer.from(input) : input;
}

port.on("message", async (message: unknown) => {
  const { format, input, maxUnpackedBytes } = request.parse(message);
  try {
    port.postMessage(await parsers[format](input, maxUnpackedBytes));
  } catch (error) {
    const reason =
      error instanceof InputError
        ? error.message
        : `malformed ${format}: ${messageOf(error).replace(/\s+/g, " ").slice(0, 200)}`;
    port.postMessage({ reason });
  }
});
