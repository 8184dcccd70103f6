import { join } from 'node:path'
import { isFlambeauError } from '../errors.js'
import { declarationOf } from '../registry/declaration.js'
import { declaringOnly } from '../registry/declare-only.js'
import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'
import type { Class } from '../registry/types.js'
import { notImportable } from './not-importable.js'
import type { ResolvedExtension } from './resolved.js'
import { type Gathered, gather, Trouble } from './trouble.js'

/** An extension whose classes are registered. */
export interface ImportedExtension extends ResolvedExtension {
  /** Its tags, with its name in front: `!vision.Train`. */
  readonly tags: readonly Tag[]
}

/**
 * Imports extensions, and registers every declared class among their top-level exports as `!name.Tag` in `registry`,
 * and only there; goes on without those that cannot be imported.
 */
export function importEach(
  extensions: readonly ResolvedExtension[],
  registry: Registry,
): Promise<Gathered<ImportedExtension>> {
  return gather(extensions, (extension) => importOne(extension, registry))
}

async function importOne(extension: ResolvedExtension, registry: Registry): Promise<ImportedExtension> {
  const tags = registerExports(await exportsOf(extension), extension.name, registry)
  return { ...extension, tags }
}

/** Registers every declared class among what a module exports, as `!name.Tag`. */
export function registerExports(
  exported: ReadonlyMap<string, unknown>,
  name: string,
  registry: Registry,
): Tag[] {
  const classes = [...new Set(exported.values())].filter(isDeclared)
  if (classes.length === 0) throw nothingToRegister(exported)
  return classes.flatMap((Class) => register(Class, name, registry))
}

async function exportsOf(extension: ResolvedExtension): Promise<Map<string, unknown>> {
  try {
    const module: object = await declaringOnly(scopeOf(extension), () => import(extension.entry))
    const { default: main, ...named } = module as { default?: unknown }
    // What a CommonJS module exports is its default export, too.
    const all =
      typeof main === 'object' && main !== null ? { ...main, ...named } : { default: main, ...named }
    return new Map(Object.entries(all).filter(([, value]) => value !== undefined))
  } catch (cause) {
    throw notImportable(extension, cause)
  }
}

// What was installed together is one: a dependency that registers classes must not disturb the program either.
function scopeOf({ folder, installed }: ResolvedExtension): string {
  return installed ? join(folder, '..', '..') : folder
}

function isDeclared(value: unknown): value is Class {
  return typeof value === 'function' && (declarationOf(value as Class)?.tags.length ?? 0) > 0
}

function register(Class: Class, name: string, registry: Registry): Tag[] {
  const declared = declarationOf(Class)!.tags
  try {
    return declared.map(({ tag, options }) => {
      const full: Tag = `!${name}.${tag.slice(1)}`
      registry.add(Class, full, options)
      return full
    })
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    throw new Trouble('EXTENSION_TAG', `cannot be registered: ${error.message}`, { cause: error })
  }
}

function nothingToRegister(exported: ReadonlyMap<string, unknown>): Trouble {
  const names = [...exported.keys()].map((name) => `"${name}"`)
  const what = names.length === 0 ? 'nothing at all' : `${names.join(', ')}, and none of these is one`
  return new Trouble(
    'NOTHING_TO_REGISTER',
    `has no class to register: it exports ${what}; put "@registrable" on a class and export it from the main module`,
  )
}
