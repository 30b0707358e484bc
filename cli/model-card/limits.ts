import type { ModelCard } from '../../domain/model-card.ts';
import type { Finding } from '../../domain/decision.ts';

/** What the evidence of a run does not show, in sentences: whatever is not a pass, and what was judged on few rows. */
export function limitsOf(decisions: ModelCard['decisions'], reason: string | null): readonly string[] {
  const open = decisions.flatMap(({ step, decision }) =>
    decision.findings
      .filter(({ verdict }) => verdict === 'fail' || verdict === 'inconclusive')
      .map((finding) => `${step}: ${finding.reason}`),
  );
  const alone = decisions.flatMap(({ step, decision }) =>
    decision.findings
      .filter(({ verdict }) => verdict === 'not-applicable')
      .map((finding) => `${step}: ${finding.reason}`),
  );
  const latest = decisions.flatMap(({ decision }) => decision.findings.flatMap(smallSlices));
  return [...(reason === null ? [] : [`Rejected: ${reason}`]), ...open, ...alone, ...latest];
}

function smallSlices({ guardrail, measurement }: Finding): readonly string[] {
  const slices = measurement?.slices ?? [];
  const minimum = guardrail.minimum ?? 1;
  const small = slices.filter(({ n }) => n < minimum);
  if (small.length === 0 || guardrail.by === undefined) return [];
  const names = small.slice(0, 5).map(({ slice, n }) => `${slice} (${n})`);
  const more = small.length > names.length ? ` and ${small.length - names.length} more` : '';
  return [`${guardrail.metric} by ${guardrail.by} rests on fewer than ${minimum} rows in ${names.join(', ')}${more}.`];
}
