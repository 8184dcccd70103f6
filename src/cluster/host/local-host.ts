import { type ChildProcess, spawn } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ClusterError } from '../../errors.js'
import type { SessionEnded } from './agent-errors.js'
import { AgentHost } from './agent-host.js'

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

/** The file that says that a folder was made for a host, so that it may be removed with all that is in it. */
const markName = '.flambeau-host'
const mark = 'This folder was made by flambeau for a host of a LocalCluster: "flambeau down" removes it.\n'

/** A host whose folder is made for it, and goes with it. A folder of the user may play a host, too, and stays. */
export class ManagedLocalHost extends LocalHost {
  protected override async makeFolder(): Promise<void> {
    await super.makeFolder()
    // What is empty holds nothing of the user.
    if ((await readdir(this.folder)).length === 0) await writeFile(join(this.folder, markName), mark)
  }
}

/** What became of the folder of a host that was to be removed. */
type Removal = 'removed' | 'absent' | 'not ours' | 'in use'

/** Removes the folder of a host; with `force`, even when it was not made for one. Another cluster may use it, too. */
export async function removeHostFolder(folder: string, { force }: { force: boolean }): Promise<Removal> {
  const found = await lstat(folder).catch(() => undefined)
  if (!found) return 'absent'
  // Of a link, what it leads to is somewhere else.
  const isOurs = found.isDirectory() && (await hasMark(folder))
  if (!isOurs && !force) return 'not ours'
  if (await isUsed(folder)) return 'in use'
  await rm(folder, { recursive: true, force: true })
  return 'removed'
}

function hasMark(folder: string): Promise<boolean> {
  return readFile(join(folder, markName), 'utf8').then(
    (text) => text === mark,
    () => false,
  )
}

async function isUsed(folder: string): Promise<boolean> {
  return (await readdir(join(folder, '.flambeau/clusters')).catch(() => [])).length > 0
}
