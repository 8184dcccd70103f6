import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
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

/** Writes `failed/ID.yaml`. */
export async function writeFailed(
  failed: Failed,
  { folder, imports }: { folder: string; imports: readonly string[] },
): Promise<FailedFile> {
  const file = join(folder, 'failed', `${fileNameOf(failed.id)}.yaml`)
  const path = relative('', file)
  const command = repeatCommand(path, imports)
  const head = [headOf(failed), `again: ${command}`]
  await mkdir(join(folder, 'failed'), { recursive: true })
  await writeFile(file, `${head.map((line) => `# ${line}\n`).join('')}${failed.text}`)
  if (failed.ended.output) await writeFile(logOf(file), failed.ended.output, { mode: 0o600 })
  return { path, command }
}

/** Where the last of what a failed task printed is kept. */
function logOf(file: string): string {
  return file.replace(/\.yaml$/, '.log')
}

function headOf({ id, attempts, ended }: Failed): string {
  const said = `task ${id} ${ended.reason}${timesOf(attempts)}: ${messageOf(ended.error)}`
  return said.split('\n', 1)[0]!
}
