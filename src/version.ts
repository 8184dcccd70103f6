/**
 * The version of this package.
 *
 * ```ts
 * console.log(`flambeau ${version}`)
 * ```
 */
export const version = '0.1.0'
