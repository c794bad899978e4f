import { useEffect, useRef } from "react";
import { nextAnnouncement } from "../text/announce.ts";
import { type AnswerState, isSettled } from "./answer.ts";
import { isFinished, type JobView } from "./jobs.ts";
import { useSession } from "./session.ts";

/** Between two announcements of a text that grows, in ms. */
const pauseMs = 2000;

/** Reads an answer out politely: whole sentences, and not too often, while it comes; the rest at its end. */
export function useAnnouncedAnswer(state: AnswerState | undefined, speaker: string): void {
  const { announce } = useSession();
  const { id = "", text = "" } = state ?? {};
  const isDone = state !== undefined && isSettled(state);
  // What had come to its end before this page was opened (again) is no news.
  const announced = useRef({ id, length: isDone ? text.length : 0, atMs: 0 });
  useEffect(() => {
    const now = performance.now();
    if (announced.current.id !== id || text.length < announced.current.length)
      announced.current = { id, length: 0, atMs: 0 };
    const { length, atMs } = announced.current;
    if (!isDone && now - atMs < pauseMs) return;
    const next = nextAnnouncement(text, length, isDone);
    if (next === undefined) return;
    announced.current = { id, length: length + next.length, atMs: now };
    announce(`${length === 0 ? speaker : ""}${next}`);
  }, [id, text, isDone, speaker, announce]);
}

/** Says when a job that was seen at work has ended. */
export function useAnnouncedJobs(jobs: readonly JobView[], announce: (text: string) => void): void {
  const atWork = useRef(new Set<string>());
  useEffect(() => {
    for (const job of jobs) {
      if (!isFinished(job)) atWork.current.add(job.id);
      else if (atWork.current.delete(job.id)) announce(`${jobNames[job.kind]}: ${job.state}`);
    }
  }, [jobs, announce]);
}

/** What jobs do, in words. */
export const jobNames: Record<JobView["kind"], string> = {
  ingest: "Reading documents",
  augment: "Writing questions",
  encode: "Making adapters",
};
