import { AsyncLocalStorage } from 'node:async_hooks'
import { currentRegistry, shared } from '../registry/default-registry.js'
import type { Registry } from '../registry/registry.js'

/**
 * Calls `body` with a registry of its own, which sees the default one. What is registered meanwhile without a registry
 * of its own, by decorators, too, goes there, and what is loaded, checked, dumped or run without one looks there.
 *
 * ```ts
 * test('trains with another model', () =>
 *   withRegistry(async (registry) => {
 *     registry.add(SmallModel, '!Model', { override: true })   // in place of the real one
 *     assert.ok((await runFile('train.yaml')).ok)
 *   }))
 * ```
 *
 * Nothing has to be taken back afterwards: the default registry is never touched, whether `body` returns, throws,
 * rejects or never ends. It holds for `body` and for all that it calls and awaits; tests that run at the same time do
 * not see each other's. It does not hold for what names `defaultRegistry` itself, for other processes, and for modules:
 * one that is imported meanwhile registers its classes in here, but only the first time that anyone imports it.
 */
export function withRegistry<T>(body: (registry: Registry) => T): T {
  return within(currentRegistry().child(), body)
}

/** Calls `body` with a registry that is there. */
export function within<T>(registry: Registry, body: (registry: Registry) => T): T {
  shared.testRegistries ??= new AsyncLocalStorage()
  return shared.testRegistries.run(registry, () => body(registry))
}
