import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { writeAtomically } from '../util/atomic-write.js'
import type { Ended } from './engine.js'
import { messageOf, timesOf } from './failure-words.js'
import { fileNameOf } from './file-name.js'
import { repeatCommand } from './repeat-command.js'

/** A task that failed, with the text that repeats it. */
export interface Failed {
  readonly id: string
  readonly attempts: number
  readonly text: string
  readonly ended: Extract<Ended, { ok: false }>
}

/** A runnable file that repeats a task alone. */
export interface FailedFile {
  /** From the current folder. */
  readonly path: string
  /** What runs it, in a shell. */
  readonly command: string
}

/** Writes `failed/ID.yaml`, for its owner alone: a program may have put a secret among the options of a task. */
export async function writeFailed(
  failed: Failed,
  { folder, imports }: { folder: string; imports: readonly string[] },
): Promise<FailedFile> {
  const file = join(folder, 'failed', `${fileNameOf(failed.id)}.yaml`)
  const path = relative('', file)
  const command = repeatCommand(path, imports)
  const head = [headOf(failed), `again: ${command}`]
  await mkdir(join(folder, 'failed'), { recursive: true })
  await writeAtomically(file, `${head.map((line) => `# ${line}\n`).join('')}${failed.text}`)
  if (failed.ended.output) await writeAtomically(logOf(file), failed.ended.output)
  return { path, command }
}

/** Removes the file of a task that has succeeded since; one that somebody changed stays. */
export async function removeFailed({ id, text }: Pick<Failed, 'id' | 'text'>, folder: string): Promise<void> {
  const all = join(folder, 'failed')
  if (!existsSync(all)) return
  const file = join(all, `${fileNameOf(id)}.yaml`)
  const found = await readFile(file, 'utf8').catch(() => undefined)
  if (found?.replace(/^(?:# .*\n)*/, '') !== text) return
  for (const path of [file, logOf(file)]) await rm(path, { force: true })
}

/** Where the last of what a failed task printed is kept. */
function logOf(file: string): string {
  return file.replace(/\.yaml$/, '.log')
}

function headOf({ id, attempts, ended }: Failed): string {
  const said = `task ${id} ${ended.reason}${timesOf(attempts)}: ${messageOf(ended.error)}`
  return said.split('\n', 1)[0]!
}
