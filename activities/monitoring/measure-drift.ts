import { compareProfiles } from '../../domain/drift/compare-profiles.ts';
import { driftVerdict } from '../../domain/drift/drift-verdict.ts';
import { type ProfiledRow, profileWindow } from '../../domain/drift/profile-window.ts';
import type { DriftPolicy, DriftReport, TrainingProfile } from '../../domain/drift-report.ts';
import type { ModelReference } from '../../domain/model-package.ts';
import { type CalibrationGap, calibrationGap } from '../../domain/statistics/calibration-gap.ts';
import { literal, openTables, type Tables, type TablesOptions } from '../../stores/tables.ts';
import { specialFunctions } from '../special-functions.ts';
import { count, isEvidence, parquet, type TrafficFiles } from '../release/traffic-tables.ts';

/** Which window to look at: the first of the version's live answers after `after` (ISO 8601; null: from its first), beside its training profile. */
export type WindowRequest = {
  readonly endpoint: string;
  readonly version: Pick<ModelReference, 'model' | 'modelVersion'>;
  readonly profile: TrainingProfile;
  readonly after: string | null;
  readonly policy: DriftPolicy;
};

type WindowRow = ProfiledRow & { readonly atMs: number; readonly label: number | null };

/** Below this share of known outcomes a window waits, however long. */
const leastLabelled = 0.8;

/**
 * Compares the next full window with the training profile: the first `windowRequests` answers by time, with or without outcome.
 * Features and predictions are those of all of them, the calibration gap is that of those whose outcome is known; only probabilities have
 * one, so a model of numbers or of several classes is held against its features and predictions alone, and waits for no outcome.
 *
 * Null while there are fewer, or their outcomes are still to come: all must be known, or four fifths once as many answers have come
 * since. A window of whatever was labelled first would show drift wherever one outcome is known sooner than the other. What is never
 * labelled is taken to be as the rest; an endpoint where that is more than a fifth has no windows.
 *
 * Windows do not overlap: the next one begins after the millisecond that this one ends in, so answers of that same millisecond are
 * left out rather than counted twice.
 */
export async function measureDriftFiles(
  request: WindowRequest,
  files: TrafficFiles,
  options: TablesOptions = {},
): Promise<DriftReport | null> {
  const { windowRequests } = request.policy;
  const awaitsOutcomes = request.profile.labelShare !== null;
  if (files.inference.length === 0 || (awaitsOutcomes && files.labels.length === 0)) return null;
  const tables = await openTables(options);
  try {
    await tables.all(`CREATE VIEW answers AS ${answersQuery(request, files)}`);
    const answered = await count(tables, 'SELECT count(DISTINCT requestId) FROM answers');
    if (answered < windowRequests) return null;
    const rows = await windowRows(tables, request, files);
    const labels = rows.filter(({ label }) => label !== null).length;
    const outcomesHadTheirTime = answered >= 2 * windowRequests;
    const tooFew = labels < (outcomesHadTheirTime ? leastLabelled : 1) * windowRequests;
    return awaitsOutcomes && tooFew ? null : reportOn(request, rows);
  } finally {
    tables.close();
  }
}

function reportOn(
  { endpoint, version, profile, policy }: WindowRequest,
  rows: readonly WindowRow[],
): DriftReport | null {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return null;
  const known = rows.flatMap(({ prediction, label }) => (label === null ? [] : [{ prediction, label }]));
  const signals = compareProfiles(specialFunctions, policy, {
    reference: profile,
    window: profileWindow(profile, rows),
    calibration: gapOf(profile, known),
  });
  const window = {
    from: new Date(first.atMs).toISOString(),
    to: new Date(last.atMs).toISOString(),
    requests: rows.length,
    labels: known.length,
  };
  const { model, modelVersion } = version;
  return { endpoint, model, modelVersion, window, signals, ...driftVerdict(policy, rows.length, signals) };
}

function gapOf(
  { labelShare }: TrainingProfile,
  known: readonly { readonly prediction: number; readonly label: number }[],
): CalibrationGap | null {
  if (labelShare === null) return null;
  const predictions = known.map(({ prediction }) => prediction);
  const labels = known.map(({ label }) => label);
  return calibrationGap(specialFunctions, predictions, labels);
}

function answersQuery({ version, after }: WindowRequest, files: TrafficFiles): string {
  const later = after === null ? 'true' : `epoch_ms("at") > ${Date.parse(after)}`;
  return `SELECT requestId, epoch_ms("at") AS atMs, output, features FROM ${parquet(files.inference)}
    WHERE NOT shadow AND ${isEvidence} AND status < 500 AND output IS NOT NULL AND ${later}
      AND model = ${literal(version.model)} AND modelVersion = ${literal(version.modelVersion)}`;
}

/** The window's rows by time; one per request, should a file hold one twice. Of several labels the latest counts. */
async function windowRows(
  tables: Tables,
  { policy }: WindowRequest,
  files: TrafficFiles,
): Promise<readonly WindowRow[]> {
  const labelled =
    files.labels.length === 0
      ? 'SELECT NULL AS requestId, NULL AS label WHERE false'
      : `SELECT requestId, arg_max(label, "at") AS label FROM ${parquet(files.labels)} GROUP BY requestId`;
  const found = await tables.all(`
    WITH outcomes AS (${labelled}),
    window_keys AS (
      SELECT requestId, min(atMs) AS atMs FROM answers
      GROUP BY requestId ORDER BY atMs, requestId LIMIT ${policy.windowRequests}
    )
    SELECT DISTINCT ON (atMs, requestId) atMs, CAST(label AS DOUBLE) AS label, CAST(output AS DOUBLE) AS output, features
    FROM window_keys JOIN answers USING (requestId, atMs) LEFT JOIN outcomes USING (requestId) ORDER BY atMs, requestId`);
  return found.map(({ atMs, label, output, features }) => ({
    atMs: Number(atMs),
    label: label === null ? null : Number(label),
    prediction: Number(output),
    features: parseFeatures(features),
  }));
}

function parseFeatures(text: unknown): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(String(text));
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
