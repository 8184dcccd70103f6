import { lstat, mkdir, readdir, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gpuVariables, type LocalGpu } from './gpus.js'
import { listGroups, signalGroup, signalProcess } from './process.js'
import { identify } from './process-identity.js'

/**
 * Leases of the GPUs of this machine, among all programs of this user. Each GPU has a folder with one file, whose name
 * says who holds it. A lease is taken, passed on and released by renaming that file, which succeeds for one process
 * only: nothing has to be locked, and whoever is killed leaves no half of anything.
 */

const free = 'free'
/** Between two attempts to take GPUs that others hold. */
const pauseMs = 300
/**
 * How often whoever has a lease touches its file. Processes of another container cannot see him; and programs that clean up remove
 * files of `/tmp` that have not changed for days.
 */
const refreshMs = 60_000
/** After this time, a lease of another container has ended whose file nobody touches. */
const staleMs = 300_000
/** How often, and after what time, a group is looked at whose leader has ended: killed processes need a moment. */
const maxLooks = 100
const lookMs = 20

/** A part of the GPUs that is leased by itself: a pool within a run takes from those that the run has. */
const scopeVariable = 'FLAMBEAU_GPU_SCOPE'

/** Options of {@link leaseGpus}. */
export interface LeaseRequest {
  readonly gpus: readonly LocalGpu[]
  readonly count: number
  readonly signal: AbortSignal
  /** The processes that hold GPUs for the same purpose: what is said of those who hold them leaves these out. */
  readonly own?: () => readonly number[]
  /** Called once when the GPUs are not free, with what to say. */
  readonly onWait: (message: string) => void
}

/** GPUs that one process has to itself. */
export class GpuLease {
  readonly #files: readonly LeaseFile[]
  #holder: string
  #passing: Promise<void> | undefined
  readonly #refresh = setInterval(() => void this.#touch(), refreshMs).unref()

  /** @internal */
  constructor(
    readonly gpus: readonly LocalGpu[],
    files: readonly LeaseFile[],
    holder: string,
  ) {
    this.#files = files
    this.#holder = holder
  }

  /** The environment with which a process sees these GPUs and no others. */
  get variables(): Record<string, string | undefined> {
    const within = join(process.env[scopeVariable] ?? '', `within-${this.gpus[0]?.id}`)
    return { ...gpuVariables(this.gpus), [scopeVariable]: within }
  }

  /** Passes the lease on: it then ends with the group of that process, whatever happens to this one. */
  passTo(pid: number): Promise<void> {
    this.#passing = this.#pass(pid)
    return this.#passing
  }

  async #pass(pid: number): Promise<void> {
    const holder = await holderName(pid)
    for (const file of this.#files) await file.replace(this.#holder, holder)
    this.#holder = holder
  }

