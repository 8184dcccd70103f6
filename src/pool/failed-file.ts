import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Ended } from './engine.js'
import { fileNameOf } from './file-name.js'

/** A task that failed, with the text that repeats it. */
export interface Failed {
  readonly id: string
  readonly attempts: number
  readonly text: string
  readonly ended: Extract<Ended, { ok: false }>
}

/** Writes `failed/ID.yaml`, a runnable file that repeats a task alone, and returns its path from the current folder. */
export async function writeFailed(
  failed: Failed,
  { folder, imports }: { folder: string; imports: readonly string[] },
): Promise<string> {
  const file = join(folder, 'failed', `${fileNameOf(failed.id)}.yaml`)
  const shown = relative('', file)
  const flags = imports.map((module) => ` --import ${pathOf(module)}`).join('')
  const head = [...headOf(failed), `again: flambeau run ${shown}${flags}`]
  await mkdir(join(folder, 'failed'), { recursive: true })
  await writeFile(file, `${head.map((line) => `# ${line}\n`).join('')}${failed.text}`)
  return shown
}

function headOf({ id, attempts, ended }: Failed): string[] {
  const { message, name } = ended.error
  const times = attempts === 1 ? '' : ` after ${attempts} attempts`
  return [`task ${id} ${ended.reason}${times}: ${message === '' ? name : message}`.split('\n', 1)[0]!]
}

function pathOf(module: string): string {
  if (!module.startsWith('file:')) return module
  const path = relative('', fileURLToPath(module))
  return path.startsWith('.') ? path : `./${path}`
}
