import { readFileSync } from 'node:fs'

/** How often the memory of a worker is measured. */
const intervalMs = 100

/**
 * Measures the memory of a worker and of the processes that it has started, and calls `onExceeded` once when it is more than the
 * limit. Where there is no `/proc`, only Node itself limits the worker, by its heap.
 */
export class MemoryWatch {
  readonly #timer: NodeJS.Timeout

  constructor(
    readonly pid: number,
    readonly limit: number,
    readonly onExceeded: () => void,
  ) {
    this.#timer = setInterval(() => this.#check(), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #check(): void {
    if (!isAbove(this.pid, this.limit)) return
    this.stop()
    this.onExceeded()
  }
}

// First what costs little. Only the second number counts pages once that several processes share.
function isAbove(pid: number, limit: number): boolean {
  const pids = treeOf(pid)
  return sum(pids, residentBytes) > limit && sum(pids, proportionalBytes) > limit
}

function sum(pids: readonly number[], bytesOf: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + bytesOf(pid), 0)
}

function treeOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return [pid, ...children.flatMap(treeOf)]
}

function residentBytes(pid: number): number {
  const [, kibibytes = 0] = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`)) ?? []
  return Number(kibibytes) * 1024
}

function proportionalBytes(pid: number): number {
  const [, kibibytes] = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`)) ?? []
  return kibibytes === undefined ? residentBytes(pid) : Number(kibibytes) * 1024
}

// Of a process that has ended, nothing.
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
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
