import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dump, dumpAll } from '../document/write/dump.js'
import type { Registry } from '../registry/registry.js'
import type { Runnable } from '../runnable/runnable.js'
import { writeAtomically } from '../util/atomic-write.js'
import { quoteArgument } from '../util/shell.js'
import type { Ended, PackedError } from './engine.js'

/** What the text of a task depends on besides the task. */
export interface TaskTextOptions {
  /** The extensions of the run. */
  readonly extensions?: Readonly<Record<string, string>>
  /** Whose tags are written; the one that the task was made with when absent. */
  readonly registry?: Registry
}

/** A task as it travels: the runnable file that is this task, extensions first. */
export function taskText(
  task: Runnable<unknown, any>,
  { extensions = {}, registry }: TaskTextOptions = {},
): string {
  const all = { ...extensions, ...task.extensions }
  const options = registry ? { registry } : {}
  return Object.keys(all).length === 0 ? dump(task, options) : dumpAll([all, task], options)
}

/** What tells a task from another one: the hash of its text. */
export function taskKey(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** A task that failed, with the text that repeats it. */
interface TaskFailure {
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
export async function writeFailedFile(
  failed: TaskFailure,
  { folder, imports }: { folder: string; imports: readonly string[] },
): Promise<FailedFile> {
  const file = join(folder, 'failed', `${taskFileName(failed.id)}.yaml`)
  const path = relative('', file)
  const command = repeatCommand(path, imports)
  const head = [summaryLine(failed), `again: ${command}`]
  await mkdir(join(folder, 'failed'), { recursive: true })
  await writeAtomically(file, `${head.map((line) => `# ${line}\n`).join('')}${failed.text}`)
  if (failed.ended.output) await writeAtomically(logPath(file), failed.ended.output)
  return { path, command }
}

/** Removes the file of a task that has succeeded since; one that somebody changed stays. */
export async function removeFailedFile(
  { id, text }: Pick<TaskFailure, 'id' | 'text'>,
  folder: string,
): Promise<void> {
  const all = join(folder, 'failed')
  if (!existsSync(all)) return
  const file = join(all, `${taskFileName(id)}.yaml`)
  const found = await readFile(file, 'utf8').catch(() => undefined)
  if (found?.replace(/^(?:# .*\n)*/, '') !== text) return
  for (const path of [file, logPath(file)]) await rm(path, { force: true })
}

/** Where the last of what a failed task printed is kept. */
function logPath(file: string): string {
  return file.replace(/\.yaml$/, '.log')
}

function summaryLine({ id, attempts, ended }: TaskFailure): string {
  const said = `task ${id} ${ended.reason}${attemptsText(attempts)}: ${errorText(ended.error)}`
  return said.split('\n', 1)[0]!
}

/** So many characters of an id are in a name; names of files end at 255 bytes. */
const maxNameLength = 200

/** The name of a file for a task: its id, with what no file name should hold escaped. */
export function taskFileName(id: string): string {
  const name = encodeURIComponent(id).replace(/^\./, '%2E').replaceAll('*', '%2A')
  if (name.length <= maxNameLength) return name
  return `${name.slice(0, maxNameLength)}.${createHash('sha256').update(id).digest('hex').slice(0, 12)}`
}

/** The command that runs a file with the modules that its tags need, as a shell takes it from the current folder. */
export function repeatCommand(file: string, imports: readonly string[]): string {
  const flags = imports.map((module) => ` --import ${word(pathOf(module))}`)
  return `flambeau run ${word(file)}${flags.join('')}`
}

function pathOf(module: string): string {
  if (!module.startsWith('file:')) return module
  const path = relative('', fileURLToPath(module))
  return path.startsWith('.') ? path : `./${path}`
}

function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoteArgument(text)
}

/** What an error says, or its name where it says nothing. */
export function errorText({ message, name }: PackedError): string {
  return message === '' ? name : message
}

/** How often a task was tried, where that was more than once. */
export function attemptsText(attempts: number): string {
  return attempts === 1 ? '' : ` after ${attempts} attempts`
}
