import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ClusterError } from '../../errors.js'
import { AgentHost } from './agent-host.js'
import type { SessionEnded } from './session-end.js'

/**
 * A folder of this machine that plays a machine of its own: it is the home folder of all that runs there.
 *
 * ```ts
 * const host = new LocalHost('worker', './hosts/worker')
 * await host.exec(['mkdir', 'results'])
 * await host.close()
 * ```
 */
export class LocalHost extends AgentHost {
  /** In full. */
  readonly folder: string

  constructor(
    readonly name: string,
    folder: string,
  ) {
    super()
    this.folder = resolve(folder)
  }

  // The very Node of this process, whatever else there is.
  override readonly node = process.execPath

  async start([program = '', ...args]: readonly string[]): Promise<ChildProcess> {
    await this.makeFolder()
    return spawn(program, args, {
      cwd: this.folder,
      env: { ...process.env, HOME: this.folder },
      // Ctrl-C in a terminal goes to the whole foreground group: a host is not part of it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  }

  /** @internal */
  override async privateFiles(): Promise<readonly string[]> {
    return [this.folder]
  }

  /** @internal */
  protected async makeFolder(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
  }

  protected explainEnd({ stderr }: SessionEnded): ClusterError {
    return new ClusterError(`The agent of host "${this.name}" ended${stderr === '' ? '' : `: ${stderr}`}`, {
      code: 'HOST_LOST',
    })
  }
}
