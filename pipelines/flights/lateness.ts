import type { DataSlice } from 'perdura/steps';

/** How one weekday went in a slice of flights. */
export type WeekdayLateness = { readonly weekday: string; readonly flights: number; readonly meanDelayMinutes: number };

/** The pipeline's own activities, in types that know no platform: the pipeline is compiled without Node's. */
export type FlightActivities = {
  /** Flights and mean delay by weekday, over an even sample: a table to read beside the verdict. */
  latenessByWeekday(data: DataSlice): Promise<readonly WeekdayLateness[]>;
};
