// Texts of files, hosts and user code: a terminal and the log of a CI obey none of them, and none brings down a command.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  isFlambeauError,
  parseSecrets,
  Registry,
  Runnable,
  runFile,
  UnsuccessfulRunnableError,
} from 'flambeau'
import { bullmqEngine } from 'flambeau/bullmq'
import { openPool, readRecords, writeReport } from 'flambeau/pool'
import { random } from '../support/random.js'
import { type CommandEnd, endOf, UserPackage } from '../support/user-package.js'

/** What a terminal obeys, and what shows it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/
const workflowCommand = /^\s*::.*::|##\[/m

const project = new UserPackage('untrusted')
after(() => project.end())

function flambeau(...args: string[]): Promise<CommandEnd> {
  const cli = join(process.cwd(), 'dist/cli/main.js')
  const env = { ...process.env, NO_COLOR: '1' }
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: project.folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return endOf(child)
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

describe('what is printed', () => {
  const hostile = '\u001b]0;title\u0007\u009b31m\u202e\u2066 line\\r\\n::stop-commands::now\\n ##[add-mask]x'

  test('has escapes for what a terminal obeys', async () => {
    project.file(
      'keys.yaml',
      `"${hostile.replaceAll('\u001b', '\\e').replaceAll('\u0007', '\\a')}": &a !Nobody1\n`,
    )
    const { code, stdout, stderr } = await flambeau('check', 'keys.yaml')
    assert.equal(code, 22)
    assert.doesNotMatch(stdout + stderr, obeyed)
    assert.match(stdout, /!Nobody1/)
  })

  for (const format of ['text', 'github', 'json'])
    test(`begins no command of a CI, with --format ${format}`, async () => {
      project.file('command.yaml', 'e: "./x\\n::stop-commands::now\\n##[add-mask]a"\n---\n!A\n')
      const { stdout, stderr } = await flambeau('check', '--format', format, 'command.yaml')
      const lines = (stdout + stderr).split('\n').filter((line) => !line.startsWith('::error file='))
      assert.doesNotMatch(lines.join('\n'), workflowCommand)
      // The message repeats nothing of it; where the lines of the file are shown, it stands there as it is written.
      if (format !== 'github') assert.match(stdout + stderr, /stop-commands/)
    })

  test('of an error of user code is as safe, and what the user code itself prints stays as it is', async () => {
    const code = `import { Runnable, registrable } from 'flambeau'
class Says extends Runnable { run({ logger }) { logger.info('\\u001b[1mmine\\u001b[0m'); throw new Error('\\u001b]0;t\\u0007\\n::set-output name=a::b') } }
registrable('!Says')(Says)`
    project.file('says.mjs', code)
    project.file('says.yaml', '!Says\n')
    const { stderr } = await flambeau('run', '--import', './says.mjs', 'says.yaml')
    assert.ok(stderr.includes('\u001b[1mmine\u001b[0m'))
    const rest = stderr.replace('\u001b[1mmine\u001b[0m', '')
    assert.doesNotMatch(rest, obeyed)
    assert.doesNotMatch(rest, workflowCommand)
    assert.match(rest, /\\u001b\]0;t\\u0007/)
  })

  test('keeps what harms nobody: an address, a path of C++, tabs and other scripts', async () => {
    const message = 'no route to ::1, std::vector::at,\ta "日本語" and "ñ"\n::1 is down'
    const logged: string[] = []
    const logger = { ...quiet, error: (text: string) => logged.push(text) }
    const registry = new Registry()
    class Fails extends Runnable {
      run() {
        throw new UnsuccessfulRunnableError(message)
      }
    }
    registry.add(Fails, '!Fails')
    await runFile({ content: '!Fails' }, { registry, logger })
    assert.deepEqual(logged, [message])
  })

  test('is masked before it is escaped', async () => {
    const logged: string[] = []
    const logger = { ...quiet, error: (text: string) => logged.push(text) }
    const registry = new Registry()
    const secrets = await parseSecrets('[A]\nkey = abc\u0007def\n')
    class Leaks extends Runnable {
      run() {
        throw new Error(`key is ${this.config.get('A', 'key')}`)
      }
    }
    registry.add(Leaks, '!Leaks')
    await runFile({ content: '!Leaks' }, { registry, logger, secrets })
    assert.doesNotMatch(logged.join(), /abc|def/)
  })
})

/** Values that throw when something is read of them. */
function thrownThings(): unknown[] {
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  const throwing = {
    get() {
      throw new Error('get')
    },
  }
  const traps = { ...throwing, has: throwing.get, getPrototypeOf: throwing.get }
  const error = new Error('its fields throw')
  for (const name of ['stack', 'message', 'name', 'code', 'exitCode', 'cause'])
    Object.defineProperty(error, name, throwing)
  const branded = Object.defineProperties(
    { [Symbol.for('flambeau.error')]: true },
    Object.fromEntries(['message', 'problems', 'exitCode', 'code', 'cause'].map((name) => [name, throwing])),
  )
  const text = Object.assign(Object.create(null), { toString: throwing.get })
  return [revoked.proxy, new Proxy({}, traps), error, branded, text, Symbol('s'), null, undefined, () => {}]
}

