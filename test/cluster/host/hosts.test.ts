// Every kind of host passes the same suite; those that run real programs do so whatever is printed, asked and named.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { type Host, LocalHost, SSHHost } from 'flambeau/cluster'
import { conformancePath, conformanceProgram, hostConformance, MemoryHost } from 'flambeau/testing'
import { processesWith } from '../../support/processes.js'
import { noHosts, SshHosts } from '../../support/ssh-hosts.js'
import { until } from '../../support/until.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-hosts-test-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a suite on one host, which is made before it and closed after it. */
function onHost(
  name: string,
  skip: string | false,
  make: () => Promise<Host>,
  suite: (host: () => Host) => void,
) {
  describe(name, { skip }, () => {
    let host: Host
    before(async () => {
      host = await make()
    })
    after(() => host.close())
    suite(() => host)
  })
}

function conforms(host: () => Host): void {
  for (const { name, check } of hostConformance(host)) test(name, check)
}

const conformancePrograms = {
  [conformancePath]: conformanceProgram,
  [`/home/user/${conformancePath}`]: conformanceProgram,
}

let hosts: SshHosts
const makeSshHost = async (): Promise<Host> => {
  hosts = await SshHosts.start(1)
  return new SSHHost(hosts.options(hosts.all[0]!))
}
after(() => hosts?.end())

onHost('a host in memory', false, async () => new MemoryHost({ programs: conformancePrograms }), conforms)

onHost(
  'a local host',
  false,
  async () => new LocalHost('local', join(folder, 'local')),
  (host) => {
    conforms(host)
    runsAnything(host)
  },
)

onHost('an SSH host', noHosts, makeSshHost, (host) => {
  conforms(host)
  runsAnything(host)
})

