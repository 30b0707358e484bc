/** At six in the morning of the first of each month, UTC; `perdura dev` keeps it. */
export const schedule = { cron: '0 6 1 * *', input: { data: 'newest' } };
