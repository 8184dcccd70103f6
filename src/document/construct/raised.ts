import type { Source } from '../../source.js'

const sources = new WeakMap<object, Source>()

/** Remembers the text that an error points into, and returns the error. */
export function raisedIn<E extends Error>(source: Source, error: E): E {
  sources.set(error, source)
  return error
}

/** Whether an error points into this very text; one of another text, loaded on the way, does not. */
export function isRaisedIn(source: Source, error: unknown): boolean {
  return typeof error === 'object' && error !== null && sources.get(error) === source
}
