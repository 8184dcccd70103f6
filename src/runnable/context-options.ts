import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'
import type { Class } from '../registry/types.js'
import type { ExtensionOptions } from './file-extensions.js'
import type { PreparedExtensions } from './prepared-extensions.js'
import type { Runnable, UserProvider } from './runnable.js'
import type { SecretsDialect } from './secrets/read-secrets.js'
import type { SecretsConfig } from './secrets/secrets.js'

/** Options of `SafeExecutionContext`. */
export interface ContextOptions {
  /** Whose tags count; the default registry when absent. */
  registry?: Registry
  /**
   * What the file may be, for files of strangers: the tag of its top node is one of these, or a tag or factory of exactly
   * one of these classes. All else is refused before anything is imported or constructed. When absent, the file may name
   * whatever is registered.
   */
  allow?: readonly (Tag | Class)[] | undefined
  /** Tells who runs the runnable, in place of the computer's user. */
  userProvider?: UserProvider
  /** @internal What the file may declare, imported already; it then imports nothing. */
  preparedExtensions?: PreparedExtensions | undefined
}

/** What `SafeExecutionContext.preprocess` shall do besides parsing and constructing. */
export interface PreprocessOptions extends ExtensionOptions {
  /** The INI file of secrets, or secrets that were read. */
  secrets?: string | SecretsConfig | undefined
  /** How the INI file is read; `python` when absent. */
  dialect?: SecretsDialect | undefined
  /** Import extensions; default `true`. */
  importExtensions?: boolean
  /**
   * Check the whole file before anything is constructed; default `true`. Without it, tags in templates may be unknown;
   * a tag elsewhere must be registered, since its object is constructed.
   */
  checkTags?: boolean
}

/** A runnable that is ready to run. */
export interface Preprocessed {
  readonly runnable: Runnable<unknown, any>
  readonly extensions: Readonly<Record<string, string>>
}
