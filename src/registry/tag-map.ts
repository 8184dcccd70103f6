/**
 * Which tag loads as which type. Augment it, and `load(text, { expect: '!Train' })` is typed:
 *
 * ```ts
 * declare module 'flambeau' {
 *   interface TagMap {
 *     '!Train': Train
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: users augment it
export interface TagMap {}
