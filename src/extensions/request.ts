import { resolve } from 'node:path'
import { ExtensionFailure, type Locate } from './extension-failure.js'
import type { Lock } from './lock.js'
import { type ExtensionSource, parseSource, withoutCredentials } from './source.js'

/** How extensions are resolved. */
export interface ResolveOptions {
  /** The folder that paths are relative to: the folder of the file that declares them. */
  readonly from: string
  /** Fetch remote sources when they are installed. */
  readonly download: boolean
  /** Install what is not installed. */
  readonly install: boolean
  /** The names of the extensions whose install scripts may run. */
  readonly allowScripts: readonly string[]
  /** What the sources resolved to when the lock was written. */
  readonly lock: Lock | undefined
  /** The file that declares the extensions; `undefined` when none does. */
  readonly file: string | undefined
  /** Refuse what differs from the lock. */
  readonly frozen: boolean
  readonly signal: AbortSignal | undefined
  /** Called before something that takes long, and when something is large. */
  readonly onNotice: (message: string) => void
  /** Absent when no file declares the extensions. */
  readonly locate: Locate | undefined
}

/** Options that use what is installed, and install nothing. */
export const installedOnly: Omit<ResolveOptions, 'from'> = {
  download: true,
  install: false,
  allowScripts: [],
  lock: undefined,
  file: undefined,
  frozen: false,
  signal: undefined,
  onNotice: () => {},
  locate: undefined,
}

/** One extension that is to be resolved. */
export interface ExtensionRequest extends ResolveOptions {
  readonly name: string
  readonly source: ExtensionSource
  /** The source as it may be shown and stored: without credentials. */
  readonly displaySource: string
  /** Whether its install scripts may run. */
  readonly scripts: boolean
}

/** The request for an extension that is declared as `name: text`. */
export function requestOf(name: string, text: string, options: ResolveOptions): ExtensionRequest {
  if (!/^[a-zA-Z_][\w-]*$/.test(name))
    throw new ExtensionFailure(
      'BAD_EXTENSION_NAME',
      'has a name that is not valid in a tag: start with a letter and use only letters, digits, "_" and "-", such as "my_ext"',
    )
  const from = resolve(options.from)
  const source = parseSource(text, from)
  const scripts = options.allowScripts.includes(name)
  return { ...options, from, name, source, scripts, displaySource: withoutCredentials(text) }
}
