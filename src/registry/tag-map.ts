/**
 * The type of each tag. Augment it to type `load(text, { expect: '!Train' })`:
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
