import { existsSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { absolutePath } from '../util/paths.js'
import { ExtensionFailure } from './extension-failure.js'

/** The source of an extension, as a file declares it. */
export type ExtensionSource = FolderSource | TarballSource | NpmSource | GitSource

/** A folder on this machine. */
export interface FolderSource {
  readonly kind: 'folder'
  readonly path: string
}

/** An npm package in one file, on this machine or at a URL. */
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
  /** A branch, tag or commit; `HEAD` for the default branch. */
  readonly ref: string
  /** What follows `/tree/` in a URL: a branch, tag or commit, then perhaps a folder. */
  readonly tree: string | undefined
  /** A folder within the repository; empty for the whole of it. */
  readonly folder: string
}

/** What a source resolved to: enough to fetch the same again. */
export interface Resolved {
  /** The commit, for a git repository. */
  readonly commit?: string
  /** The folder of the extension within that repository, when it is not the whole of it. */
  readonly folder?: string
  /** The version, for a package. */
  readonly version?: string
  /** The hash of a package in one file, or of all files of a folder. */
  readonly integrity?: string
}

/** An extension whose code is on this machine. */
export interface ResolvedExtension {
  readonly name: string
  /** Its source, without credentials. */
  readonly source: string
  /** The folder of the package. */
  readonly folder: string
  /** The URL of the module to import. */
  readonly entry: string
  readonly resolved: Resolved
  /** Whether it was installed; `false` for a folder that is used where it is. */
  readonly installed: boolean
}

/** Whether a source is on this machine. */
export function isLocal(source: ExtensionSource): boolean {
  return source.kind === 'folder' || (source.kind === 'tarball' && !source.remote)
}

const npmName = /^(?:npm:)?((?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*)(?:@[^/:]+)?$/
const scpLike = /^[\w.-]+@[\w.-]+:(?!\/\/)./
const plainPath = /^[\w.-]+(?:\/[\w.-]+)+\/?$/
const archive = /\.(?:tgz|tar\.gz)$/

/**
 * Parses the source of an extension; paths are relative to the folder `from`.
 *
 * ```ts
 * parseSource('my-extension@^1.2', '/jobs')   // { kind: 'npm', spec: 'my-extension@^1.2', package: 'my-extension' }
 * parseSource('./vision', '/jobs')            // { kind: 'folder', path: '/jobs/vision' }
 * ```
 */
export function parseSource(text: string, from: string): ExtensionSource {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[\u0000-\u001f\u007f]/.test(text)) throw badSource('has a control character in its source: remove it')
  if (/^(?:git\+\w+|ssh|git):\/\//.test(text) || scpLike.test(text)) return gitSource(text)
  if (/^https?:\/\//.test(text)) return webSource(text)
  if (text.startsWith('file:')) return fileSource(text, from)
  if (/^(?:~|\.{1,2})(?:$|[/\\])|^(?:\/|[a-zA-Z]:[/\\])/.test(text)) return pathSource(text, from)
  const npm = npmName.exec(text)
  if (npm) return { kind: 'npm', spec: text.replace(/^npm:/, ''), package: npm[1]! }
  if (plainPath.test(text)) return pathSource(text, from)
  throw badSource(
    'has a source of no known kind: write a path ("./folder"), the URL of a git repository or a tarball, or a package ("name@^1.2")',
  )
}

/** The source of an extension of a file in the folder `from`, as a file in the folder `to` declares it. */
export function relocateSource(text: string, from: string, to: string): string {
  const isFile = /^file:(?!\/\/)/.test(text)
  const path = isFile ? text.slice('file:'.length) : text
  const isRelative = /^\.{1,2}(?:$|[/\\])/.test(path) || (isFile ? !/^[/~]/.test(path) : isPlainPath(path))
  if (!isRelative || from === to) return text
  const moved = relative(to, resolve(from, path)).split(sep).join('/')
  return `${isFile ? 'file:' : ''}${moved.startsWith('../') ? '' : './'}${moved}`
}

/** The source of an extension of a file in the folder `from`, as a file in any folder declares it. */
export function absoluteSource(text: string, from: string): string {
  const moved = relocateSource(text, from, '/')
  const path = moved.replace(/^file:/, '')
  return path === text.replace(/^file:/, '')
    ? text
    : text.startsWith('file:')
      ? `file:${resolve('/', path)}`
      : resolve('/', path)
}

// Not an npm package, of which a scope may have one "/".
function isPlainPath(text: string): boolean {
  return !npmName.test(text) && plainPath.test(text)
}

function badSource(predicate: string, options?: ErrorOptions): ExtensionFailure {
  return new ExtensionFailure('BAD_EXTENSION_SOURCE', predicate, options)
}

function pathSource(text: string, from: string): FolderSource | TarballSource {
  const path = absolutePath(text, from)
  return archive.test(path) ? { kind: 'tarball', spec: path, remote: false } : { kind: 'folder', path }
}

function webSource(text: string): GitSource | TarballSource {
  const [address = ''] = text.split(/[?#]/)
  if (archive.test(address)) return { kind: 'tarball', spec: text, remote: true }
  const [, url, tree] = /^(.*?)(?:\/-)?\/tree\/([^#]+?)\/?$/.exec(text) ?? []
  if (url === undefined || tree === undefined) return gitSource(text)
  return { kind: 'git', url, ref: 'HEAD', tree: decoded(tree), folder: '' }
}

// The URL of a file may name a repository; otherwise it is a folder or tarball like any path.
function fileSource(text: string, from: string): ExtensionSource {
  const [address = ''] = text.split('#')
  const path = address.startsWith('file:///') ? pathOf(address) : resolve(from, address.slice(5))
  const repository = text.includes('#') || path.endsWith('.git') || isRepository(path)
  // Git accepts no relative URL, and takes "file" for a host.
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
  return badSource('has a URL with an invalid "%" escape: write "%25" for "%" itself', { cause })
}

function isRepository(path: string): boolean {
  return existsSync(join(path, '.git')) || existsSync(join(path, 'objects'))
}

// The fragment is that of npm: "ref", "ref::path:folder" or "::path:folder".
function gitSource(text: string): GitSource {
  const [written = '', fragment = ''] = text.split('#')
  // As in flambé: the scp form after "ssh://", with a path where a port would be.
  const address = written.replace(/^(?:git\+)?ssh:\/\/((?:[^/@:]+@)?[^/:@]+:(?!\d+(?:\/|$))[^/].*)$/, '$1')
  const [ref = '', folder = ''] = fragment.split('::path:')
  const url = address.replace(/^git\+/, '')
  return { kind: 'git', url, ref: ref === '' ? 'HEAD' : decoded(ref), tree: undefined, folder }
}

// A password may contain an "@": the last one before a slash separates it from the host.

/** A source as it may be shown and stored: without a password, a token, or the query of a URL. */
export function withoutCredentials(source: string): string {
  const url = /^((?:\w+\+)?https?:\/\/)(?:[^/]*@)?([^?#]*)(?:\?[^#]*)?(.*)$/.exec(source)
  if (url) return `${url[1]}${url[2]}${url[3]}`
  return source.replace(/^([\w+]+:\/\/[^/:]*):[^/]*@/, '$1@')
}

/** The output of a tool, without the credentials of the URLs in it. */
export function redacted(text: string): string {
  return text.replace(/(\w:\/\/)[^\s/'"]+@/g, '$1').replace(/(https?:\/\/[^\s?'"]+)\?[^\s'"]*/g, '$1')
}
