import { statSync } from 'node:fs'
import { readFile, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { TreeManifest } from '../wire/tree.js'
import { copiesOf } from './copies.js'
import { writeWhole } from './paths.js'
import { bootId } from './process-identity.js'

interface Receipt {
  readonly manifest: TreeManifest
  /** The boot in which the tree was received or verified: what was written before a power cut may be lost. */
  readonly boot: string
}

/** Inside the folder, so that both come into place with one rename. */
export const receiptName = '.flambeau-tree.json'

/**
 * Whether a tree is there, whole: received since the host was started and not written to, or verified since. Notes that
 * it was asked for.
 */
export async function isWhole(folder: string): Promise<boolean> {
  const receipt = await readReceipt(folder)
  if (!receipt) return false
  const { manifest } = receipt
  if (receipt.boot === (await bootId()) && (await isUntouched(folder, manifest))) return touch(folder)
  const intact = (await copiesOf(manifest, [folder])).size === manifest.files.length
  if (intact) await writeReceipt(folder, manifest)
  return intact
}

/** When a tree was asked for last, in milliseconds; 0 where there is none. */
export async function lastUseOf(folder: string): Promise<number> {
  const found = await stat(join(folder, receiptName)).catch(() => undefined)
  return found?.mtimeMs ?? 0
}

// A run may write into the folder of its own code, and so into each folder that shares the file.
async function isUntouched(folder: string, { files }: TreeManifest): Promise<boolean> {
  const noted = await lastUseOf(folder)
  return files.every(({ path, size }) => {
    const found = statSync(join(folder, path), { throwIfNoEntry: false })
    return found?.size === size && found.mtimeMs <= noted
  })
}

async function touch(folder: string): Promise<true> {
  const now = new Date()
  await utimes(join(folder, receiptName), now, now).catch(() => undefined)
  return true
}

async function readReceipt(folder: string): Promise<Receipt | undefined> {
  const text = await readFile(join(folder, receiptName), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : JSON.parse(text)
}

/** Notes in a folder what it holds, as seen in this boot. */
export async function writeReceipt(folder: string, manifest: TreeManifest): Promise<void> {
  const receipt: Receipt = { manifest, boot: await bootId() }
  await writeWhole(join(folder, receiptName), JSON.stringify(receipt))
}
