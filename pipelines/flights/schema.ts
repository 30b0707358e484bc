import {
  between,
  drift,
  matches,
  meanBetween,
  notNull,
  oneOf,
  quantileBetween,
  rowCount,
  type,
  volume,
} from 'perdura/expect';
import type { DataSchema, Target } from 'perdura/steps';
import { airports } from './airports.ts';

/** What a file of flights looks like: bounds that every month from January to June 2001 keeps. */
export const flightSchema: DataSchema = {
  dataset: 'flights',
  expectations: [
    rowCount({ min: 1_000 }),
    volume({ min: 0.5, max: 2, severity: 'warn' }),
    type('date', 'timestamp'),
    notNull('date'),
    type('delay', 'integer'),
    notNull('delay'),
    between('delay', { min: -1_440, max: 2_880 }),
    quantileBetween('delay', 0.95, { min: 30, max: 120 }),
    type('distance', 'integer'),
    notNull('distance'),
    between('distance', { min: 1, max: 6_000 }),
    meanBetween('distance', { min: 600, max: 900, severity: 'warn' }),
    notNull('origin'),
    matches('origin', '[A-Z]{3}'),
    oneOf('origin', airports),
    notNull('destination'),
    matches('destination', '[A-Z]{3}'),
    oneOf('destination', airports),
    // Late flights come and go with the season, which the features follow; routes hardly do.
    drift('distance', { statistic: 'psi', atMost: 0.05, against: 'previous', severity: 'warn' }),
    drift('origin', { statistic: 'jensenShannon', atMost: 0.05, against: 'previous', severity: 'warn' }),
  ],
};

/** A flight is late when it arrives more than 15 minutes after its time. */
export const late: Target = { name: 'late', task: 'binary', sql: 'delay > 15' };
