import { between, notNull, oneOf, rowCount, type } from 'perdura/expect';
import type { Target } from 'perdura/steps';

export const plans = ['basic', 'plus', 'pro'];

/** What a file of customers looks like; a file that breaks it stops at the gate. */
export const churnSchema = {
  dataset: 'churn',
  expectations: [
    type('date', 'timestamp'),
    notNull('date'),
    oneOf('plan', plans),
    notNull('plan'),
    between('tenure_months', { min: 0, max: 600 }),
    notNull('tenure_months'),
    between('monthly_charge', { min: 0, max: 1_000 }),
    notNull('monthly_charge'),
    between('support_calls', { min: 0, max: 100 }),
    notNull('support_calls'),
    between('churned', { min: 0, max: 1 }),
    notNull('churned'),
    rowCount({ min: 200 }),
  ],
};

/** A customer who left within the month. */
export const left: Target = { name: 'left', task: 'binary', sql: 'churned = 1' };
