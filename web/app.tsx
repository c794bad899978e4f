import type { ComponentType } from "react";
import { useState } from "react";
import { KeyDialog } from "./components/key-dialog.tsx";
import { FailureNotice, Loading } from "./components/notice.tsx";
import { Shell } from "./components/shell.tsx";
import { AdaptersPage } from "./pages/adapters-page.tsx";
import { AskPage } from "./pages/ask-page.tsx";
import { ComparePage } from "./pages/compare-page.tsx";
import { DocumentsPage } from "./pages/documents-page.tsx";
import { ReportsPage } from "./pages/reports-page.tsx";
import { type Session, SessionProvider, useNewSession } from "./state/session.ts";
import { useAnnouncedJobs } from "./state/use-announcements.ts";
import { type Route, useRoute } from "./state/use-route.ts";

const pages: Record<Route, ComponentType> = {
  ask: AskPage,
  compare: ComparePage,
  documents: DocumentsPage,
  adapters: AdaptersPage,
  reports: ReportsPage,
};

/** The whole page. */
export function App() {
  const session = useNewSession();
  const Page = pages[useRoute()];
  const { failure } = session.status;
  useAnnouncedJobs(session.jobs.list, session.announce);
  const [dismissed, setDismissed] = useState<unknown>();
  const needsKey = failure?.kind === "key" && dismissed !== failure;
  return (
    <SessionProvider value={session}>
      <Shell>
        {session.collection === "" ? <NoCollection {...session.status} /> : <Page key={session.collection} />}
      </Shell>
      {needsKey && <KeyDialog onClose={() => setDismissed(failure)} />}
    </SessionProvider>
  );
}

/** What stands in a page's place until the server has named a collection. */
function NoCollection({ failure, reload }: Session["status"]) {
  return failure ? <FailureNotice failure={failure} onRetry={reload} /> : <Loading what="the collection" />;
}
