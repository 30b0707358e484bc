import { identifier } from '../../stores/tables.ts';
import { sliceSql } from '../../stores/slices.ts';
import { usageError } from '../errors.ts';
import { columnFacts } from './column-facts.ts';
import type { Baseline, Learned, SplitPlan } from './plan.ts';
import type { Source } from './source.ts';
import { labelSql } from './target.ts';

const holdout = 0.25;
const seed = 7;
/** A time with fewer different values, or where so little would be held out, is no line of time to cut. */
const fewestTimes = 10;
const leastHeldOut = 0.1;
const mostHeldOut = 0.5;
/** When someone was born is no time at which a row was written. */
const ofBirth = /birth|born|dob/i;

/**
 * By time where the data has a timestamp that varies and no row lacks: the first such column whose newest quarter can be held out and
 * whose two parts both have what is to be learned. By chance otherwise.
 */
export async function chooseSplit(source: Source, target: Learned): Promise<SplitPlan> {
  const times = source.columns.filter(({ name, type }) => type === 'timestamp' && name !== target.column);
  for (const column of times) {
    const { present, distinct } = await columnFacts(source, column);
    if (present < source.rows || distinct < fewestTimes || ofBirth.test(column.name)) continue;
    const plan = {
      kind: 'time',
      column: column.name,
      holdout,
      why: `the newest quarter by ${column.name} is held out`,
    } as const;
    if (await isSound(source, target, plan)) return plan;
  }
  const why =
    times.length === 0
      ? 'there is no time in the data; a quarter of the rows is held out by chance'
      : 'no time in the data can be cut so that both parts have enough; a quarter of the rows is held out by chance';
  return { kind: 'chance', seed, holdout, why };
}

/** The condition of a part's rows, the same as that of the slice which the pipeline's split will make. */
export async function partsSql(
  source: Source,
  plan: SplitPlan,
): Promise<{ readonly training: string; readonly holdout: string }> {
  if (plan.kind === 'chance') {
    const by = source.columns.map(({ name }) => name);
    const part = (from: number, before: number) =>
      sliceSql({
        snapshot: { dataset: '', digest: '', rows: 0 },
        rows: 0,
        chance: { seed: plan.seed, by, from, before },
      });
    return { training: part(0, 1 - plan.holdout), holdout: part(1 - plan.holdout, 1) };
  }
  const time = `CAST(${identifier(plan.column)} AS TIMESTAMP)`;
  const cut = `(SELECT percentile_disc(${plan.holdout}) WITHIN GROUP (ORDER BY ${time} DESC) FROM ${source.relation})`;
  return { training: `${time} < ${cut}`, holdout: `${time} >= ${cut}` };
}

/**
 * Refuses data of which one part would have nothing to tell apart.
 *
 * @throws CodedError INPUT_INVALID (wrong usage).
 */
export async function requireBothParts(source: Source, target: Learned, plan: SplitPlan): Promise<void> {
  const { training, holdout: heldOut } = await differentLabels(source, target, plan);
  if (training >= 2 && heldOut >= 2) return;
  throw usageError(
    'INPUT_INVALID',
    `Too little is known of '${target.column}': ${plan.why}, and one part of the data has ${training < 2 ? 'nothing to learn from' : 'nothing to judge on'}, the same '${target.column}' in each row. Bring more rows in which it differs, or name another with --target.`,
  );
}

async function isSound(source: Source, target: Learned, plan: SplitPlan): Promise<boolean> {
  const { training, holdout: heldOut, share } = await differentLabels(source, target, plan);
  return training >= 2 && heldOut >= 2 && share >= leastHeldOut && share <= mostHeldOut;
}

async function differentLabels(source: Source, target: Learned, plan: SplitPlan) {
  const parts = await partsSql(source, plan);
  const label = labelSql(target);
  const [row = {}] = await source.tables.all(
    `SELECT count_if(${parts.holdout}) / count(*) AS share,
       count(DISTINCT CASE WHEN ${parts.training} THEN ${label} END) AS training,
       count(DISTINCT CASE WHEN ${parts.holdout} THEN ${label} END) AS holdout
     FROM ${source.relation}`,
  );
  return { share: Number(row['share']), training: Number(row['training']), holdout: Number(row['holdout']) };
}

/** Above this share of the most frequent class nearly every answer is right, and accuracy shows nothing. */
const mostAccuracy = 0.9;

/**
 * What the plain answer, the same for each row, reaches on the hold-out: guessing has an AUC of 0.5; of several classes it is the share of
 * training's most frequent one (or, where that is nearly all, the log loss of training's shares); of a number the root mean squared error
 * of training's mean.
 */
export async function measureBaseline(source: Source, target: Learned, plan: SplitPlan): Promise<Baseline> {
  const parts = await partsSql(source, plan);
  const rows = (part: string) => `SELECT ${labelSql(target)} AS y FROM ${source.relation} WHERE ${part}`;
  const query = `WITH training AS (SELECT y FROM (${rows(parts.training)}) WHERE y IS NOT NULL),
    holdout AS (SELECT y FROM (${rows(parts.holdout)}) WHERE y IS NOT NULL),
    shares AS (SELECT y, count(*) / (SELECT count(*) FROM training) AS share FROM training GROUP BY y)`;
  const one = async (select: string): Promise<number> => {
    const [row] = await source.tables.all(`${query} SELECT ${select} AS found`);
    return Number(row?.['found'] ?? 0);
  };
  switch (target.task) {
    case 'binary':
      return { metric: 'auc', value: 0.5, told: 'guessing' };
    case 'regression': {
      const value = await one('(SELECT sqrt(avg((y - (SELECT avg(y) FROM training)) ** 2)) FROM holdout)');
      return { metric: 'rmse', value: rounded(value), told: "always answering the training part's mean" };
    }
    case 'multiclass': {
      const likeliest = '(SELECT y FROM shares ORDER BY share DESC, y LIMIT 1)';
      const accuracy = await one(`(SELECT avg(CAST(y = ${likeliest} AS INTEGER)) FROM holdout)`);
      if (accuracy <= mostAccuracy)
        return { metric: 'accuracy', value: rounded(accuracy), told: 'always answering the most frequent class' };
      const loss = await one(
        '(SELECT avg(-ln(greatest(coalesce(share, 0), 1e-7))) FROM holdout LEFT JOIN shares USING (y))',
      );
      return { metric: 'logLoss', value: rounded(loss), told: "always answering each class's share" };
    }
    default:
      return target.task satisfies never;
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
