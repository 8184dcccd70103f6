import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isFlambeauError } from '../errors.js'
import { declarationOf } from '../registry/declaration.js'
import { deferRegistration } from '../registry/deferred-registration.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'
import { codeOf, isError, messageOf, nameOf, propertyOf } from '../util/thrown.js'
import { ExtensionFailure, type SettledExtensions, settleEach } from './extension-failure.js'
import type { ResolvedExtension } from './source.js'

/** An extension whose classes are registered. */
export interface ImportedExtension extends ResolvedExtension {
  /** Its tags, with its name in front: `!vision.Train`. */
  readonly tags: readonly Tag[]
}

/**
 * Imports extensions, and registers every declared class among their top-level exports as `!name.Tag`, in `registry`
 * only.
 */
export function importEach(
  extensions: readonly ResolvedExtension[],
  registry: Registry,
): Promise<SettledExtensions<ImportedExtension>> {
  return settleEach(extensions, (extension) => importOne(extension, registry))
}

async function importOne(extension: ResolvedExtension, registry: Registry): Promise<ImportedExtension> {
  const tags = registerExports(await exportsOf(extension), extension.name, registry)
  return { ...extension, tags }
}

/** Registers every declared class among the exports of a module, as `!name.Tag`. */
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
    const module: object = await deferRegistration(scopeOf(extension), () => import(extension.entry))
    const { default: main, ...named } = module as { default?: unknown }
    // The exports of a CommonJS module are properties of its default export.
    const all =
      typeof main === 'object' && main !== null ? { ...main, ...named } : { default: main, ...named }
    return new Map(Object.entries(all).filter(([, value]) => value !== undefined))
  } catch (cause) {
    throw notImportable(extension, cause)
  }
}

// An extension is installed with its dependencies, whose classes must not be registered in the program either.
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
    throw new ExtensionFailure('EXTENSION_TAG', `cannot be registered: ${error.message}`, { cause: error })
  }
}

function nothingToRegister(exported: ReadonlyMap<string, unknown>): ExtensionFailure {
  const names = [...exported.keys()].map((name) => `"${name}"`)
  const found = names.length === 0 ? 'exports nothing' : `exports only ${names.join(', ')}`
  return new ExtensionFailure(
    'NOTHING_TO_REGISTER',
    `has no class to register: it ${found}; put "@registrable" on a class and export it from the main module`,
  )
}

const cannotRunTypeScript = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
])

/** The failure of an extension that could not be imported: what its code threw, and where in its code. */
function notImportable(extension: ResolvedExtension, cause: unknown): ExtensionFailure {
  if (cannotRunTypeScript.has(codeOf(cause) ?? '')) return needsBuild(extension, cause)
  const reason = isError(cause) ? `${nameOf(cause)}: ${messageOf(cause)}` : messageOf(cause)
  const frame = isError(cause) ? firstFrame(String(propertyOf(cause, 'stack')), extension.folder) : undefined
  const location = frame === undefined ? '' : `\n    at ${frame}`
  const message = `could not be imported from "${fileURLToPath(extension.entry)}": ${reason}${location}`
  return new ExtensionFailure('NOT_IMPORTABLE', message, { cause })
}

function needsBuild({ entry, name }: ResolvedExtension, cause: unknown): ExtensionFailure {
  const remedy = `build it and name the ".js" file in its "package.json", let its install scripts build it ("--allow-scripts ${name}"), or use Node 22.18 or later`
  return new ExtensionFailure(
    'NOT_BUILT',
    `is written in TypeScript ("${fileURLToPath(entry)}"), which this Node cannot run: ${remedy}`,
    { cause },
  )
}

// The innermost frame in the extension itself, else in what it imports.
function firstFrame(stack: string, folder: string): string | undefined {
  const frames = [...stack.matchAll(/^ +at (?:.*\()?(?:file:\/\/)?(\/.*?:\d+:\d+)\)?$/gm)].map(
    ([, location]) => location!,
  )
  const isOwn = (frame: string): boolean =>
    frame.startsWith(`${folder}/`) && !frame.slice(folder.length).includes('/node_modules/')
  return frames.find(isOwn) ?? frames[0]
}
