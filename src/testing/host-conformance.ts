import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecResult, Host } from '../cluster/host/host.js'
import type { MemoryProgram } from './memory-host.js'

/** A check of one behaviour of hosts. */
export interface ConformanceCheck {
  readonly name: string
  /** Throws when the host does not behave so. */
  readonly check: () => Promise<void>
}

/** The path on the host of the program that the checks run; for a {@link MemoryHost}, it is `conformanceProgram`. */
export const conformancePath = './flambeau-conformance'

/**
 * Returns the checks of the behaviour of a {@link Host}, for any test runner. `makeHost` returns a host, the same or another
 * one each time. The checks write below its home folder only, and do not close the host for good.
 *
 * ```ts
 * for (const { name, check } of hostConformance(() => host)) test(name, check)
 * ```
 */
export function hostConformance(makeHost: () => Host | Promise<Host>): ConformanceCheck[] {
  return Object.entries(checks).map(([name, check]) => ({
    name,
    check: async () => {
      const local = await mkdtemp(join(tmpdir(), 'flambeau-conformance-'))
      try {
        await check(await ready(await makeHost()), local)
      } finally {
        await rm(local, { recursive: true, force: true })
      }
    },
  }))
}

async function ready(host: Host): Promise<Host> {
  await host.put(conformancePath, conformanceScript, { mode: 0o700 })
  await host.remove('conformance')
  return host
}

type Check = (host: Host, local: string) => Promise<void>

