import { useCallback, useState } from "react";
import { reportPath } from "../api/client.ts";
import { type ApiFailure, toFailure } from "../api/failure.ts";
import type { Report } from "../api/wire.ts";
import { Button } from "../components/button.tsx";
import { Dialog } from "../components/dialog.tsx";
import { Icon } from "../components/icon.tsx";
import { EmptyState, FailureNotice, Loading } from "../components/notice.tsx";
import { useSession } from "../state/session.ts";
import { useResource } from "../state/use-resource.ts";
import { formatBytes, formatDate } from "../text/format.ts";
import { saveAs } from "../text/save-as.ts";

/** Reports of evaluations that lie on the server. */
export function ReportsPage() {
  const { client, revision } = useSession();
  const { data, failure, reload } = useResource(
    useCallback(() => client.reports(), [client]),
    revision,
  );
  if (failure) return <FailureNotice failure={failure} onRetry={reload} />;
  if (!data) return <Loading what="reports" />;
  if (data.length === 0)
    return (
      <EmptyState title="No reports yet">
        <p>
          An evaluation asks a set of questions with every method and writes a report. Start one with{" "}
          <code>prag eval</code>; its report then stands here.
        </p>
      </EmptyState>
    );
  return (
    <ul className="report-list plain-list">
      {data.map((report) => (
        <ReportItem key={report.path} report={report} />
      ))}
    </ul>
  );
}

/** A report opens in a tab of its own, or here where the server asks for a key; no script of it runs. */
function ReportItem({ report: { path, bytes, modifiedMs } }: { report: Report }) {
  const { client, hasKey } = useSession();
  const [failure, setFailure] = useState<ApiFailure>();
  const [isOpen, setOpen] = useState(false);
  const download = async () => {
    try {
      saveAs(await client.report(path), path.replaceAll("/", "-"));
    } catch (error) {
      setFailure(toFailure(error));
    }
  };
  return (
    <li className="card">
      <div className="row row-between">
        <div>
          {hasKey ? (
            <button type="button" className="report-name link" onClick={() => setOpen(true)}>
              {path}
            </button>
          ) : (
            <a href={reportPath(path)} target="_blank" rel="noreferrer" className="report-name">
              {path} <Icon name="open" />
              <span className="visually-hidden"> (opens in a new tab)</span>
            </a>
          )}
          <p className="muted">
            {formatDate(new Date(modifiedMs).toISOString())} · {formatBytes(bytes)}
          </p>
        </div>
        <Button
          kind="quiet"
          icon="download"
          aria-label={`Download ${path}`}
          onClick={() => void download()}
        />
      </div>
      <FailureNotice failure={failure} />
      {isOpen && <ReportDialog path={path} onClose={() => setOpen(false)} />}
    </li>
  );
}

/** A report within the page, in a frame that may do nothing. */
function ReportDialog({ path, onClose }: { path: string; onClose: () => void }) {
  const { client } = useSession();
  const { data: address, failure } = useResource(
    useCallback(() => client.reportAddress(path), [client, path]),
    0,
  );
  return (
    <Dialog title={path} onClose={onClose} size="large">
      <FailureNotice failure={failure} />
      {address ? (
        <iframe className="report-frame" src={address} sandbox="" title={`Report ${path}`} />
      ) : (
        !failure && <Loading what="the report" />
      )}
    </Dialog>
  );
}
