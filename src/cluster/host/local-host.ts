import { type ChildProcess, spawn } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ClusterError } from '../../errors.js'
import { explainWriteError } from '../../util/file-error.js'
import { repeatDown } from '../../util/repeat-command.js'
import { isNode } from '../../util/runtime.js'
import { HostLayout } from '../protocol/layout.js'
import type { SessionEnded } from './agent-errors.js'
import { AgentHost } from './agent-host.js'

/**
 * A local folder that acts as a host: it is the home folder of every program that runs there.
 *
 * ```ts
 * const host = new LocalHost('worker', './hosts/worker')
 * await host.exec(['mkdir', 'results'])
 * await host.close()
 * ```
 */
export class LocalHost extends AgentHost {
  /** The absolute path. */
  readonly folder: string

  constructor(
    readonly name: string,
    folder: string,
  ) {
    super()
    this.folder = resolve(folder)
  }

  // The Node of this process, whichever others are installed; a program of Bun or Deno needs one that is installed.
  override readonly node = isNode ? process.execPath : undefined

  async start([program = '', ...args]: readonly string[]): Promise<ChildProcess> {
    await this.makeFolder()
    return spawn(program, args, {
      cwd: this.folder,
      env: { ...process.env, HOME: this.folder },
      // A terminal sends Ctrl-C to its foreground process group, which must not include hosts.
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
    await mkdir(this.folder, { recursive: true, mode: 0o700 }).catch((cause) => {
      const message = `The folder "${this.folder}" of host "${this.name}" cannot be created: ${explainWriteError(cause)}`
      throw new ClusterError(message, { code: 'HOST_NO_ACCESS', cause })
    })
  }

  protected explainEnd({ stderr }: SessionEnded): ClusterError {
    return new ClusterError(`The agent of host "${this.name}" ended${stderr === '' ? '' : `: ${stderr}`}`, {
      code: 'HOST_LOST',
    })
  }
}

/** The file that marks a folder as created for a host, so that it can be removed with its content. */
const markName = '.flambeau-host'
const mark = 'This folder was made by flambeau for a host of a LocalCluster'

/**
 * A host whose folder is created for it and removed with it. An existing folder of the user can be used as well, and
 * stays.
 */
export class ManagedLocalHost extends LocalHost {
  protected override async makeFolder(): Promise<void> {
    await super.makeFolder()
    // An empty folder contains nothing of the user.
    if ((await readdir(this.folder)).length === 0)
      await writeFile(join(this.folder, markName), `${mark}: "${repeatDown()}" removes it.\n`)
  }
}

/** The outcome of {@link removeHostFolder}. */
type Removal = 'removed' | 'absent' | 'not ours' | 'in use'

/**
 * Removes the folder of a host unless another cluster uses it; with `force`, also a folder that was not created for a
 * host.
 */
export async function removeHostFolder(folder: string, { force }: { force: boolean }): Promise<Removal> {
  const found = await lstat(folder).catch(() => undefined)
  if (!found) return 'absent'
  // The target of a link is elsewhere, and not removed.
  const isOurs = found.isDirectory() && (await hasMark(folder))
  if (!isOurs && !force) return 'not ours'
  if (await isUsed(folder)) return 'in use'
  await rm(folder, { recursive: true, force: true })
  return 'removed'
}

function hasMark(folder: string): Promise<boolean> {
  return readFile(join(folder, markName), 'utf8').then(
    (text) => text.startsWith(mark),
    () => false,
  )
}

async function isUsed(folder: string): Promise<boolean> {
  return (await readdir(new HostLayout(folder).clusters).catch(() => [])).length > 0
}
