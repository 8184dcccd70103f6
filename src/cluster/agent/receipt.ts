import { readFile } from 'node:fs/promises'
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

/** Whether a tree is there, whole: received since the host was started, or verified since. */
export async function isWhole(folder: string): Promise<boolean> {
  const receipt = await readReceipt(folder)
  if (!receipt) return false
  const boot = await bootId()
  if (receipt.boot === boot) return true
  const intact = (await copiesOf(receipt.manifest, [folder])).size === receipt.manifest.files.length
  if (intact) await writeReceipt(folder, receipt.manifest)
  return intact
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
