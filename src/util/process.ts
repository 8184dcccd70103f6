import { type ChildProcess, execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { settledWithin } from './concurrency.js'
import { statFields } from './process-identity.js'
import { readSafely } from './thrown.js'

/** How a process exited: its exit code, or the signal that killed it. */
export interface ExitStatus {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
}

/** Milliseconds between the request to terminate and the kill, where nobody says otherwise. */
export const defaultGraceMs = 5000

/** Sends a signal to a process group; returns whether the group exists. Signal 0 only checks. */
export function signalGroup(leader: number | undefined, signal: NodeJS.Signals | 0): boolean {
  return leader !== undefined && signalProcess(-leader, signal)
}

/** Sends a signal to a process; returns whether the process exists. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

/** Sends a signal to a process and to its descendants, for a process that shares the group of this one. */
export function signalTree(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  // All are listed first: the children of a process that has exited have another parent.
  for (const each of [pid, ...descendantsOf(pid)]) signalProcess(each, signal)
}

/** The processes that a process has started, those that these have started, and so on. */
export function descendantsOf(pid: number): number[] {
  const children = listChildren(pid).split(/\s+/).filter(Boolean).map(Number)
  return children.flatMap((child) => [child, ...descendantsOf(child)])
}

// Each thread has a list of what it has started. Where there is no /proc, pgrep is part of the system.
function listChildren(pid: number): string {
  if (process.platform === 'linux') {
    const threads = namesIn(`/proc/${pid}/task`)
    return threads.map((thread) => readProc(`${pid}/task/${thread}/children`)).join(' ')
  }
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8', stdio: 'pipe' })
  } catch {
    return ''
  }
}

/** The processes that run, by their process group; none where there is no `/proc`. */
export function listGroups(): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name))) {
    const { isRunning, group } = parseStat(readProc(`${pid}/stat`))
    if (!isRunning) continue
    const members = groups.get(group)
    if (members) members.push(Number(pid))
    else groups.set(group, [Number(pid)])
  }
  return groups
}

function parseStat(stat: string): { isRunning: boolean; group: number } {
  const [state = '', , group] = statFields(stat)
  return { isRunning: state !== '' && state !== 'Z' && state !== 'X', group: Number(group) }
}

/** Reads a file of `/proc`; an empty text when its process has ended. */
export function readProc(path: string): string {
  return readSafely(() => readFileSync(`/proc/${path}`, 'latin1'), '')
}

function namesIn(folder: string): string[] {
  return readSafely(() => readdirSync(folder), [])
}

/**
 * Waits until a process has exited. Its output may still arrive.
 *
 * @throws The error of `spawn` when the process could not be started.
 */
export function waitForExit(child: ChildProcess): Promise<ExitStatus> {
  return new Promise((resolve, reject) => {
    const { exitCode, signalCode } = child
    if (exitCode !== null || signalCode !== null) resolve({ exitCode, signal: signalCode })
    child.once('exit', (code, signal) => resolve({ exitCode: code, signal }))
    // A process that runs can have errors, too: of a signal that could not be sent, for example.
    child.on('error', (error) => child.pid === undefined && reject(error))
  })
}

/** Terminates a process group: sends SIGTERM, waits until `exited` settles or the grace is over, sends SIGKILL. */
export async function terminateGroup(
  leader: number | undefined,
  exited: Promise<unknown>,
  graceMs: number,
): Promise<void> {
  signalGroup(leader, 'SIGTERM')
  await settledWithin(exited, graceMs)
  signalGroup(leader, 'SIGKILL')
}

/** Waits until a process group has no process left; checks every 20 ms, for at most `timeoutMs`. */
export async function waitForGroup(leader: number | undefined, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (signalGroup(leader, 0) && Date.now() < deadline) await delay(20)
}
