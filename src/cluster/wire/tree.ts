/** One file of a tree; folders are implied. */
export interface TreeFile {
  /** Relative to the tree, with `/`. */
  readonly path: string
  /** In bytes. */
  readonly size: number
  readonly executable: boolean
  /** SHA-256 of the content, in hex. */
  readonly hash: string
}

/** What a folder holds. Two trees with the same hash are the same. */
export interface TreeManifest {
  readonly hash: string
  /** Sorted by path. */
  readonly files: readonly TreeFile[]
}
