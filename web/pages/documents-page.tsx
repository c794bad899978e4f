import { useCallback } from "react";
import type { DocumentEntry } from "../api/wire.ts";
import { DropZone } from "../components/drop-zone.tsx";
import { EncodeButton } from "../components/guide.tsx";
import { JobCard } from "../components/job-card.tsx";
import { FailureNotice, Loading } from "../components/notice.tsx";
import { isFinished } from "../state/jobs.ts";
import { useSession } from "../state/session.ts";
import { useResource } from "../state/use-resource.ts";
import { plural } from "../text/format.ts";

/** Documents of the collection: add some, watch them become adapters. */
export function DocumentsPage() {
  const { client, collection, revision, status } = useSession();
  const documents = useResource(
    useCallback(() => client.documents(collection), [client, collection]),
    revision,
  );
  const { corpus, encoding } = status.data?.collection ?? {};
  const missing = corpus && encoding ? corpus.passages - encoding.encoded : 0;
  const isUnknown = documents.failure?.status === 404; // a collection that no upload has made yet
  return (
    <div className="stack stack-wide">
      <DropZone />
      <JobList />
      {missing > 0 && <EncodeButton label={`Encode ${plural(missing, "passage")}`} />}
      {documents.data && <DocumentTable documents={documents.data} />}
      {!documents.data && !documents.failure && <Loading what="documents" />}
      {!isUnknown && <FailureNotice failure={documents.failure} onRetry={documents.reload} />}
    </div>
  );
}

/** What goes on, and what went wrong last. */
function JobList() {
  const { jobs, collection } = useSession();
  const [newest] = jobs.list;
  const shown = jobs.list.filter(
    (job) =>
      job.collection === collection && (!isFinished(job) || (job === newest && job.state !== "cancelled")),
  );
  return (
    <div className="stack">
      {shown.map((job) => (
        <JobCard key={job.id} job={job} />
      ))}
    </div>
  );
}

/** Rows that are drawn at most; a browser does not like a hundred thousand. */
const shownRows = 500;

function DocumentTable({ documents }: { documents: readonly DocumentEntry[] }) {
  if (documents.length === 0) return <p className="muted">No documents yet.</p>;
  return (
    <div className="table-frame">
      <table className="table">
        <caption>
          {plural(documents.length, "document")}
          {documents.length > shownRows && `, the first ${shownRows} shown`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Title</th>
            <th scope="col" className="wide-only">
              Source
            </th>
            <th scope="col" className="number">
              Passages
            </th>
            <th scope="col" className="number">
              Encoded
            </th>
          </tr>
        </thead>
        <tbody>
          {documents.slice(0, shownRows).map(({ id, title, source, passages, encoded }) => (
            <tr key={id}>
              <th scope="row">{title}</th>
              <td className="wide-only muted">{source.split("/uploads/").at(-1)}</td>
              <td className="number">{passages}</td>
              <td className="number">{encoded === passages ? "all" : encoded}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
