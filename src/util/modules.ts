import { existsSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Imports modules in order, so that they register their classes; `explain` turns a failure into the error to throw. */
export async function importInOrder(
  modules: readonly string[],
  explain: (module: string, cause: unknown) => unknown,
): Promise<void> {
  for (const module of modules) await import(module).catch((cause) => Promise.reject(explain(module, cause)))
}

/** The URL of a module that is named by its path, from the current folder; nothing for the name of a package. */
export function urlOfPath(module: string): string | undefined {
  const isPath = /^[./]/.test(module) || (extname(module) !== '' && existsSync(module))
  return isPath ? pathToFileURL(resolve(module)).href : undefined
}
