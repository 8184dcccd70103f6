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
