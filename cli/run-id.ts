/** The business id of a run that a person did not name: the pipeline and the second, in UTC, such as `flights/2026-11-21T09-00-00Z`. */
export function defaultRunId(pipeline: string, at: Date): string {
  return `${pipeline}/${at.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
}
