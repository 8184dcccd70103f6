import type { AsyncLocalStorage } from 'node:async_hooks'
import { RegistrationError } from '../errors.js'
import { version } from '../version.js'
import { Registry } from './registry.js'

/** Increased when two copies of this package can no longer share their state. */
const format = 1

interface Shared {
  readonly format: number
  readonly version: string
  readonly registry: Registry
  /** Options that the loader has validated, on their way to the constructor. */
  prevalidated?: { readonly options: unknown; readonly schema: unknown } | undefined
  /** The same for options that an asynchronous method passes on. */
  prevalidatedOptions?: WeakMap<object, unknown>
  /** The folders of the extensions that are being imported. */
  importingFolders?: string[]
  /** The registry of each running test, by asynchronous context. */
  testRegistries?: AsyncLocalStorage<Registry>
}

const key = Symbol.for('flambeau.registry')

/** The state that all copies of this package in a process share. */
export const shared: Shared = share(globalThis as { [key]?: Shared })

/**
 * The registry that decorators add to, and that `load` and `dump` use by default.
 *
 * ```ts
 * console.log(defaultRegistry.tags())        // ['!Train', ...]
 * const registry = defaultRegistry.child()   // for a test: has all tags, adds to itself
 * ```
 */
export const defaultRegistry: Registry = shared.registry

/** The registry to use by default: that of the running test if it has one, else the default registry. */
export function currentRegistry(): Registry {
  return shared.testRegistries?.getStore() ?? shared.registry
}

function share(global: { [key]?: Shared }): Shared {
  const found = global[key]
  if (found) return accept(found)
  const made: Shared = { format, version, registry: new Registry() }
  // Not enumerable: test runners compare the global object before and after.
  Object.defineProperty(global, key, { value: made, configurable: true })
  return made
}

function accept(found: Shared): Shared {
  const both = `flambeau ${found.version} and flambeau ${version} are loaded in one process`
  if (found.format !== format)
    throw new RegistrationError(`${both} and cannot share a registry: install only one of them`, {
      code: 'TWO_COPIES',
    })
  process.emitWarning(`${both}: they share one registry; "npm ls flambeau" shows where they come from`)
  return found
}
