import type { AsyncLocalStorage } from 'node:async_hooks'
import { RegistrationError } from '../errors.js'
import { version } from '../version.js'
import { Registry } from './registry.js'

/** Changes when two copies of this package could no longer share what they keep. */
const format = 1

interface Shared {
  readonly format: number
  readonly version: string
  readonly registry: Registry
  /** Options on their way from their schema to a constructor. */
  prevalidated?: { readonly options: unknown; readonly schema: unknown } | undefined
  /** The folders of the extensions that are being imported. */
  importingFolders?: string[]
  /** The registries of the tests that are running, by the calls that belong to each. */
  testRegistries?: AsyncLocalStorage<Registry>
}

const key = Symbol.for('flambeau.registry')

/** What all copies of this package in this process keep together. */
export const shared: Shared = share(globalThis as { [key]?: Shared })

/**
 * The registry that decorators fill and that `load` and `dump` use when they are given no other.
 *
 * ```ts
 * console.log(defaultRegistry.tags())        // ['!Train', ...]
 * const registry = defaultRegistry.child()   // for a test: sees all, adds to itself
 * ```
 */
export const defaultRegistry: Registry = shared.registry

/** The registry of who names none: the default one, or within a test that has its own, that. */
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
    throw new RegistrationError(`${both} and cannot share a registry: install one of them`, {
      code: 'TWO_COPIES',
    })
  process.emitWarning(`${both}: they share one registry; "npm ls flambeau" shows where they come from`)
  return found
}
