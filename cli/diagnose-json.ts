import type { DiagnosisReport } from './diagnosis-report.js';
import type { DiagnosisJson } from './json/diagnose.js';
import { jsonSafe } from './table.js';

/** What `diagnose --json` prints. */
export function diagnosisJson({ diagnosis, live, show }: DiagnosisReport): DiagnosisJson {
  const { mountPath } = diagnosis;
  const value = { ...diagnosis, mountPath: mountPath === null ? null : show.path(mountPath), live };
  return jsonSafe(
    live === null
      ? value
      : { ...value, live: { ...live, engine: { ...live.engine, detail: show.words(live.engine.detail) } } },
  );
}
