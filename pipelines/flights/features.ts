/** A flight as a client describes it before departure; `date` is the local time of the scheduled departure. */
export const record = { date: 'timestamp', distance: 'number', origin: 'string', destination: 'string' } as const;

type Flight = {
  readonly date: number;
  readonly distance: number;
  readonly origin: string;
  readonly destination: string;
};

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** What is known of a flight before it leaves. The same code runs over the snapshot in training and inside the model server. */
export function features(flight: Flight) {
  return {
    distance: flight.distance,
    minute: Math.floor(flight.date / minuteMs) % 1_440,
    hour: `${Math.floor(flight.date / hourMs) % 24}h`,
    weekday: weekdays[new Date(flight.date).getUTCDay()] ?? 'unknown',
    origin: flight.origin,
    destination: flight.destination,
    route: `${flight.origin}-${flight.destination}`,
  };
}
