import {
  between,
  matches,
  meanBetween,
  notNull,
  oneOf,
  quantileBetween,
  rowCount,
  type,
} from '../../../domain/expect.ts';
import type { DataSchema } from '../../../domain/expectation.ts';
import { airports } from '../../../pipelines/flights/airports.ts';

/** What flights look like: bounds that every month from January to June 2001 keeps. */
export const flightsSchema: DataSchema = {
  dataset: 'flights',
  expectations: [
    rowCount({ min: 1_000 }),
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
  ],
};
