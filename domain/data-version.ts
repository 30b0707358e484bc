/** How much a snapshot differs from the one before: `none` is the same snapshot. */
export type DataChange = 'major' | 'minor' | 'patch' | 'none';
