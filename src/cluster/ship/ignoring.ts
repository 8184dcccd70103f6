import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ignore from 'ignore'

/** What nobody wants on another machine. */
const always = ['.git', '.DS_Store', '*.incoming', '.flambeau-tree.json']

/** The file in a folder that says what of it stays here; as `.gitignore`. */
export const ignoreFile = '.flambeauignore'

/** Tells which paths of a folder stay here: those in its `.flambeauignore`, and those that `patterns` name. */
export async function ignoring(
  folder: string,
  patterns: readonly string[] = [],
): Promise<(path: string) => boolean> {
  const own = await readFile(join(folder, ignoreFile), 'utf8').catch(() => '')
  const rules = ignore()
    .add([...always])
    .add([...patterns])
    .add(own)
  return (path) => rules.ignores(path)
}
