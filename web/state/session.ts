import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
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
  /** The one that the pages are about; "" until the server has said which one it opens by itself. */
  collection: string;
  /** The one that the server opens by itself, also where nothing is in it yet. */
  mainCollection: string | undefined;
  /** Without a name, the server's main one. */
  chooseCollection(name: string | undefined): void;
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
  const [chosen, setChosen] = useState(() => recall("prag-collection", "localStorage"));
  const client = useMemo(() => connect(setConnected), []);
  const refresh = useCallback(() => setRevision((count) => count + 1), []);
  useReconnect(client, { isConnected, onBack: refresh });
  const status = useResource(
    useCallback(() => client.status(chosen), [client, chosen]),
    revision,
  );
  const mainCollection = useMainCollection(client, revision);
  const jobs = useJobs(client, { onEnd: refresh });
  const [answers, comparison] = [useAnswers(client), useAnswers(client)];
  const { forget } = answers;
  const { forget: forgetComparison } = comparison;
  const chooseCollection = useCallback(
    (name: string | undefined) => {
      remember("prag-collection", name, "localStorage");
      forget();
      forgetComparison();
      setChosen(name);
    },
    [forget, forgetComparison],
  );
  const isGone = chosen !== undefined && status.failure?.status === 404;
  useEffect(() => {
    if (isGone) chooseCollection(undefined);
  }, [isGone, chooseCollection]);
  const acceptKey = useCallback(
    (key: string) => {
      remember("prag-key", key, "sessionStorage");
      refresh();
    },
    [refresh],
  );
  return {
    client,
    collection: chosen ?? status.data?.collection.collection ?? "",
    mainCollection,
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

/** The server's main collection; it is asked for until it is told, and why it is not is seen in the status. */
function useMainCollection(client: Client, revision: number): string | undefined {
  const name = useRef<string>(undefined);
  const load = useCallback(
    async () => (name.current ??= (await client.status()).collection.collection),
    [client],
  );
  return useResource(load, revision).data;
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