/** What holds on a host with real programs. */
function runsAnything(host: () => Host): void {
  test('exit codes 0 to 255 are exact', async () => {
    for (let code = 0; code < 256; code++) {
      const { exitCode, signal } = await host().exec(['sh', '-c', `exit ${code}`])
      assert.deepEqual({ exitCode, signal }, { exitCode: code, signal: null })
    }
  })

  test('arguments arrive as they are, whatever is in them', async () => {
    const argument = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))
    const many = fc.array(argument, { minLength: 100, maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(many, async (args) => {
        const { stdout } = await host().exec([
          'sh',
          '-c',
          'for each; do printf "%s\\0" "$each"; done',
          'sh',
          ...args,
        ])
        assert.deepEqual(stdout.toString().split('\0').slice(0, -1), args)
      }),
      { numRuns: 20, seed: 5 },
    )
  })

  test('files arrive under their names, whatever is in them', async () => {
    const name = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 40 })
      .filter((text) => !/[\0/]/.test(text) && Buffer.byteLength(text) < 200)
      .filter((text) => !['.', '..'].includes(text) && !text.endsWith('.incoming'))
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 40, maxLength: 80 }), async (names) => {
        const local = mkdtempSync(join(folder, 'names-'))
        for (const each of names) writeFileSync(join(local, each), each)
        await host().sync(local, 'names')
        await host().fetch('names', join(local, 'back'))
        assert.deepEqual(readdirSync(join(local, 'back')).sort(), names.toSorted())
      }),
      { numRuns: 8, seed: 6 },
    )
  })

  test('500 MB of output neither hang nor fill memory', async () => {
    let bytes = 0
    const before = process.memoryUsage().rss
    const script = 'head -c 250000000 /dev/zero; head -c 250000000 /dev/zero >&2; echo end'
    const onStderr = (chunk: Buffer): void => {
      bytes += chunk.length
    }
    const { stdout, exitCode } = await host().exec(['sh', '-c', script], { onStderr })
    assert.deepEqual([bytes, exitCode, stdout.length], [250_000_000, 0, 16 << 20])
    assert.equal(stdout.subarray(-5).toString(), '\0end\n')
    assert.ok(process.memoryUsage().rss - before < 250e6)
  })

  test('what ignores TERM is killed when it is aborted, with its children', async () => {
    const controller = new AbortController()
    const mark = `7${process.pid}.25`
    const script = `trap '' TERM; sleep ${mark} & sleep ${mark}; sleep ${mark}`
    const run = host().exec(['sh', '-c', script], { signal: controller.signal })
    await until(() => processesWith(mark).length === 2)
    controller.abort()
    await assert.rejects(run, { name: 'AbortError' })
    await until(() => processesWith(mark).length === 0)
  })

  test('what a program prints while it is stopped is read, where the caller waits for it', async () => {
    const controller = new AbortController()
    const script = `process.on('SIGTERM', () => {
      console.error('last words')
      process.exit(3)
    })
    console.log('ready')
    setInterval(() => {}, 1000)`
    let printed = ''
    const { exitCode } = await host().exec(['node', '-e', script], {
      signal: controller.signal,
      readsToEnd: true,
      onStdout: () => controller.abort(),
      onStderr: (chunk) => {
        printed += chunk
      },
    })
    assert.deepEqual([exitCode, printed], [3, 'last words\n'])
  })

  test('a program that reads nothing can be aborted', async () => {
    const controller = new AbortController()
    const mark = `7${process.pid}.5`
    const run = host().exec(['sleep', mark], { input: Buffer.alloc(4 << 20), signal: controller.signal })
    await until(() => processesWith(mark).length > 0)
    controller.abort()
    await assert.rejects(run, { name: 'AbortError' })
    await until(() => processesWith(mark).length === 0)
  })

  test('a child that keeps the output open can be aborted', async () => {
    const controller = new AbortController()
    const mark = `7${process.pid}.75`
    const run = host().exec(['sh', '-c', `sleep ${mark} & exit 0`], { signal: controller.signal })
    await until(() => processesWith(mark).length > 0)
    controller.abort()
    await assert.rejects(run, { name: 'AbortError' })
    await until(() => processesWith(mark).length === 0)
  })

  test('a script has arguments, stops at the first failure, and says why', async () => {
    const { stdout } = await host().script('printf "%s|" "$@"; cat', ['-n', "it's", 'a\nb'])
    assert.equal(stdout.toString(), "-n|it's|a\nb|")
    const failed = host().script('echo bad >&2; false; echo never')
    await assert.rejects(failed, { code: 'SCRIPT_FAILED', remoteExitCode: 1, stderr: 'bad' })
  })

  test('permissions are as they were asked for', async () => {
    await host().put('modes/usual', '')
    await host().put('modes/tool', '', { mode: 0o750 })
    const { stdout } = await host().exec(['stat', '-c', '%a', 'modes', 'modes/usual', 'modes/tool'])
    assert.equal(stdout.toString(), '700\n600\n750\n')
  })

  test('what cannot be written here is told, and the host can be closed with all that it still says', async () => {
    await host().put('big', Buffer.alloc(8 << 20))
    writeFileSync(join(folder, 'no-folder'), '')
    await assert.rejects(host().fetch('big', join(folder, 'no-folder/below')))
    await host().close()
    assert.equal((await host().exec(['true'])).exitCode, 0)
  })

  test('what fails on the way leaves what was there', async () => {
    const local = join(folder, 'changing')
    mkdirSync(local, { recursive: true })
    writeFileSync(join(local, 'a'), 'first')
    await host().sync(local, 'changing')
    await host().put('in-the-way/file', '')
    await assert.rejects(host().put('in-the-way', 'not a folder'))
    await assert.rejects(host().sync(local, 'in-the-way/file/below'))
    assert.equal((await host().get('changing/a')).toString(), 'first')
    const { stdout } = await host().exec(['find', '.', '-name', '*.incoming'])
    assert.equal(stdout.toString(), '')
  })
}
