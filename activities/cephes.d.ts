/** The package's own declarations are out of TypeScript's reach: its `exports` do not name them. These are the functions we call. */
declare module 'cephes' {
  export const compiled: Promise<void>;
  export function lgam(x: number): number;
  export function incbet(a: number, b: number, x: number): number;
  export function chdtrc(df: number, x: number): number;
  export function ndtr(x: number): number;
  export function ndtri(p: number): number;
}
