import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { ParsedText } from '../document/read/parsed.js'
import { isPrivateName } from '../util/private-names.js'
import { type Outline, type OutlineNode, outlineOf } from './outline.js'

/** Files larger than this are not read for completions, in bytes. */
const largest = 4 << 20

/** The node that holds the path of an included file, if a scalar is one: `!include FILE#PATH`, `file` of an `!extends`. */
export function isIncludePath({ tag, entry }: OutlineNode): boolean {
  if (tag) return tag.text === '!include'
  return entry?.key?.text === 'file' && entry.parent.tag?.text === '!extends'
}

/** The two parts of `FILE#PATH`. */
export function splitIncludePath(spec: string): { file: string; path: string | undefined } {
  const hash = spec.indexOf('#')
  return hash === -1
    ? { file: spec, path: undefined }
    : { file: spec.slice(0, hash), path: spec.slice(hash + 1) }
}

/** The path of a file that another one includes; only paths from the folder of that file lead anywhere. */
function includedFile(from: string, file: string): string | undefined {
  return file === '' || /^(?:\/|~|[A-Za-z]:)/.test(file) ? undefined : join(dirname(from), file)
}

/** An included file. */
export interface IncludedFile {
  readonly file: string
  readonly outline: Outline
  readonly root: OutlineNode
  /** The path in the file, after `#`. */
  readonly path: string | undefined
}

/** Opens the file that `FILE#PATH` names; `undefined` if it cannot be included, or not be read. */
export function openIncluded(from: string, spec: string): IncludedFile | undefined {
  const { file: name, path } = splitIncludePath(spec)
  const file = includedFile(from, name)
  const text = file === undefined ? undefined : readIncluded(file)
  if (file === undefined || text === undefined) return undefined
  const outline = outlineOf(text)
  return { file, outline, root: outline.roots.at(-1)!, path }
}

/** The paths of the files that a text includes. */
export function includedFiles({ documents }: ParsedText): string[] {
  const included = documents.flatMap((document) => document.included ?? [])
  return [...new Set(included.map(({ source }) => resolve(source.filename)))]
}

const includable = /\.(?:ya?ml|json)$/

// What "check" refuses to include is not shown either.
function readIncluded(file: string): string | undefined {
  if (!includable.test(file) || isPrivateName(file)) return undefined
  try {
    const stats = statSync(file)
    return stats.isFile() && stats.size <= largest ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}

// In a path without quotes, other characters could mean something.
function isOffered(name: string): boolean {
  return (
    /^[\w.-]+$/.test(name) && includable.test(name) && !/^(?:package|package-lock|tsconfig)\.json$/.test(name)
  )
}

/** The files and folders that may follow the beginning of an include path, from its last "/" on; folders end with "/". */
export function includeCandidates(from: string, beginning: string): string[] {
  const folder = beginning.slice(0, beginning.lastIndexOf('/') + 1)
  const path = folder === '' ? dirname(from) : includedFile(from, folder)
  if (path === undefined) return []
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((item) => {
      if (item.name.startsWith('.') || item.name === 'node_modules') return []
      if (item.isDirectory()) return [`${item.name}/`]
      return isOffered(item.name) && join(path, item.name) !== from ? [item.name] : []
    })
  } catch {
    return []
  }
}
