import { resolve } from 'node:path'
import { ExtensionFailure, type Locate } from './extension-failure.js'
import type { Lock } from './lock.js'
import { type ExtensionSource, parseSource, withoutCredentials } from './source.js'

/** How extensions are resolved. */
export interface ResolveOptions {
  /** The folder that paths are relative to: that of the file that declares them. */
  readonly from: string
  /** Fetch what is remote, when it is to be installed; default `true`. */
  readonly download?: boolean
  /** Install what is not installed; default `false`. */
  readonly install?: boolean
  /** The names of the extensions whose install scripts may run; none by default. */
  readonly allowScripts?: readonly string[]
  /** What they resolved to before. */
  readonly lock?: Lock | undefined
  /** Refuse whatever is not as the lock says; default `false`. */
  readonly frozen?: boolean
  readonly signal?: AbortSignal
  /** Told what takes long, and what is large. */
  readonly onNotice?: (message: string) => void
  /** Tells where an extension is declared. */
  readonly locate?: Locate
}

/** One extension, with all that is known of it before it is looked for. */
export interface ExtensionRequest extends ResolveOptions {
  readonly name: string
  /** Where it comes from, without credentials. */
  readonly shown: string
  readonly source: ExtensionSource
  readonly scripts: boolean
}

/** What is asked for when a file declares `name: text`. */
export function requestOf(name: string, text: string, options: ResolveOptions): ExtensionRequest {
  if (!/^[a-zA-Z_][\w-]*$/.test(name))
    throw new ExtensionFailure(
      'BAD_EXTENSION_NAME',
      'has a name that cannot stand in a tag: begin with a letter and go on with letters, digits, "_" and "-", such as "my_ext"',
    )
  const from = resolve(options.from)
  const source = parseSource(text, from)
  const scripts = options.allowScripts?.includes(name) ?? false
  return { ...options, from, name, source, scripts, shown: withoutCredentials(text) }
}
