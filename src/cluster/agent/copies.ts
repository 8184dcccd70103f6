import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mapLimited } from '../../util/concurrency.js'
import { hashFile } from '../wire/hash-file.js'
import type { TreeFile, TreeManifest } from '../wire/tree.js'

/** The files of a tree that are in one of the folders, under the same path and with the same content. */
export async function copiesOf(
  manifest: TreeManifest,
  places: readonly string[],
): Promise<Map<TreeFile, string>> {
  const copies = new Map<TreeFile, string>()
  const folders = places.filter((folder) => existsSync(folder))
  if (folders.length === 0) return copies
  await mapLimited(manifest.files, 16, async (file) => {
    for (const folder of folders) {
      const path = join(folder, file.path)
      if (await isThere(path, file)) return copies.set(file, path)
    }
    return copies
  })
  return copies
}

// Of a size that fits, the content decides: times say nothing between two machines.
async function isThere(path: string, { size, hash }: TreeFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true && found.size === size && (await hashFile(path, size)).hash === hash
}
