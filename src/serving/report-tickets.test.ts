import { expect, it } from "vitest";
import { ReportTickets } from "./report-tickets.ts";

it("admits to its report for a minute, and never after the server was started anew", () => {
  let nowMs = 1e12;
  const tickets = new ReportTickets(() => nowMs);
  const ticket = tickets.issue("a/report.html");
  expect(tickets.admits("a/report.html", ticket)).toBe(true);
  for (const wrong of ["", ".", "zzzz", `${ticket}x`, `x${ticket}`, ticket.slice(0, -1)])
    expect(tickets.admits("a/report.html", wrong)).toBe(false);
  expect(tickets.admits("b/report.html", ticket)).toBe(false);
  expect(new ReportTickets(() => nowMs).admits("a/report.html", ticket)).toBe(false);
  nowMs += 59_999;
  expect(tickets.admits("a/report.html", ticket)).toBe(true);
  nowMs += 1;
  expect(tickets.admits("a/report.html", ticket)).toBe(false);
});