  /** Leaves the lease to the process that it was passed to. */
  forget(): void {
    clearInterval(this.#refresh)
  }

  /**
   * Releases the lease that was passed to a process which has ended, as soon as its group has; leaves it to the group when that takes
   * longer. Others would see that it has ended, but those of another container would not.
   */
  async releaseAfter(leader: number | undefined): Promise<void> {
    this.forget()
    for (let looks = 0; hasGroup(leader); looks++) {
      if (looks === maxLooks) return
      await delay(lookMs)
    }
    await this.release()
  }

  async release(): Promise<void> {
    this.forget()
    // A process may end while the lease is passed to it.
    await this.#passing
    for (const file of this.#files) await file.replace(this.#holder, free)
  }

  async #touch(): Promise<void> {
    for (const file of this.#files) await file.touch(this.#holder)
  }
}

/**
 * Leases so many GPUs of one vendor for this process, and waits while others hold them.
 *
 * @throws The reason of `signal`.
 */
export async function leaseGpus(request: LeaseRequest): Promise<GpuLease> {
  const { signal, onWait } = request
  const folder = await leaseFolder()
  for (let waits = 0; ; waits++) {
    signal.throwIfAborted()
    const lease = await tryLease(folder, request)
    if (lease) return lease
    if (waits === 0) onWait(await waitMessage(folder, request))
    // Another time for each process: several that wait for two GPUs may have taken one each.
    await delay(pauseMs * (0.5 + Math.random()), undefined, { signal }).catch(() => {})
  }
}

async function tryLease(folder: string, { gpus, count }: LeaseRequest): Promise<GpuLease | undefined> {
  const holder = await holderName(process.pid)
  for (const vendor of new Set(gpus.map((gpu) => gpu.vendor))) {
    const taken: { gpu: LocalGpu; file: LeaseFile }[] = []
    for (const gpu of gpus) {
      if (gpu.vendor !== vendor || taken.length === count) continue
      const file = new LeaseFile(join(folder, gpu.id))
      if (await file.take(holder)) taken.push({ gpu, file })
    }
    const files = taken.map(({ file }) => file)
    if (taken.length === count)
      return new GpuLease(
        taken.map(({ gpu }) => gpu),
        files,
        holder,
      )
    for (const file of files) await file.replace(holder, free)
  }
  return undefined
}

async function waitMessage(folder: string, { gpus, count, own = () => [] }: LeaseRequest): Promise<string> {
  const found = await Promise.all(gpus.map(({ id }) => new LeaseFile(join(folder, id)).holder()))
  const holders = found.flatMap((holder) => (holder === undefined || holder === free ? [] : [holder]))
  const namespace = await pidNamespace()
  const inside = holders.filter((holder) => namespaceOf(holder) === namespace).map(pidOf)
  const names = new Set(inside.filter((pid) => !own().includes(pid)).map((pid) => `process ${pid}`))
  // Its number here would be that of another process.
  if (inside.length < holders.length) names.add('a process of another container')
  const what = count === 1 ? 'a GPU' : `${count} GPUs`
  const who = names.size === 0 ? '' : `, which others hold: ${[...names].join(', ')}`
  return `Waiting for ${what}${who}`
}

/** The file whose name says who holds a GPU, in a folder of its own. */
class LeaseFile {
  constructor(readonly folder: string) {}

  /** The name of the file; `undefined` while there is none, or it is being renamed. */
  async holder(): Promise<string | undefined> {
    const names = await readdir(this.folder).catch(() => [])
    return names.length === 1 ? names[0] : undefined
  }

  async take(holder: string): Promise<boolean> {
    const before = (await this.holder()) ?? (await this.#create())
    if (before === undefined || (before !== free && (await this.#isHeld(before)))) return false
    return this.replace(before, holder)
  }

  // A process of another container cannot be seen, but it touches its file.
  async #isHeld(holder: string): Promise<boolean> {
    const isHeld = await isHeldHere(holder)
    if (isHeld !== undefined) return isHeld
    const found = await stat(join(this.folder, holder)).catch(() => undefined)
    return found !== undefined && Date.now() - found.mtimeMs < staleMs
  }

  /** Renames the file; returns whether it had the name `before`. */
  async replace(before: string, holder: string): Promise<boolean> {
    // First: with its new name it must be fresh at once.
    await this.touch(before)
    return rename(join(this.folder, before), join(this.folder, holder)).then(
      () => true,
      () => false,
    )
  }

  async touch(holder: string): Promise<void> {
    const now = new Date()
    await utimes(join(this.folder, holder), now, now).catch(() => {})
  }

  // Made elsewhere: a folder replaces an empty one, and never one that has a file.
  async #create(): Promise<string | undefined> {
    const draft = `${this.folder}.${process.pid}.${Math.random().toString(36).slice(2)}`
    await mkdir(draft, { recursive: true, mode: 0o700 })
    await writeFile(join(draft, free), '', { mode: 0o600 })
    const isMade = await rename(draft, this.folder).then(
      () => true,
      () => false,
    )
    if (!isMade) await rm(draft, { recursive: true, force: true })
    return this.holder()
  }
}

/** @throws When somebody else has made it. */
async function leaseFolder(): Promise<string> {
  const temporary = process.platform === 'win32' ? tmpdir() : '/tmp'
  const folder = join(temporary, `flambeau-gpus-${process.getuid?.() ?? 'user'}`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await lstat(folder)
  const isOwn = process.getuid === undefined || found.uid === process.getuid()
  if (!found.isDirectory() || !isOwn || (process.getuid && (found.mode & 0o077) !== 0))
    throw new Error(`"${folder}" must be a folder that only this user can use: remove it`)
  return join(folder, process.env[scopeVariable] ?? '')
}

// The parts are joined by what none of them contains.
async function holderName(pid: number): Promise<string> {
  const { started, boot } = (await identify(pid)) ?? unknown
  return [pid, started, boot, await pidNamespace()].map(encodeURIComponent).join('~')
}

/** Of a process that has ended, or on a system that says nothing of processes. */
const unknown = { started: '', boot: '' }

function pidNamespace(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '')
}

function pidOf(holder: string): number {
  return Number(holder.split('~', 1)[0])
}

function namespaceOf(holder: string): string {
  return decodeURIComponent(holder.split('~')[3] ?? '')
}

/** Whether a process of this container has a lease; `undefined` for one of another. */
async function isHeldHere(holder: string): Promise<boolean | undefined> {
  const [, started, boot] = holder.split('~').map(decodeURIComponent)
  const pid = pidOf(holder)
  const own = await identify(process.pid)
  if (!own) return signalProcess(pid, 0)
  if (boot !== own.boot) return false
  if (namespaceOf(holder) !== (await pidNamespace())) return undefined
  const found = await identify(pid)
  return found ? found.started === started : hasGroup(pid)
}

// A process that was killed may have left others in its group, which use the GPU until they are killed, too.
function hasGroup(leader: number | undefined): boolean {
  if (leader === undefined || process.platform !== 'linux' || !signalGroup(leader, 0)) return false
  return listGroups().has(leader)
}