const checks: Readonly<Record<string, Check>> = {
  'exit codes are exact': async (host) => {
    for (const code of [0, 1, 2, 126, 127, 128, 130, 254, 255])
      assert.deepEqual(exitOf(await run(host, 'exit', String(code))), { exitCode: code, signal: null })
  },

  'a signal has its name': async (host) => {
    for (const name of ['TERM', 'KILL'])
      assert.deepEqual(exitOf(await run(host, 'signal', name)), { exitCode: null, signal: `SIG${name}` })
  },

  'standard output and standard error are separate': async (host) => {
    const { stdout, stderr } = await run(host, 'print', 'out\n', 'error')
    assert.deepEqual([stdout.toString(), stderr.toString()], ['out\n', 'error'])
  },

  'handlers get the output, and the result does not': async (host) => {
    const seen = { out: '', error: '' }
    const { stdout, stderr } = await host.exec([conformancePath, 'print', 'out', 'error'], {
      onStdout: (chunk) => (seen.out += chunk),
      onStderr: (chunk) => (seen.error += chunk),
    })
    assert.deepEqual(seen, { out: 'out', error: 'error' })
    assert.equal(stdout.length + stderr.length, 0)
  },

  'arguments arrive unchanged': async (host) => {
    const args = [
      '',
      ' ',
      'a b',
      '--',
      '-n',
      "'",
      '"',
      '\\',
      '$HOME',
      '`id`',
      '*',
      'é😀\u2028',
      'a\nb\n',
      '\t\r\u0001',
      '!x;&|<>(){}#~',
    ]
    const { stdout } = await run(host, 'arguments', ...args)
    assert.deepEqual(stdout.toString().split('\0').slice(0, -1), args)
  },

  'input arrives byte for byte': async (host) => {
    for (const input of [Buffer.alloc(0), everyByte, Buffer.alloc(1 << 20, everyByte)])
      assert.ok((await host.exec([conformancePath, 'cat'], { input })).stdout.equals(input))
  },

  'input may be left unread': async (host) => {
    const { exitCode } = await host.exec([conformancePath, 'exit', '3'], { input: Buffer.alloc(1 << 20) })
    assert.equal(exitCode, 3)
  },

  'a program has the given folder and environment': async (host) => {
    await host.makeFolders(['conformance/a b'])
    const path = await homeOf(host)
    const { stdout } = await host.exec([`${path}/${conformancePath}`, 'folder'], { cwd: 'conformance/a b' })
    assert.equal(stdout.toString(), `${path}/conformance/a b\n`)
    const env = { FLAMBEAU_CONFORMANCE: "it's\n$set" }
    const seen = await host.exec([conformancePath, 'environment', 'FLAMBEAU_CONFORMANCE'], { env })
    assert.equal(seen.stdout.toString(), env.FLAMBEAU_CONFORMANCE)
  },

  'a program can be aborted, and the host is usable afterwards': async (host) => {
    const controller = new AbortController()
    const run = host.exec([conformancePath, 'sleep'], { signal: controller.signal })
    setTimeout(() => controller.abort(), 50)
    await assert.rejects(run, { name: 'AbortError' })
    await assert.rejects(host.exec([conformancePath, 'exit', '0'], { signal: controller.signal }), {
      name: 'AbortError',
    })
    assert.equal((await host.exec([conformancePath, 'exit', '4'])).exitCode, 4)
  },

  'a missing program is named': async (host) => {
    const failed = host.exec(['flambeau-no-such-program'])
    await assert.rejects(failed, { code: 'NO_PROGRAM', message: /"flambeau-no-such-program"/ })
  },

  'files that are put can be read back unchanged': async (host) => {
    for (const content of [Buffer.alloc(0), everyByte, Buffer.alloc(5 << 20, everyByte)]) {
      await host.put('conformance/a/b.bin', content)
      assert.ok((await host.get('conformance/a/b.bin')).equals(content))
    }
    await host.put('conformance/a/b.bin', 'text é\n')
    assert.equal((await host.get('conformance/a/b.bin')).toString(), 'text é\n')
  },

  'a missing file is named': async (host) => {
    const missing = { code: 'HOST_NO_FILE', message: /conformance\/nothing/ }
    await assert.rejects(host.get('conformance/nothing'), missing)
    await assert.rejects(host.fetch('conformance/nothing', join(tmpdir(), 'flambeau-nothing')), missing)
  },

  'only files that differ are sent': async (host, local) => {
    await fill(local, { 'a.txt': 'a', empty: '', 'deep/er/b.txt': 'bb', 'deep/c.txt': 'ccc' })
    const sync = () => host.sync(local, 'conformance/tree')
    assert.deepEqual(await sync(), { files: 4, bytes: 6 })
    assert.deepEqual(await sync(), { files: 0, bytes: 0 })
    await fill(local, { 'a.txt': 'other' })
    await rm(join(local, 'deep/c.txt'))
    assert.deepEqual(await sync(), { files: 1, bytes: 5 })
    assert.deepEqual(await listing(host, 'conformance/tree'), {
      'a.txt': 'other',
      'deep/er/b.txt': 'bb',
      empty: '',
    })
  },

  'files keep their executable bit': async (host, local) => {
    const tool = join(local, 'tree/tool')
    await fill(local, { 'tree/tool': '#!/bin/sh\n', 'tree/text': '' })
    for (const mode of [0o755, 0o644, 0o755]) {
      await chmod(tool, mode)
      await host.sync(join(local, 'tree'), 'conformance/tree')
      await host.fetch('conformance/tree', join(local, 'back'))
      const isExecutable = async (name: string) =>
        ((await stat(join(local, 'back', name))).mode & 0o100) !== 0
      assert.deepEqual([await isExecutable('tool'), await isExecutable('text')], [mode === 0o755, false])
    }
  },

  'ignored files are not sent': async (host, local) => {
    await fill(local, {
      a: '',
      'b.log': '',
      'secret/key': '',
      '.git/x': '',
      '.flambeauignore': 'secret/\n',
      'deep/c.log': '',
    })
    await host.sync(local, 'conformance/tree', { ignore: ['*.log'] })
    assert.deepEqual(Object.keys(await listing(host, 'conformance/tree')), ['.flambeauignore', 'a'])
  },

  'files can have unusual names': async (host, local) => {
    const files = Object.fromEntries(
      ['-n', 'a b', 'new\nline', "it's", 'é😀', '$x', '*', '#c', '!d', ' e '].map((name) => [name, name]),
    )
    await fill(local, files)
    await host.sync(local, "conformance/it's *")
    assert.deepEqual(await listing(host, "conformance/it's *"), sorted(files))
  },

  'a single file is fetched as one': async (host, local) => {
    await host.put('conformance/one.bin', everyByte)
    await host.fetch('conformance/one.bin', join(local, 'deep/two.bin'))
    assert.ok((await readFile(join(local, 'deep/two.bin'))).equals(everyByte))
    assert.deepEqual(await readdir(join(local, 'deep')), ['two.bin'])
  },

  'fetched files are added to a folder': async (host, local) => {
    await host.put('conformance/out/new', 'new')
    await host.put('conformance/out/deep/same', 'same')
    await fill(local, { 'out/old': 'old', 'out/deep/same': 'same', 'out/deep/mine': 'mine' })
    await host.fetch('conformance/out', join(local, 'out'))
    assert.deepEqual((await readdir(join(local, 'out'))).sort(), ['deep', 'new', 'old'])
    assert.deepEqual((await readdir(join(local, 'out/deep'))).sort(), ['mine', 'same'])
    assert.deepEqual(await readdir(local), ['out'])
  },

  'fetched files replace others only with "force"': async (host, local) => {
    await host.put('conformance/out/file', 'new')
    await host.put('conformance/out/other', 'new')
    await fill(local, { 'out/file': 'old' })
    await assert.rejects(host.fetch('conformance/out', join(local, 'out')), { code: 'TARGET_DIFFERS' })
    assert.deepEqual(await readdir(join(local, 'out')), ['file'])
    await host.fetch('conformance/out', join(local, 'out'), { force: true })
    assert.equal(await readFile(join(local, 'out/file'), 'utf8'), 'new')
  },

  'files and folders can be removed': async (host) => {
    await host.put('conformance/a/b', '')
    await host.remove('conformance/a', { contentOnly: true })
    assert.deepEqual(
      [await host.exists('conformance/a'), await host.exists('conformance/a/b')],
      [true, false],
    )
    await host.remove('conformance/a')
    await host.remove('conformance/a')
    assert.equal(await host.exists('conformance/a'), false)
  },

  'resources are reported': async (host) => {
    const { cpus, memory, gpus } = await host.resources()
    assert.ok(cpus >= 1 && memory > 0 && Array.isArray(gpus))
  },

  'a host can be used concurrently': async (host) => {
    const codes = Array.from({ length: 25 }, (_, index) => index)
    const exits = await Promise.all(codes.map((code) => run(host, 'exit', String(code))))
    assert.deepEqual(
      exits.map(({ exitCode }) => exitCode),
      codes,
    )
  },

  'a closed host can be used again': async (host) => {
    await host.close()
    await host.waitUntilAccessible({ timeoutMs: 10_000 })
    assert.equal((await run(host, 'exit', '5')).exitCode, 5)
  },
}

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

