/** How far two samples lie apart; `expected` is what that is on average, or at most on average, where nothing has moved. */
export type Distance = { readonly value: number; readonly expected: number };
