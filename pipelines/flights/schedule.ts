/** On the first of each month, when the month before is complete. */
export const schedule = { cron: '0 6 1 * *', input: { data: 'newest' } };
