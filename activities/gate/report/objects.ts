import { canonicalJson } from '../../../domain/canonical-json.ts';
import type { ObjectPin } from '../../../domain/snapshot.ts';
import type { ColumnPicture, GateFindings, ValidationReport, Violation } from '../../../domain/validation-report.ts';
import { sha256Hex } from '../../../stores/digest.ts';
import { keepFirstDocument } from '../../../stores/documents.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { keepFirstObject } from '../keep-object.ts';
import { reportPage } from './page.ts';

/** Violations that go back to the workflow: Temporal carries 2 MB. */
const mostViolations = 1_000;

/** A report before it has a page. */
export type Unpaged = Omit<ValidationReport, 'page'>;

/**
 * Keeps a report for people and for programs at `validations/<dataset>/<identity>.html` and `.json`. The identity is the digest of the
 * question and of what was found: the same answer lands on the same keys and is kept once, another answer, such as one a day later on
 * how fresh the data is, has keys of its own. What is given back has at most a thousand violations, those that block first.
 */
export async function keepReport(
  store: ObjectStore,
  report: Unpaged,
  about: { readonly identity: string; readonly checkedAt: string; readonly pictures: readonly ColumnPicture[] },
): Promise<ValidationReport> {
  const { dataset, digest } = report.snapshot;
  const name = sha256Hex(canonicalJson({ question: about.identity, findings: findingsOf(report) }));
  const page = await keepPage(store, `validations/${dataset}/${name}.html`, {
    html: reportPage(
      {
        ...findingsOf(report),
        title: `${dataset}@${digest.slice(0, 12)}`,
        checkedAt: about.checkedAt,
        environment: report.environment,
      },
      about.pictures,
    ),
  });
  const kept = await keepFirstDocument<ValidationReport>(store, `validations/${dataset}/${name}.json`, {
    ...report,
    page,
  });
  return { ...kept, violations: foremost(kept.violations) };
}

function foremost(violations: readonly Violation[]): readonly Violation[] {
  if (violations.length <= mostViolations) return violations;
  const [blocking, others] = [
    violations.filter(({ severity }) => severity === 'block'),
    violations.filter(({ severity }) => severity !== 'block'),
  ];
  return [...blocking, ...others].slice(0, mostViolations);
}

async function keepPage(store: ObjectStore, key: string, { html }: { readonly html: string }): Promise<ObjectPin> {
  return keepFirstObject(store, key, { body: new TextEncoder().encode(html), contentType: 'text/html; charset=utf-8' });
}

function findingsOf(report: Unpaged): GateFindings {
  const { decision, verdict, rows, badRows, expectations, violations, distributions } = report;
  return { decision, verdict, rows, badRows, expectations, violations, distributions };
}
