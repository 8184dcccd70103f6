/** The tags of this package that are not of its root, and the sub-paths that register them. */
export const subPaths: Readonly<Record<string, string>> = {
  '!Sweep': 'flambeau/pool',
  '!choice': 'flambeau/pool',
  '!range': 'flambeau/pool',
  '!logUniform': 'flambeau/pool',
}
