import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { type DumpOptions, dump, dumpAll } from '../document/write/dump.js'
import { throwNotWritten } from '../errors.js'
import type { Class } from '../registry/registration.js'
import type { Registry } from '../registry/registry.js'
import { type CompleteNeeds, completeNeeds, needsOf, needsText, noNeeds } from '../runnable/needs.js'
import type { Runnable } from '../runnable/runnable.js'
import { writeAtomically } from '../util/atomic-write.js'
import { printable } from '../util/printable.js'
import { repeatRun } from '../util/repeat-command.js'
import type { FailedAttempt, PackedError } from './engine.js'

/** What the runnable file of a task depends on besides the task. */
export interface TaskTextOptions {
  /** The extensions of the run. */
  readonly extensions: Readonly<Record<string, string>>
  /** The registry of the tags; when absent, that of the file the task was loaded from, or the default one. */
  readonly registry: Registry | undefined
}

/** The runnable file that is a task, with the extensions first: the form in which a task is sent to its worker. */
export function taskText(task: Runnable<unknown, any>, { extensions, registry }: TaskTextOptions): string {
  if (isEmpty(extensions) && isEmpty(task.extensions)) return dumpTask(task, registry)
  return dumpAll([{ ...extensions, ...task.extensions }, task], dumpOptions(registry))
}

function isEmpty(extensions: Readonly<Record<string, string>>): boolean {
  for (const _ in extensions) return false
  return true
}

/** The dump of a task without extensions. */
export function dumpTask(task: Runnable<unknown, any>, registry: Registry | undefined): string {
  return dump(task, dumpOptions(registry))
}

// A worker reads one file: what it would include may not be there.
function dumpOptions(registry: Registry | undefined): DumpOptions {
  return registry ? { registry, resolved: true } : { resolved: true }
}

/** Identifies a task by the hash of its text. */
export function taskKey(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** A failed task, with its runnable file. */
interface TaskFailure {
  readonly id: string
  /** That of its file, without an extension. */
  readonly name: string
  readonly task: Runnable<unknown, any>
  readonly attempts: number
  readonly text: string
  readonly seed: number
  readonly attempt: FailedAttempt
}

/** The runnable file of a failed task. */
export interface FailedFile {
  /** Relative to the current folder. */
  readonly path: string
  /** The shell command that runs it. */
  readonly command: string
}

/** What the file and the command of a failed task depend on. */
export interface FailedFileOptions {
  readonly folder: string
  /** The URLs of the modules of the workers. */
  readonly imports: readonly string[]
  /** What each worker has; absent when another engine decides that. */
  readonly needs: CompleteNeeds | undefined
}

/** Writes `failed/NAME.yaml`. Only its owner can read it: a program may have put a secret into the options of a task. */
export async function writeFailedFile(
  failed: TaskFailure,
  { folder, imports, needs }: FailedFileOptions,
): Promise<FailedFile> {
  const file = join(folder, 'failed', `${failed.name}.yaml`)
  const path = relative('', file)
  const command = repeatRun(path, {
    modules: imports,
    seed: String(failed.seed),
    needs: needs && addedNeeds(failed.task, needs),
  })
  const head = [summaryLine(failed), `again: ${command}`]
  const text = `${head.map((line) => `# ${line}\n`).join('')}${failed.text}`
  await writeFiles(file, text, failed.attempt.output).catch(throwNotWritten(file))
  return { path, command }
}

// A run of the task has what its class states, and lacks what only the pool stated.
function addedNeeds(task: Runnable<unknown, any>, needs: CompleteNeeds): string {
  const stated = needsText(completeNeeds(needsOf(task.constructor as Class) ?? noNeeds))
  const text = needsText(needs)
  return text === stated ? '' : text
}

async function writeFiles(file: string, text: string, output: string | undefined): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  failedFolders.clear()
  await writeAtomically(file, text)
  if (output) await writeAtomically(logPath(file), output)
  else await rm(logPath(file), { force: true })
}

/** Whether tasks have failed in a folder: asked once for all tasks that end in the same turn of the event loop. */
export function failedFolderExists(folder: string): boolean {
  const known = failedFolders.get(folder)
  if (known !== undefined) return known
  const exists = existsSync(join(folder, 'failed'))
  if (failedFolders.size === 0) setImmediate(() => failedFolders.clear())
  failedFolders.set(folder, exists)
  return exists
}

const failedFolders = new Map<string, boolean>()

/** Removes the file of a task that has succeeded since, unless somebody has edited it. */
export async function removeFailedFile(
  { name, text }: Pick<TaskFailure, 'name' | 'text'>,
  folder: string,
): Promise<void> {
  const file = join(folder, 'failed', `${name}.yaml`)
  const found = await readFile(file, 'utf8').catch(() => undefined)
  // The two lines that were written before the task, which may begin with a comment of its own.
  if (found?.replace(/^# task [^\n]*\n# again: [^\n]*\n/, '') !== text) return
  for (const path of [file, logPath(file)]) await rm(path, { force: true })
}

/** The file of the last output of a failed task. */
function logPath(file: string): string {
  return file.replace(/\.yaml$/, '.log')
}

function summaryLine({ id, attempts, attempt }: TaskFailure): string {
  const line = `task ${id} ${attempt.reason}${attemptsText(attempts)}: ${errorText(attempt.error)}`
  // A carriage return would end the comment.
  return printable(line).split('\n', 1)[0]!
}

/** The most characters of an id in a file name; file systems take 255 bytes, of which a suffix needs some. */
const maxNameLength = 200

/** The file name of a task: its id, with the characters escaped that a file name should not have. */
export function taskFileName(id: string): string {
  const name = encodeURIComponent(id).replace(/^\./, '%2E').replaceAll('*', '%2A')
  if (name.length <= maxNameLength) return name
  return `${name.slice(0, maxNameLength)}.${createHash('sha256').update(id).digest('hex').slice(0, 12)}`
}

/** The message of an error, or its name when the message is empty. */
export function errorText({ message, name }: PackedError): string {
  return message === '' ? name : message
}

/** Completes a message: ` after 3 attempts`, or nothing after the first one. */
export function attemptsText(attempts: number): string {
  return attempts === 1 ? '' : ` after ${attempts} attempts`
}
