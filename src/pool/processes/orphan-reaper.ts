import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { waitForExit } from '../../util/process.js'

// Each line has all groups that there are then; the end of the input is that of the pool's process. Workers that run end by
// themselves, and have a second for it.
const script =
  'while read -r line; do groups=$line; done; [ -z "$groups" ] || sleep 1; for group in $groups; do kill -s KILL -- "-$group"; done'

/**
 * Kills the process groups of workers when this process was killed. Workers watch for that themselves, but one that is
 * stopped (`SIGSTOP`, a debugger) cannot: so a small process outside of them watches, too.
 */
export class OrphanReaper {
  #shell: ChildProcess | undefined

  /** Says which process groups there are now. */
  watch(groups: readonly number[]): void {
    // There is neither a shell nor SIGSTOP.
    if (process.platform === 'win32') return
    this.#shell ??= startShell()
    this.#shell.stdin?.write(`${groups.join(' ')}\n`)
  }

  /** Ends it without killing anything. */
  async close(): Promise<void> {
    if (!this.#shell) return
    this.#shell.ref()
    this.#shell.kill('SIGKILL')
    await waitForExit(this.#shell).catch(() => undefined)
  }
}

function startShell(): ChildProcess {
  const shell = spawn('sh', ['-c', script], { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  // Without a shell, workers still watch for themselves.
  shell.on('error', () => {})
  shell.stdin?.on('error', () => {})
  shell.unref()
  ;(shell.stdin as Socket | null)?.unref()
  return shell
}
