import { createContext, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { type Client, createClient } from "../api/client.ts";
import { createHttp } from "../api/http.ts";
import type { Status } from "../api/wire.ts";
import { type Answers, useAnswers } from "./use-answers.ts";
import { type Jobs, useJobs } from "./use-jobs.ts";
import { type Resource, useResource } from "./use-resource.ts";
import { recall, remember } from "./use-theme.ts";

/** What all pages share. */
export interface Session {
  client: Client;
  collection: string;
  chooseCollection(name: string): void;
  status: Resource<Status>;
  jobs: Jobs;
  /** Answers of the page to ask, and of the page to compare. */
  answers: Answers;
  comparison: Answers;
  /** Grows whenever something on the server has changed. */
  revision: number;
  refresh(): void;
  isConnected: boolean;
  acceptKey(key: string): void;
  /** Whether a key was given: then what the browser loads by itself is refused. */
  hasKey: boolean;
  /** What screen readers were told last. */
  announcement: string;
  announce(text: string): void;
}

const SessionContext = createContext<Session | undefined>(undefined);
export const SessionProvider = SessionContext.Provider;

/** The session of the page. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("internal: a component stands outside of the session");
  return session;
}

/** How often to look whether a lost server is back. */
const retryMs = 2000;

/** Opens the session: the connection, the collection, and everything that follows them. */
export function useNewSession(): Session {
  const [isConnected, setConnected] = useState(true);
  const [revision, setRevision] = useState(0);
  const [announcement, announce] = useState("");
  const [collection, setCollection] = useState(() => recall("prag-collection", "localStorage") ?? "default");
  const client = useMemo(() => connect(setConnected), []);
  const refresh = useCallback(() => setRevision((count) => count + 1), []);
  useReconnect(client, { isConnected, onBack: refresh });
  const status = useResource(
    useCallback(() => client.status(collection), [client, collection]),
    revision,
  );
  const jobs = useJobs(client, { onEnd: refresh });
  const [answers, comparison] = [useAnswers(client), useAnswers(client)];
  const { forget } = answers;
  const { forget: forgetComparison } = comparison;
  const chooseCollection = useCallback(
    (name: string) => {
      remember("prag-collection", name, "localStorage");
      forget();
      forgetComparison();
      setCollection(name);
    },
    [forget, forgetComparison],
  );
  const acceptKey = useCallback(
    (key: string) => {
      remember("prag-key", key, "sessionStorage");
      refresh();
    },
    [refresh],
  );
  return {
    client,
    collection,
    chooseCollection,
    status,
    jobs,
    answers,
    comparison,
    revision,
    refresh,
    isConnected,
    acceptKey,
    hasKey: recall("prag-key", "sessionStorage") !== undefined,
    announcement,
    announce,
  };
}

function connect(onReach: (isReached: boolean) => void): Client {
  const base = new URL(".", document.baseURI).href;
  return createClient(createHttp({ base, apiKey: () => recall("prag-key", "sessionStorage"), onReach }));
}

/** Looks for a server that has gone until it is back. */
function useReconnect(
  client: Client,
  { isConnected, onBack }: { isConnected: boolean; onBack: () => void },
): void {
  useEffect(() => {
    if (isConnected) return;
    const controller = new AbortController();
    const look = () => client.health(controller.signal).then(onBack, () => {});
    const timer = setInterval(look, retryMs);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [client, isConnected, onBack]);
}
