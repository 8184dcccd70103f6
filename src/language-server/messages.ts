import type { Problem } from '../errors.js'
import type { Catalog } from './catalog.js'

/** What the server sends to the process that has the user's modules. */
export type ToChecker =
  | { readonly type: 'setup'; readonly folder: string }
  | { readonly type: 'check'; readonly id: number; readonly file: string; readonly text: string }

/** What that process sends to the server. */
export type FromChecker =
  /** It begins to import a module, which may never return. */
  | { readonly type: 'importing'; readonly module: string }
  /** The modules are imported; or they cannot be, and nothing follows. */
  | {
      readonly type: 'ready'
      readonly catalog: Catalog
      /** The files that this depends on. */
      readonly files: readonly string[]
    }
  | { readonly type: 'failed'; readonly problems: readonly Problem[]; readonly files: readonly string[] }
  | ({ readonly type: 'checked'; readonly id: number } & CheckResult)

/** What was found in one text. */
export interface CheckResult {
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** The files that it includes. */
  readonly included: readonly string[]
  /** The tags of a file with extensions; absent when they are those of the project. */
  readonly catalog?: Catalog | undefined
}
