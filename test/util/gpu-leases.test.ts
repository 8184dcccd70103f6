import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

const leasesModule = pathToFileURL(join('build/js/util/gpu-leases.js')).href
const { leaseGpus } = await import(leasesModule)

const folder = mkdtempSync(join(tmpdir(), 'flambeau-leases-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** GPUs that no other test has. */
function gpus(machine: string, count: number) {
  const gpu = (index: number) => ({
    index,
    name: '',
    memory: 0,
    vendor: 'nvidia',
    id: `GPU-${machine}-${process.pid}-${index}`,
  })
  return Array.from({ length: count }, (_, index) => gpu(index))
}

const inPatience = { signal: AbortSignal.timeout(60_000), onWait() {} }

/** Where the lease of the first of some GPUs is. */
function leaseFolder({ gpus: [gpu] }: { gpus: { id: string }[] }): string {
  return join(`/tmp/flambeau-gpus-${process.getuid?.()}`, gpu!.id)
}

/** A program that leases GPUs, prints their numbers, and holds them until its input ends. */
function holder(request: object, end = ''): ChildProcess {
  const program = `
    const { leaseGpus } = await import(${JSON.stringify(leasesModule)})
    const signal = AbortSignal.timeout(60000)
    const lease = await leaseGpus({ ...${JSON.stringify(request)}, signal, onWait: (text) => console.error(text) })
    console.log(lease.gpus.map(({ index }) => index).join())
    ${end}`
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
}

const readers = new WeakMap<Readable, AsyncIterator<string>>()

/** The next line that a program prints: two may arrive at once. */
async function nextLine(child: ChildProcess, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  const input = child[stream]!
  const lines = readers.get(input) ?? createInterface({ input })[Symbol.asyncIterator]()
  readers.set(input, lines)
  const { value = '' } = await lines.next()
  return value
}

describe('the leases of GPUs', () => {
  test('of 50 processes that race for three GPUs never overlap', async () => {
    const file = join(folder, 'race')
    const request = { gpus: gpus('race', 3), count: 1 }
    const work = `
      const { appendFileSync } = await import('node:fs')
      const [{ index }] = lease.gpus
      const note = (what) => appendFileSync(${JSON.stringify(file)}, what + ' ' + index + ' ' + process.pid + '\\n')
      note('begin')
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 20))
      note('end')
      if (Math.random() < 0.5) process.kill(process.pid, 'SIGKILL')
      await lease.release()`
    const children = Array.from({ length: 50 }, () => holder(request, work))
    await Promise.all(children.map((child) => once(child, 'exit')))
    const holders = new Map<string, string>()
    const lines = readFileSync(file, 'utf8').trim().split('\n')
    for (const line of lines) {
      const [what, index = '', pid = ''] = line.split(' ')
      if (what === 'begin') assert.equal(holders.get(index), undefined, `${line} while another holds it`)
      else assert.equal(holders.get(index), pid)
      if (what === 'begin') holders.set(index, pid)
      else holders.delete(index)
    }
    assert.equal(lines.length, 100)
  })

  test('of a process that was killed is free again, and one that waits says for whom', async () => {
    const request = { gpus: gpus('killed', 2), count: 2 }
    const first = holder(request, 'await new Promise((resolve) => process.stdin.on("end", resolve).resume())')
    assert.equal(await nextLine(first), '0,1')
    const second = holder({ ...request, count: 1 })
    assert.equal(
      await nextLine(second, 'stderr'),
      `Waiting for a GPU, which others hold: process ${first.pid}`,
    )
    first.kill('SIGKILL')
    assert.equal(await nextLine(second), '0')
  })

  test('stays with what a killed process has left in its group', async () => {
    const request = { gpus: gpus('group', 1), count: 1 }
    const leader = holder(
      request,
      `const { spawn } = await import('node:child_process')
       const child = spawn('sleep', ['60'], { stdio: 'ignore' })
       console.log(child.pid)
       await new Promise(() => setInterval(() => {}, 1000))`,
    )
    await nextLine(leader)
    const child = Number(await nextLine(leader))
    leader.kill('SIGKILL')
    await once(leader, 'exit')
    const second = holder(request)
    assert.match(await nextLine(second, 'stderr'), /^Waiting for a GPU, which others hold: process \d+$/)
    process.kill(child, 'SIGKILL')
    assert.equal(await nextLine(second), '0')
  })

  test('can be passed to another process', async () => {
    const request = { gpus: gpus('passed', 1), count: 1, ...inPatience }
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
    const lease = await leaseGpus(request)
    await lease.passTo(child.pid)
    const controller = new AbortController()
    const waiting = leaseGpus({
      ...request,
      signal: controller.signal,
      onWait: () => controller.abort(new Error('held')),
    })
    await assert.rejects(waiting, /held/)
    child.kill('SIGKILL')
    await once(child, 'exit')
    // What this process does with the lease of another one that has it now changes nothing.
    const next = await leaseGpus(request)
    await lease.release()
    await assert.rejects(leaseGpus({ ...request, signal: AbortSignal.timeout(200) }))
    await next.release()
  })

  test('is free, and not only seen to be, when the process has ended that has it', async () => {
    const request = { gpus: gpus('ended', 1), count: 1, ...inPatience }
    const child = spawn('sh', ['-c', 'sleep 60 & echo; wait'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await once(child.stdout!, 'data')
    const lease = await leaseGpus(request)
    await lease.passTo(child.pid)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const released = lease.releaseAfter(child.pid)
    assert.notDeepEqual(readdirSync(leaseFolder(request)), ['free'])
    process.kill(-child.pid!, 'SIGKILL')
    await released
    assert.deepEqual(readdirSync(leaseFolder(request)), ['free'])
  })

  test('of another container counts while its file is touched, and is no process of this one', async () => {
    const request = { gpus: gpus('container', 1), count: 1, ...inPatience }
    const lease = await leaseGpus(request)
    const [own = ''] = readdirSync(leaseFolder(request))
    const other = join(leaseFolder(request), own.replace(/[^~]*$/, encodeURIComponent('pid:[1]')))
    renameSync(join(leaseFolder(request), own), other)
    const said: string[] = []
    const controller = new AbortController()
    const onWait = (text: string): void => {
      said.push(text)
      controller.abort()
    }
    await assert.rejects(leaseGpus({ ...request, signal: controller.signal, onWait }))
    assert.deepEqual(said, ['Waiting for a GPU, which others hold: a process of another container'])
    const then = new Date(Date.now() - 400_000)
    utimesSync(other, then, then)
    const next = await leaseGpus(request)
    // A lease that was taken over from a stale one is fresh.
    const [taken = ''] = readdirSync(leaseFolder(request))
    assert.ok(Date.now() - statSync(join(leaseFolder(request), taken)).mtimeMs < 300_000)
    await next.release()
    await lease.release()
  })

  test('of two GPUs is all or nothing', async () => {
    const request = { gpus: gpus('both', 3), ...inPatience }
    const lease = await leaseGpus({ ...request, count: 2 })
    const waiting = leaseGpus({ ...request, count: 2 })
    await delay(50)
    const single = await leaseGpus({ ...request, count: 1 })
    await single.release()
    await lease.release()
    const second = await waiting
    assert.equal(second.gpus.length, 2)
    await second.release()
  })
})
