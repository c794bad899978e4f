import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";

/** How long a ticket admits: long enough to load a report once. */
const validMs = 60_000;
const route = "/api/reports/";

/**
 * Tickets that admit to one report for a short time. What a frame or a tab loads carries no `Authorization`, so a page that
 * has the key asks for a ticket and puts it into the address. They are signed, not stored, and end with the server.
 */
export class ReportTickets {
  readonly #secret = randomBytes(32);
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  issue(path: string): string {
    const expires = (this.#now() + validMs).toString(36);
    return `${expires}.${this.#sign(path, expires)}`;
  }

  admits(path: string, ticket: string): boolean {
    const [expires = "", signature = ""] = ticket.split(".");
    const wanted = Buffer.from(this.#sign(path, expires));
    const given = Buffer.from(signature);
    const isRight = given.length === wanted.length && timingSafeEqual(given, wanted);
    return isRight && Number.parseInt(expires, 36) > this.#now();
  }

  /** Whether a request is for a report that its ticket admits to. */
  admitsRequest({ req }: Context): boolean {
    const ticket = req.query("ticket");
    if (req.method !== "GET" || ticket === undefined || !req.path.startsWith(route)) return false;
    try {
      return this.admits(decodeURIComponent(req.path.slice(route.length)), ticket);
    } catch {
      return false; // not well-formed
    }
  }

  #sign(path: string, expires: string): string {
    return createHmac("sha256", this.#secret).update(`${expires}\n${path}`).digest("base64url");
  }
}
