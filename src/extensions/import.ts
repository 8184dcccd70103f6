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
 * Imports extensions, and registers every declared class among their top-level exports as `!name.Tag` in `registry`,
 * and only there; goes on without those that cannot be imported.
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
    const module: object = await deferRegistration(scopeOf(extension), () => import(extension.entry))
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
    throw new ExtensionFailure('EXTENSION_TAG', `cannot be registered: ${error.message}`, { cause: error })
  }
}

function nothingToRegister(exported: ReadonlyMap<string, unknown>): ExtensionFailure {
  const names = [...exported.keys()].map((name) => `"${name}"`)
  const what = names.length === 0 ? 'nothing at all' : `${names.join(', ')}, and none of these is one`
  return new ExtensionFailure(
    'NOTHING_TO_REGISTER',
    `has no class to register: it exports ${what}; put "@registrable" on a class and export it from the main module`,
  )
}

const cannotRunTypeScript = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
])

/** Why an extension could not be imported: what its code threw, and where in its code. */
function notImportable(extension: ResolvedExtension, cause: unknown): ExtensionFailure {
  if (cannotRunTypeScript.has(codeOf(cause) ?? '')) return needsBuild(extension, cause)
  const reason = isError(cause) ? `${nameOf(cause)}: ${messageOf(cause)}` : messageOf(cause)
  const frame = isError(cause) ? firstFrame(String(propertyOf(cause, 'stack')), extension.folder) : undefined
  const place = frame === undefined ? '' : `\n    at ${frame}`
  return new ExtensionFailure(
    'NOT_IMPORTABLE',
    `could not be imported from "${fileURLToPath(extension.entry)}": ${reason}${place}`,
    {
      cause,
    },
  )
}

function needsBuild({ entry, name }: ResolvedExtension, cause: unknown): ExtensionFailure {
  const remedy = `build it, and name the ".js" file in its "package.json"; or let it be built as it is installed ("--allow-scripts ${name}"), or take a Node that can (22.18 and later)`
  return new ExtensionFailure(
    'NOT_BUILT',
    `is written in TypeScript ("${fileURLToPath(entry)}"), which this Node cannot run: ${remedy}`,
    { cause },
  )
}

// The innermost one in the extension itself, else in whatever it imports.
function firstFrame(stack: string, folder: string): string | undefined {
  const frames = [...stack.matchAll(/^ +at (?:.*\()?(?:file:\/\/)?(\/.*?:\d+:\d+)\)?$/gm)].map(
    ([, at]) => at!,
  )
  const isOwn = (frame: string): boolean =>
    frame.startsWith(`${folder}/`) && !frame.slice(folder.length).includes('/node_modules/')
  return frames.find(isOwn) ?? frames[0]
}
