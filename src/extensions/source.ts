import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { absolutePath } from '../util/paths.js'
import { ExtensionFailure } from './extension-failure.js'

/** Where an extension comes from, as it was declared. */
export type ExtensionSource = FolderSource | TarballSource | NpmSource | GitSource

/** A folder of this machine. */
export interface FolderSource {
  readonly kind: 'folder'
  readonly path: string
}

/** An npm package in one file, on this machine or behind a URL. */
interface TarballSource {
  readonly kind: 'tarball'
  readonly spec: string
  readonly remote: boolean
}

/** A package of a registry: `name`, `name@^1.2`. */
interface NpmSource {
  readonly kind: 'npm'
  readonly spec: string
  readonly package: string
}

/** A git repository. */
export interface GitSource {
  readonly kind: 'git'
  readonly url: string
  /** A branch, tag or commit; the default branch when absent. */
  readonly ref?: string
  /** What stands after `/tree/`: a branch, tag or commit, and perhaps a folder. */
  readonly tree?: string
  /** A folder within the repository. */
  readonly folder?: string
}

/** Whether a source is on this machine already. */
export function isLocal(source: ExtensionSource): boolean {
  return source.kind === 'folder' || (source.kind === 'tarball' && !source.remote)
}

const npmName = /^(?:npm:)?((?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*)(?:@[^/:]+)?$/
const scpLike = /^[\w.-]+@[\w.-]+:(?!\/\/)./
const archive = /\.(?:tgz|tar\.gz)$/

/**
 * Reads where an extension comes from; paths are relative to the folder `from`.
 *
 * ```ts
 * parseSource('my-extension@^1.2', '/jobs')   // { kind: 'npm', spec: 'my-extension@^1.2', package: 'my-extension' }
 * parseSource('./vision', '/jobs')            // { kind: 'folder', path: '/jobs/vision' }
 * ```
 */
export function parseSource(text: string, from: string): ExtensionSource {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new ExtensionFailure(
      'BAD_EXTENSION_SOURCE',
      'has a control character in where it comes from: remove it',
    )
  if (/^(?:git\+\w+|ssh|git):\/\//.test(text) || scpLike.test(text)) return gitSource(text)
  if (/^https?:\/\//.test(text)) return webSource(text)
  if (text.startsWith('file:')) return fileSource(text, from)
  if (/^(?:~|\.{1,2})(?:$|[/\\])|^(?:\/|[a-zA-Z]:[/\\])/.test(text)) return pathSource(text, from)
  const npm = npmName.exec(text)
  if (npm) return { kind: 'npm', spec: text.replace(/^npm:/, ''), package: npm[1]! }
  if (/^[\w.-]+(?:\/[\w.-]+)+\/?$/.test(text)) return pathSource(text, from)
  throw new ExtensionFailure(
    'BAD_EXTENSION_SOURCE',
    'comes from nowhere that is known: write a path ("./folder"), a URL of a git repository or a tarball, or a package ("name@^1.2")',
  )
}

function pathSource(text: string, from: string): FolderSource | TarballSource {
  const path = absolutePath(text, from)
  return archive.test(path) ? { kind: 'tarball', spec: path, remote: false } : { kind: 'folder', path }
}

function webSource(text: string): GitSource | TarballSource {
  const [address = ''] = text.split(/[?#]/)
  if (archive.test(address)) return { kind: 'tarball', spec: text, remote: true }
  const page = /^(.*?)(?:\/-)?\/tree\/([^#]+?)\/?$/.exec(text)
  return page ? { kind: 'git', url: page[1]!, tree: decoded(page[2]!) } : gitSource(text)
}

// A URL of a file may name a repository, or a folder or tarball like any path.
function fileSource(text: string, from: string): ExtensionSource {
  const [address = ''] = text.split('#')
  const path = address.startsWith('file:///') ? pathOf(address) : resolve(from, address.slice(5))
  const repository = text.includes('#') || path.endsWith('.git') || isRepository(path)
  // Git knows no relative URL, and takes "file" for a host.
  if (repository) return gitSource(pathToFileURL(path).href + text.slice(address.length))
  return pathSource(path, from)
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (cause) {
    throw badEscape(cause)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw badEscape(cause)
  }
}

function badEscape(cause: unknown): ExtensionFailure {
  return new ExtensionFailure(
    'BAD_EXTENSION_SOURCE',
    'comes from a URL with a "%" that begins no escape: write "%25" for "%" itself',
    { cause },
  )
}

function isRepository(path: string): boolean {
  return existsSync(join(path, '.git')) || existsSync(join(path, 'objects'))
}

// After "#" as npm has it: "ref", "ref::path:folder" or "::path:folder".
function gitSource(text: string): GitSource {
  const [written = '', fragment = ''] = text.split('#')
  // As flambé has it: the scp form behind "ssh://", where a port would stand.
  const address = written.replace(/^(?:git\+)?ssh:\/\/((?:[^/@:]+@)?[^/:@]+:(?!\d+(?:\/|$))[^/].*)$/, '$1')
  const [ref = '', folder] = fragment.split('::path:')
  return {
    kind: 'git',
    url: address.replace(/^git\+/, ''),
    ...(ref === '' ? {} : { ref: decoded(ref) }),
    ...(folder === undefined ? {} : { folder }),
  }
}

/** What a source gave: enough to have the very same again. */
export interface Resolved {
  /** The commit, of a git repository. */
  readonly commit?: string
  /** The folder of the extension within that repository, when it is not the whole of it. */
  readonly folder?: string
  /** The version, of a package. */
  readonly version?: string
  /** The hash of a package in one file, or of all files of a folder. */
  readonly integrity?: string
}

/** One extension as it was resolved: where its code is on this machine. */
export interface ResolvedExtension {
  readonly name: string
  /** Where it comes from, without credentials. */
  readonly source: string
  /** The folder of the package. */
  readonly folder: string
  /** The URL of the module to import. */
  readonly entry: string
  readonly resolved: Resolved
  /** Whether it was installed, and is not used where it is. */
  readonly installed: boolean
}

// A password may have an "@" of its own: the last one before a slash is that of the host.

/** A source as it may be shown and kept: without a password, a token, or the query of a URL. */
export function withoutCredentials(source: string): string {
  const url = /^((?:\w+\+)?https?:\/\/)(?:[^/]*@)?([^?#]*)(?:\?[^#]*)?(.*)$/.exec(source)
  if (url) return `${url[1]}${url[2]}${url[3]}`
  return source.replace(/^([\w+]+:\/\/[^/:]*):[^/]*@/, '$1@')
}

/** What a tool said, without the credentials of the URLs in it. */
export function redacted(text: string): string {
  return text.replace(/(\w:\/\/)[^\s/'"]+@/g, '$1').replace(/(https?:\/\/[^\s?'"]+)\?[^\s'"]*/g, '$1')
}