describe('what user code throws', () => {
  for (const [at, thrown] of thrownThings().entries()) {
    const throws = {
      run: class extends Runnable {
        run() {
          throw thrown
        }
      },
      parse: class extends Runnable {
        override parse() {
          throw thrown
        }
        run() {}
      },
      constructor: class extends Runnable {
        constructor() {
          super()
          throw thrown
        }
        run() {}
      },
      schema: class extends Runnable {
        static schema = {
          '~standard': {
            version: 1,
            vendor: 'test',
            validate() {
              throw thrown
            },
          },
        }
        run() {}
      },
    }
    for (const [where, Class] of Object.entries(throws))
      test(`number ${at} in "${where}" is an outcome`, async () => {
        const registry = new Registry()
        registry.add(Class as never, '!X')
        const outcome = await runFile({ content: '!X {}' }, { registry, logger: quiet })
        assert.equal(outcome.ok, false)
        assert.ok(outcome.exitCode > 0 && outcome.exitCode < 256)
      })

    test(`number ${at} in a task of a pool is how it ended`, async () => {
      const registry = new Registry()
      registry.add(throws.run as never, '!X')
      await using pool = await openPool({ engine: 'inline', registry, logger: quiet, folder: project.folder })
      for await (const outcome of pool.map([new throws.run()], { onError: 'collect' }))
        assert.equal(outcome.ok, false)
    })
  }

  test('a logger that throws keeps no outcome back', async () => {
    const logger = {
      ...quiet,
      error() {
        throw new Error('no')
      },
    }
    const outcome = await runFile({ content: '!Nobody' }, { logger })
    assert.equal(outcome.exitCode, 22)
  })
})

describe('stored results that were edited', () => {
  const folder = join(project.folder, 'sweep')
  const record = {
    trial: '01',
    key: 'k',
    options: { n: 1 },
    metric: 1,
    durationMs: 1,
    host: 'h',
    attempts: 1,
  }
  const description = { metric: 'v', goal: 'max', trials: 2 }

  function write(lines: readonly unknown[], about: unknown = description): void {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'results.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    writeFileSync(join(folder, 'sweep.json'), JSON.stringify(about))
  }

  test('are told by the line', async () => {
    write([record, { trial: '02' }])
    await assert.rejects(readRecords(folder), {
      code: 'EDITED_RESULTS',
      exitCode: 22,
      message: /^Line 2 of ".*results\.jsonl" was edited: "key" is missing;/,
    })
  })

  test('a file that is a folder is a mistake', async () => {
    const output = join(project.folder, 'folders')
    mkdirSync(join(output, 'results.jsonl'), { recursive: true })
    await assert.rejects(readRecords(output), { code: 'UNREADABLE', message: /EISDIR/ })
  })

  test('make a page or a typed error, whatever was edited', async () => {
    const next = random(7)
    const values: unknown[] = [
      null,
      true,
      -1,
      1e308,
      '',
      '\u0000',
      [],
      {},
      { toString: 1 },
      { length: -1 },
      undefined,
    ]
    const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!
    let pages = 0
    for (let times = 0; times < 300; times++) {
      const edited: Record<string, unknown> = { ...record, options: { ...record.options } }
      const about: Record<string, unknown> = { ...description }
      const place = pick([edited, edited, edited['options'] as typeof edited, about])
      place[pick([...Object.keys(place), 'error', 'stopped', 'result'])] = pick(values)
      write([record, edited], about)
      await writeReport(folder).then(
        () => pages++,
        (error) => assert.ok(isFlambeauError(error), `${error.stack}\n${JSON.stringify([edited, about])}`),
      )
    }
    assert.ok(pages > 0)
  })
})

describe('the URL of Redis', () => {
  for (const url of [
    'redis://:50%25off%@127.0.0.1:1',
    'redis://%E0%A4%A@127.0.0.1:1',
    'redis://127.0.0.1:1/%',
    'redis://127.0.0.1:1/?a=%zz',
    'redis://h\0st',
    'http://127.0.0.1',
  ])
    test(`"${url.replace('\0', 'NUL')}" is refused without showing the password`, async () => {
      await assert.rejects(bullmqEngine({ redis: url }), (error) => {
        assert.ok(isFlambeauError(error))
        assert.equal(error.code, 'BAD_REDIS_URL')
        assert.doesNotMatch(error.message, /off|127/)
        return true
      })
    })
})
