import type { FlightActivities } from './lateness.ts';
import { frame } from 'perdura/frame';

const names = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const sample = 20_000;

export const latenessByWeekday: FlightActivities['latenessByWeekday'] = async (data) => {
  const flights = await frame(data, { columns: ['date', 'delay'], sample });
  const weekdays = flights.column('date').map((date: string) => names[new Date(date).getUTCDay()] ?? 'unknown');
  const table = flights
    .addColumn('weekday', weekdays)
    .groupby(['weekday'])
    .agg({ delay: ['count', 'mean'] });
  const rows = table.values as unknown as readonly (readonly [string, number, number])[];
  return rows.map(([weekday, count, mean]) => ({
    weekday,
    flights: count,
    meanDelayMinutes: Math.round(mean * 10) / 10,
  }));
};