function run(host: Host, ...args: readonly string[]): Promise<ExecResult> {
  return host.exec([conformancePath, ...args])
}

function exitOf({ exitCode, signal }: ExecResult) {
  return { exitCode, signal }
}

async function homeOf(host: Host): Promise<string> {
  return (await run(host, 'folder')).stdout.toString().trimEnd()
}

async function fill(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

/** The content of the files of a folder on a host. */
async function listing(host: Host, path: string): Promise<Record<string, string>> {
  const local = await mkdtemp(join(tmpdir(), 'flambeau-conformance-'))
  try {
    await host.fetch(path, join(local, 'all'))
    const entries = await readdir(join(local, 'all'), { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    const read = files.map(async (file) => [
      file.slice(join(local, 'all/').length),
      await readFile(file, 'utf8'),
    ])
    return sorted(Object.fromEntries(await Promise.all(read)))
  } finally {
    await rm(local, { recursive: true, force: true })
  }
}

function sorted(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The program that {@link hostConformance} runs on a host, as a shell script: the first argument is the action. */
const conformanceScript = `#!/bin/sh
action=$1
shift
case $action in
  exit) exit "$1" ;;
  signal) kill -s "$1" $$; sleep 30 ;;
  print) printf '%s' "$1"; printf '%s' "$2" >&2 ;;
  arguments) for each; do printf '%s\\000' "$each"; done ;;
  cat) exec cat ;;
  folder) pwd -P ;;
  environment) eval "printf '%s' \\"\\$$1\\"" ;;
  sleep) exec sleep 60 ;;
esac
`

/** The same program for a {@link MemoryHost}. */
export const conformanceProgram: MemoryProgram = async (call) => {
  const [action = '', ...args] = call.args
  return (await actions[action]?.(call, args)) ?? 0
}

type Action = (
  call: Parameters<MemoryProgram>[0],
  args: readonly string[],
) => Promise<number | string | undefined>

const actions: Readonly<Record<string, Action>> = {
  exit: async (_, [code]) => Number(code),
  signal: async (_, [name]) => `SIG${name}`,
  print: async ({ print, printError }, [out = '', error = '']) => {
    await print(out)
    await printError(error)
    return 0
  },
  arguments: async ({ print }, args) => {
    for (const each of args) await print(`${each}\0`)
    return 0
  },
  cat: async ({ print, input }) => {
    await print(input)
    return 0
  },
  folder: async ({ print, cwd }) => {
    await print(`${cwd}\n`)
    return 0
  },
  environment: async ({ print, env }, [name = '']) => {
    await print(env[name] ?? '')
    return 0
  },
  sleep: () => new Promise(() => undefined),
}
