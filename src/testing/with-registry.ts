import { AsyncLocalStorage } from 'node:async_hooks'
import { currentRegistry, shared } from '../registry/default-registry.js'
import type { Registry } from '../registry/registry.js'

/**
 * Calls `body` with a new registry, a child of the default one, which replaces the default registry meanwhile: decorators
 * and `register` add classes to it, and loading, checking, dumping and running use it, wherever no registry is given.
 *
 * ```ts
 * test('trains with another model', () =>
 *   withRegistry(async (registry) => {
 *     registry.add(SmallModel, '!Model', { override: true })   // in place of the real one
 *     assert.ok((await runFile('train.yaml')).ok)
 *   }))
 * ```
 *
 * Nothing has to be undone afterwards: the default registry does not change, whether `body` returns, throws, rejects or
 * never settles. The registry applies to `body` and everything that it calls and awaits; concurrent tests do not see
 * each other's. It does not apply to code that uses `defaultRegistry` itself, or to other processes. A module that `body`
 * imports registers its classes in it only if the module was not imported before.
 */
export function withRegistry<T>(body: (registry: Registry) => T): T {
  return within(currentRegistry().child(), body)
}

/** Calls `body` with a given registry in place of the default one. */
export function within<T>(registry: Registry, body: (registry: Registry) => T): T {
  shared.testRegistries ??= new AsyncLocalStorage()
  return shared.testRegistries.run(registry, () => body(registry))
}
