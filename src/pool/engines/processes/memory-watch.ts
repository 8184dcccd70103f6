import { descendantsOf, listGroups, readProc } from '../../../util/process.js'

/** How often the memory of a worker is measured. */
const intervalMs = 100
/** How often the processes of the machine are listed: that costs more. */
const listMs = 1000

/**
 * Measures the memory of a worker and of the processes that it has started, and calls `onExceeded` once when it is more than the
 * limit. Where there is no `/proc`, only Node itself limits the worker, by its heap.
 */
export class MemoryWatch {
  readonly #timer: NodeJS.Timeout | undefined

  constructor(
    /** The worker, which leads its process group. */
    readonly pid: number,
    readonly limit: number,
    readonly onExceeded: () => void,
  ) {
    if (process.platform === 'linux') this.#timer = setInterval(() => this.#check(), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  // First what costs little. Only the second number counts pages once that several processes share.
  #check(): void {
    const pids = processesOf(this.pid)
    if (sum(pids, residentBytes) <= this.limit || sum(pids, proportionalBytes) <= this.limit) return
    this.stop()
    this.onExceeded()
  }
}

// A process whose parent has ended is no descendant any more, but still in the group.
function processesOf(leader: number): Set<number> {
  const now = performance.now()
  if (now - groups.listedAt > listMs) groups = { listedAt: now, members: listGroups() }
  const pids = new Set<number>()
  for (const root of [leader, ...(groups.members.get(leader) ?? [])])
    if (!pids.has(root)) for (const pid of [root, ...descendantsOf(root)]) pids.add(pid)
  return pids
}

/** One list for all workers. */
let groups = { listedAt: Number.NEGATIVE_INFINITY, members: new Map<number, number[]>() }

function sum(pids: ReadonlySet<number>, bytesOf: (pid: number) => number): number {
  let total = 0
  for (const pid of pids) total += bytesOf(pid)
  return total
}

// The kernel drops pages of files when it needs their memory, so they do not count.
function residentBytes(pid: number): number {
  const status = readProc(`${pid}/status`)
  return bytesIn(status, ['RssAnon', 'RssShmem']) ?? bytesIn(status, ['VmRSS']) ?? 0
}

function proportionalBytes(pid: number): number {
  return bytesIn(readProc(`${pid}/smaps_rollup`), ['Pss_Anon', 'Pss_Shmem']) ?? residentBytes(pid)
}

/** The sum of sizes in a file of `/proc`; `undefined` when one of them is not there. */
function bytesIn(text: string, names: readonly string[]): number | undefined {
  let total = 0
  for (const name of names) {
    const [, kibibytes] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text) ?? []
    if (kibibytes === undefined) return undefined
    total += Number(kibibytes) * 1024
  }
  return total
}

/** What Node needs besides the heap: its own code, the buffers of streams, stacks. */
const besidesHeap = 60e6

/** The limit of the heap of Node in megabytes that leaves room for the rest of the process. */
export function heapMegabytes(limit: number): number {
  return Math.max(16, Math.floor(Math.max(limit / 2, limit - besidesHeap) / 2 ** 20))
}

/** Whether the output of a process ends with the message of Node that its heap is full. */
export function isHeapFull(output: string): boolean {
  return /^FATAL ERROR: .*JavaScript heap out of memory/m.test(output)
}
