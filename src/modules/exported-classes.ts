import { declarationOf } from '../registry/declaration.js'
import type { Class } from '../registry/registration.js'
import { readSafely } from '../util/thrown.js'

/** The exports of the modules that this process imported, by the name of each module. */
const modules = new Map<string, object>()

/** Records the exports of a module that was imported for its classes. */
export function recordExports(name: string, exports: object): void {
  modules.set(name, exports)
}

/** The module that exports a class with this name that no decorator registers. */
export function exporterOfUntagged(className: string): string | undefined {
  for (const [name, exports] of modules)
    for (const [key, value] of Object.entries(exports))
      if (isUntaggedClass(value) && (key === className || value.name === className)) return name
  return undefined
}

function isUntaggedClass(value: unknown): value is Class {
  return (
    typeof value === 'function' && isClass(value) && (declarationOf(value as Class)?.tags.length ?? 0) === 0
  )
}

function isClass(value: unknown): boolean {
  return readSafely(() => /^class\b/.test(Function.prototype.toString.call(value)), false)
}
