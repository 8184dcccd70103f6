import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import {
  type Builder,
  ConstructionError,
  DocumentError,
  dump,
  FlambeauError,
  factory,
  isFlambeauError,
  isRunnable,
  load,
  type Node,
  ParsingRunnableError,
  Registry,
  ResourceError,
  type RunFileOptions,
  Runnable,
  RunnableFileError,
  type RunOptions,
  readSecrets,
  registrable,
  runFile,
  runOptions,
  SafeExecutionContext,
  SecretsFileError,
  UnsuccessfulRunnableError,
} from 'flambeau'
import { z } from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-runnable-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
function fileOf(content: string | Uint8Array, name = `file-${++files}`): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

type Level = 'debug' | 'info' | 'warn' | 'error'

class Recorder {
  readonly lines: { level: Level; text: string }[] = []
  readonly debug = this.#writer('debug')
  readonly info = this.#writer('info')
  readonly warn = this.#writer('warn')
  readonly error = this.#writer('error')

  #writer(level: Level) {
    return (...message: unknown[]) => void this.lines.push({ level, text: message.join(' ') })
  }

  get text(): string {
    return this.lines.map(({ text }) => text).join('\n')
  }
}

const stackLine = /^\s+at /m

const registry = new Registry()

const GreetOptions = z.object({ name: z.string(), times: z.number().default(1) })

@registrable('!Greet', { registry })
class Greet extends Runnable.with(GreetOptions) {
  override run() {
    return `Hello, ${this.options.name}`.repeat(this.options.times)
  }
}

/** Does what a test says, and lets it look at the runnable that was loaded. */
@registrable('!Probe', { registry })
class Probe extends Runnable<unknown, { handle?: object }> {
  static body: (probe: Probe, options: RunOptions & { handle?: object }) => unknown = () => undefined
  static parsing: (probe: Probe) => void | Promise<void> = () => undefined

  constructor(readonly options: { exit?: number } = {}) {
    super(options)
  }

  override parse() {
    return Probe.parsing(this)
  }

  override run(options: RunOptions & { handle?: object }) {
    return Probe.body(this, options)
  }
}

interface Doing {
  body?: typeof Probe.body
  parsing?: typeof Probe.parsing
}

/** Runs `!Probe` with a body of the test's own; what it logs is in `logger`. */
async function probing({ body, parsing }: Doing, options: RunFileOptions = {}, content = '!Probe {}\n') {
  Probe.body = body ?? (() => undefined)
  Probe.parsing = parsing ?? (() => undefined)
  const logger = new Recorder()
  const outcome = await runFile<any>({ content, filename: 'probe.yaml' }, { registry, logger, ...options })
  return { outcome, logger }
}

function failing(outcome: { ok: boolean }): Error & { code?: string } {
  assert.equal(outcome.ok, false)
  return (outcome as unknown as { error: Error & { code?: string } }).error
}

const silent = { logger: new Recorder() }

describe('a runnable in code', () => {
  test('has options of its schema and runs', () => {
    assert.equal(new Greet({ name: 'Ada', times: 2 }).run(), 'Hello, AdaHello, Ada')
    assert.equal(new Greet({ name: 'Ada' }).options.times, 1)
  })

  test('runs with complete run options', async () => {
    Probe.body = (_, options) => options
    const options = (await new Probe().run(runOptions())) as RunOptions
    const { force, verbose, debug, signal } = options
    assert.deepEqual({ force, verbose, debug }, { force: false, verbose: false, debug: false })
    assert.equal(signal.aborted, false)
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      assert.equal(typeof options.logger[level], 'function')
  })

  test('runs with those run options that are given, and others of its own', async () => {
    Probe.body = (_, options) => options
    const handle = { database: true }
    const signal = AbortSignal.abort()
    const options = (await new Probe().run(runOptions({ force: true, signal, handle }))) as RunOptions & {
      handle: object
    }
    assert.equal(options.force, true)
    assert.equal(options.verbose, false)
    assert.equal(options.signal, signal)
    assert.equal(options.handle, handle)
  })

  test('an option that is given as undefined is as if it were absent', () => {
    const given = { logger: undefined, force: undefined } as unknown as Partial<RunOptions>
    const { logger, force } = runOptions(given)
    assert.equal(typeof logger.info, 'function')
    assert.equal(force, false)
  })

  test('can always run when nothing says otherwise', async () => {
    assert.equal(await new Greet({ name: 'Ada' }).parse(), undefined)
  })

  test('knows no text, no extensions and no secrets at first', () => {
    const greet = new Greet({ name: 'Ada' })
    assert.equal(greet.content, undefined)
    assert.deepEqual(greet.extensions, {})
    assert.deepEqual(greet.config.sections(), [])
  })

  test('knows the text that is injected', () => {
    const greet = new Greet({ name: 'Ada' })
    greet.injectContent('!Greet\r\nname: Ada')
    assert.equal(greet.content, '!Greet\r\nname: Ada')
  })

  test('knows the extensions that are injected, as they were then', () => {
    const greet = new Greet({ name: 'Ada' })
    const extensions: Record<string, string> = { mine: './mine' }
    greet.injectExtensions(extensions)
    extensions['later'] = './later'
    assert.deepEqual(greet.extensions, { mine: './mine' })
  })

  test('is run by the user of the computer', () => {
    assert.equal(new Greet({ name: 'Ada' }).userProvider(), userInfo().username)
  })

  test('is run by whom the host program says', () => {
    const greet = new Greet({ name: 'Ada' })
    greet.userProvider = () => 'grace'
    assert.equal(greet.userProvider(), 'grace')
    assert.equal(new Greet({ name: 'Bea' }).userProvider(), userInfo().username)
  })

  test('shares nothing that is injected with another', () => {
    const [one, other] = [new Greet({ name: 'Ada' }), new Greet({ name: 'Bea' })]
    one.injectContent('one')
    one.injectExtensions({ mine: './mine' })
    assert.equal(other.content, undefined)
    assert.deepEqual(other.extensions, {})
  })
})

describe('secrets', () => {
  const indented = '\n        [SOME_SECTION]\n        RANDOM = random\n    '
  const hidden = 'a-very-secret-value'
  const withSecret = async () => {
    const greet = new Greet({ name: 'Ada' })
    greet.injectContent('!Greet { name: Ada }')
    greet.injectExtensions({ mine: './mine' })
    await greet.injectSecrets(fileOf(`[AWS]\nACCESS_KEY = ${hidden}\n`))
    return greet
  }

  test('are taken from a valid file', async () => {
    await new Greet({ name: 'Ada' }).injectSecrets(fileOf(indented))
  })

  test('are refused from a file without a header', async () => {
    const path = fileOf('\n        this is a text\n    ')
    const refused = new Greet({ name: 'Ada' }).injectSecrets(path)
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof SecretsFileError)
      assert.equal(error.exitCode, 22)
      assert.equal(error.problems[0]?.line, 2)
      assert.match(error.message, /section|header/i)
      return true
    })
  })

  test('are refused from a file that is JSON', async () => {
    const refused = new Greet({ name: 'Ada' }).injectSecrets(fileOf('\n        {json: tru}\n    '))
    await assert.rejects(refused, SecretsFileError)
  })

  test('are refused from a file that is missing', async () => {
    const path = join(folder, 'no-such.ini')
    await assert.rejects(new Greet({ name: 'Ada' }).injectSecrets(path), (error) => {
      assert.ok(isFlambeauError(error))
      assert.equal(error.exitCode, 22)
      assert.match(error.message, /no-such\.ini/)
      return true
    })
  })

  test('have no section without a file', () => {
    const { config } = new Greet({ name: 'Ada' })
    assert.deepEqual(config.sections(), [])
    assert.equal(config.has('SOME_SECTION'), false)
    assert.equal(config.get('SOME_SECTION', 'RANDOM', { fallback: 'none' }), 'none')
  })

  test('are read by section and key', async () => {
    const greet = new Greet({ name: 'Ada' })
    await greet.injectSecrets(fileOf(indented))
    assert.deepEqual(greet.config.sections(), ['SOME_SECTION'])
    assert.equal(greet.config.has('SOME_SECTION'), true)
    assert.equal(greet.config.has('SOME_SECTION', 'RANDOM'), true)
    assert.equal(greet.config['SOME_SECTION']?.['RANDOM'], 'random')
    assert.equal(greet.config.get('SOME_SECTION', 'RANDOM'), 'random')
  })

  test('may have been read before', async () => {
    const greet = new Greet({ name: 'Ada' })
    await greet.injectSecrets(await readSecrets(fileOf('[A]\nb = c\n')))
    assert.equal(greet.config.get('A', 'b'), 'c')
  })

  test('join those before', async () => {
    const greet = await withSecret()
    await greet.injectSecrets(fileOf('[OTHER]\nkey = value\n'))
    assert.deepEqual(greet.config.sections(), ['AWS', 'OTHER'])
  })

  test('are not in a dump, and neither is anything else that is injected', async () => {
    assert.equal(dump(await withSecret(), { registry }), '!Greet\nname: Ada\n')
  })

  test('are not in a dump of a loaded runnable, either', async () => {
    const path = fileOf('# why\n!Greet { name: Ada }\n')
    const secrets = fileOf(`[AWS]\nACCESS_KEY = ${hidden}\n`)
    const context = new SafeExecutionContext(path, { registry, userProvider: () => 'grace' })
    const { runnable } = await context.preprocess({ secrets })
    assert.equal(runnable.config.get('AWS', 'ACCESS_KEY'), hidden)
    assert.equal(dump(runnable, { registry }), '# why\n!Greet { name: Ada }\n')
    assert.doesNotMatch(dump(runnable, { registry, defaults: true }), /AWS|grace|content|extensions/)
  })

  test('are not in JSON', async () => {
    const greet = await withSecret()
    assert.equal(JSON.stringify(greet), '{"options":{"name":"Ada","times":1}}')
    assert.doesNotMatch(JSON.stringify({ ...greet.config, config: greet.config }), new RegExp(hidden))
  })

  test('are not in what console.log shows', async () => {
    const greet = await withSecret()
    for (const shown of [greet, greet.config, greet.config['AWS'], { deep: { greet } }])
      assert.doesNotMatch(
        inspect(shown, { depth: null, showHidden: true, getters: true }),
        new RegExp(hidden),
      )
  })

  test('reach a run through its file', async () => {
    const { outcome } = await probing(
      { body: ({ config }) => config.get('AWS', 'ACCESS_KEY') },
      { secrets: fileOf(`[AWS]\nACCESS_KEY = ${hidden}\n`) },
    )
    assert.deepEqual(outcome, { ok: true, value: hidden, exitCode: 0 })
  })

  test('reach parse, too', async () => {
    const seen: string[] = []
    const parsing = ({ config }: Probe) => void seen.push(config.get('A', 'b'))
    await probing({ parsing }, { secrets: fileOf('[A]\nb=c') })
    assert.deepEqual(seen, ['c'])
  })

  test('are read in the dialect of the options', async () => {
    const { outcome } = await probing(
      { body: ({ config }) => config.get('A', 'b') },
      { secrets: fileOf('[A]\nb = "c # d"\n'), dialect: 'ini' },
    )
    assert.equal(outcome.ok && outcome.value, 'c # d')
  })

  test('that are missing end a run as a mistake of the user, with names only', async () => {
    const secrets = fileOf(`[AWS]\nACCESS_KEY = ${hidden}\n`)
    const { outcome, logger } = await probing(
      { body: ({ config }) => config.get('AWS', 'TOKEN') },
      { secrets },
    )
    assert.equal(outcome.exitCode, 22)
    assert.equal(failing(outcome).name, 'MissingSecretsError')
    assert.match(logger.text, /"AWS".*"TOKEN"|"TOKEN".*"AWS"/)
    assert.doesNotMatch(logger.text, new RegExp(hidden))
    assert.doesNotMatch(logger.text, stackLine)
  })

  test('are masked in the log of a crash', async () => {
    const body = ({ config }: Probe) => {
      throw new Error(`403 for ${config.get('AWS', 'ACCESS_KEY')}`)
    }
    const { logger } = await probing({ body }, { secrets: fileOf(`[AWS]\nACCESS_KEY = ${hidden}\n`) })
    assert.match(logger.text, /403 for /)
    assert.doesNotMatch(logger.text, new RegExp(hidden))
  })

  test('in a file that is wrong end a run before anything is constructed', async () => {
    let parsed = 0
    const { outcome, logger } = await probing(
      { parsing: () => void parsed++ },
      { secrets: fileOf('key = value\n', 'wrong.ini') },
    )
    assert.equal(outcome.exitCode, 22)
    assert.equal(parsed, 0)
    assert.match(logger.text, /wrong\.ini/)
    assert.doesNotMatch(logger.text, stackLine)
  })
})

describe('isRunnable', () => {
  test('is true of runnables', () => {
    assert.equal(isRunnable(new Greet({ name: 'Ada' })), true)
    assert.equal(isRunnable(new Probe()), true)
  })

  test('is false of everything else', () => {
    const others = [
      null,
      undefined,
      1,
      'run',
      {},
      [],
      Greet,
      { run: () => 1, parse: () => 1 },
      new Registry(),
    ]
    for (const other of others) assert.equal(isRunnable(other), false)
  })

  test('knows the brand and not the class, which another copy of the package has', () => {
    const brand = Symbol.for('flambeau.Runnable')
    assert.equal(isRunnable({ [brand]: true }), true)
    assert.equal((new Greet({ name: 'Ada' }) as unknown as Record<symbol, unknown>)[brand], true)
  })

  test('the brand is no property that shows', () => {
    const greet = new Greet({ name: 'Ada' })
    assert.deepEqual(Object.keys(greet), ['options'])
    assert.equal(Object.hasOwn(greet, Symbol.for('flambeau.Runnable')), false)
    assert.equal(inspect(greet), "Greet { options: { name: 'Ada', times: 1 } }")
  })
})

describe('SafeExecutionContext in steps', () => {
  /** Classes of a registry of their own that count how often each is constructed. */
  function counted() {
    const own = new Registry()
    const made: string[] = []

    @registrable('!Child', { registry: own })
    class Child {
      constructor(readonly options: { size?: number } = {}) {
        made.push('Child')
      }
    }

    @registrable('!Word', { registry: own })
    class Word {
      constructor(readonly text: string) {}
      static fromYaml(builder: Builder, node: Node) {
        made.push('Word')
        return new Word(builder.constructScalar(node))
      }
    }

    const JobOptions = z.object({ child: z.instanceof(Child), again: z.unknown(), word: z.instanceof(Word) })

    @registrable('!Job', { registry: own })
    class Job extends Runnable.with(JobOptions) {
      constructor(options: z.input<typeof JobOptions>) {
        super(options)
        made.push('Job')
      }
      override parse() {
        made.push('parse')
      }
      override run() {
        made.push('run')
        return this.options
      }
    }
    return { registry: own, made, Job }
  }

  const job = '!Job\nchild: &child !Child { size: 1 }\nagain: *child\nword: !Word hello\n'

  test('firstParse tells the text and the extensions', async () => {
    const path = fileOf('mine: ./mine\nother: name@^1.2\n---\n!Greet { name: Ada }\n')
    const { extensions, content } = await new SafeExecutionContext(path, { registry }).firstParse()
    assert.deepEqual(extensions, { mine: './mine', other: 'name@^1.2' })
    assert.match(content, /!Greet \{ name: Ada \}\n$/)
    assert.doesNotMatch(content, /mine/)
  })

  test('firstParse and checkTags construct nothing', async () => {
    const { registry, made } = counted()
    const context = new SafeExecutionContext(fileOf(job), { registry })
    await context.firstParse()
    await context.checkTags()
    assert.deepEqual(made, [])
  })

  test('firstParse does not mind tags that nobody registered', async () => {
    const context = new SafeExecutionContext({ content: '!Nobody {}' }, { registry })
    assert.equal((await context.firstParse()).content, '!Nobody {}')
  })

  test('checkTags throws every problem at once, in file order', async () => {
    const content =
      '!Greet\nname: !Nobody {}\ntimes: many\nextra: !Greed { name: Ada }\nlast: !Probe.make {}\n'
    const context = new SafeExecutionContext({ content, filename: 'all.yaml' }, { registry })
    await assert.rejects(context.checkTags(), (error) => {
      assert.ok(error instanceof DocumentError)
      assert.deepEqual(
        error.problems.map(({ code, line, column }) => [code, line, column]),
        [
          ['UNKNOWN_TAG', 2, 7],
          ['BAD_OPTION', 3, 8],
          ['UNKNOWN_TAG', 4, 8],
          ['UNKNOWN_FACTORY', 5, 7],
        ],
      )
      assert.equal(error.problems[2]?.hint, '!Greet')
      for (const { file, message } of error.problems) {
        assert.equal(file, 'all.yaml')
        assert.ok(error.message.includes(message))
      }
      return true
    })
  })

  test('checkTags is content with a file that is right', async () => {
    assert.equal(await new SafeExecutionContext(fileOf(job), counted()).checkTags(), undefined)
  })

  test('compileRunnable constructs each object once, whatever came before', async () => {
    const { registry, made, Job } = counted()
    const context = new SafeExecutionContext(fileOf(job), { registry })
    await context.firstParse()
    await context.checkTags()
    const runnable = await context.compileRunnable()
    assert.ok(runnable instanceof Job)
    assert.equal(runnable.options.again, runnable.options.child)
    assert.deepEqual(made, ['Child', 'Word', 'Job'])
  })

  test('compileRunnable needs no step before, and constructs nothing of a file with a problem', async () => {
    const { registry, made } = counted()
    const context = new SafeExecutionContext(
      { content: job.replace('hello', 'hello\nmore: !Wrd x') },
      { registry },
    )
    await assert.rejects(context.compileRunnable(), { code: 'UNKNOWN_TAG' })
    assert.deepEqual(made, [])
  })

  test('compileRunnable gives the runnable its text and its user', async () => {
    const path = fileOf('!Greet { name: Ada } # text\n')
    const context = new SafeExecutionContext(path, { registry, userProvider: () => 'grace' })
    const runnable = await context.compileRunnable()
    assert.equal(runnable.content, '!Greet { name: Ada } # text\n')
    assert.equal(runnable.userProvider(), 'grace')
  })

  test('the file is read once: what becomes of it later does not matter', async () => {
    const { registry, made } = counted()
    const path = fileOf(job)
    const context = new SafeExecutionContext(path, { registry })
    await context.firstParse()
    rmSync(path)
    const { runnable } = await context.preprocess()
    assert.equal(runnable.content, job)
    assert.deepEqual(made, ['Child', 'Word', 'Job', 'parse'])
  })

  test('preprocess does every step once and stops before run', async () => {
    const { registry, made } = counted()
    const { runnable, extensions } = await new SafeExecutionContext(fileOf(job), { registry }).preprocess()
    assert.ok(isRunnable(runnable))
    assert.deepEqual(extensions, {})
    assert.deepEqual(made, ['Child', 'Word', 'Job', 'parse'])
  })

  test('preprocess without secrets leaves the runnable without', async () => {
    const { runnable } = await new SafeExecutionContext(fileOf('!Probe'), { registry }).preprocess()
    assert.deepEqual(runnable.config.sections(), [])
  })

  test('the whole way through a context is that of runFile', async () => {
    const { registry, made } = counted()
    const context = new SafeExecutionContext(fileOf(job), { registry })
    const outcome = await context.run(async (options) => {
      const { runnable } = await context.preprocess()
      return runnable.run(options)
    }, silent)
    assert.equal(outcome.ok, true)
    const throughContext = made.splice(0)
    assert.equal((await runFile(fileOf(job), { registry, ...silent })).ok, true)
    assert.deepEqual(throughContext, ['Child', 'Word', 'Job', 'parse', 'run'])
    assert.deepEqual(made, throughContext)
  })

  test('run gives its body complete options', async () => {
    const context = new SafeExecutionContext('nowhere.yaml', { registry })
    const outcome = await context.run((options) => options, { verbose: true, ...silent })
    assert.ok(outcome.ok)
    const { force, verbose, debug, signal, logger } = outcome.value
    assert.deepEqual({ force, verbose, debug }, { force: false, verbose: true, debug: false })
    assert.ok(signal instanceof AbortSignal)
    assert.equal(logger, silent.logger)
  })

  test('a file may be a URL', async () => {
    const outcome = await runFile(pathToFileURL(fileOf('!Greet { name: Ada }')), { registry, ...silent })
    assert.equal(outcome.ok && outcome.value, 'Hello, Ada')
  })

  test('a text that is at hand is called what it is said to be called', async () => {
    for (const [given, called] of [
      [{ content: 'a: 1', filename: 'at-hand.yaml' }, 'at-hand.yaml'],
      [{ content: 'a: 1' }, '<text>'],
    ] as const)
      await assert.rejects(new SafeExecutionContext(given, { registry }).compileRunnable(), (error) => {
        assert.ok(error instanceof RunnableFileError)
        assert.equal(error.problems[0]?.file, called)
        return true
      })
  })
})

describe('the content of a runnable', () => {
  const oneDocument = {
    'plain text': '!Greet\nname: Ada\n',
    'lines of Windows': '!Greet\r\nname: Ada\r\n',
    'comments on all sides': '# before\n\n!Greet # beside\nname: Ada\n\n# behind\n',
    markers: '%YAML 1.2\n---\n!Greet\nname: Ada\n...\n',
    'no newline at the end': '!Greet { name: Ada }',
    'spaces at the end of lines': '!Greet  \nname:   Ada   \n   \n',
    'letters of several bytes': '!Greet { name: "Зоë 🔥" }\n',
    'a mark of the byte order': '\ufeff!Greet { name: Ada }\n',
  }

  for (const [what, text] of Object.entries(oneDocument))
    test(`is its file byte for byte: ${what}`, async () => {
      const path = fileOf(text)
      const runnable = await new SafeExecutionContext(path, { registry }).compileRunnable()
      assert.ok(runnable instanceof Greet)
      assert.deepEqual(Buffer.from(runnable.content ?? ''), readFileSync(path))
    })

  const twoDocuments = {
    'plain text': ['mine: ./mine\n', '---\n!Greet\nname: Ada\n'],
    'lines of Windows': ['mine: ./mine\r\n', '---\r\n!Greet\r\nname: Ada\r\n'],
    'comments on all sides': [
      '# first\nmine: ./mine # here\n',
      '--- # second\n# x\n!Greet { name: Ada }\n# end\n',
    ],
    'a tag beside its marker': ['mine: ./mine\n', '--- !Greet { name: Ada }'],
    'markers of the end': ['mine: ./mine\n...\n', '---\n!Greet { name: Ada }\n...\n'],
    'letters of several bytes': ['mine: ./ë🔥\n', '---\n!Greet { name: "Зоë 🔥" }\n'],
    'extensions that are none': ['{}\n', '---\n!Greet { name: Ada }\n'],
  }

  for (const [what, [extensions = '', text = '']] of Object.entries(twoDocuments))
    test(`is the second document byte for byte, and loads by itself: ${what}`, async () => {
      const context = new SafeExecutionContext(fileOf(extensions + text), { registry })
      const runnable = await context.compileRunnable()
      assert.ok(runnable instanceof Greet)
      assert.equal(runnable.content, text)
      assert.deepEqual(load(text, { registry, expect: Greet }).options, runnable.options)
    })
})

describe('runFile', () => {
  test('gives the value of run', async () => {
    const outcome = await runFile<string>(fileOf('!Greet { name: Ada }'), { registry, ...silent })
    assert.deepEqual(outcome, { ok: true, value: 'Hello, Ada', exitCode: 0 })
  })

  test('waits for what run promises', async () => {
    const { outcome } = await probing({ body: () => delay(5, 'later') })
    assert.deepEqual(outcome, { ok: true, value: 'later', exitCode: 0 })
  })

  test('says nothing when all goes well', async () => {
    const { logger } = await probing({})
    assert.deepEqual(logger.lines, [])
  })

  test('gives run complete options', async () => {
    const { signal } = new AbortController()
    const { outcome, logger } = await probing({ body: (_, options) => options }, { signal, force: true })
    assert.ok(outcome.ok)
    const { force, verbose, debug } = outcome.value
    assert.deepEqual({ force, verbose, debug }, { force: true, verbose: false, debug: false })
    assert.equal(outcome.value.signal, signal)
    assert.equal(outcome.value.logger, logger)
  })

  test('gives run what the host program passes', async () => {
    const handle = { database: true }
    const { outcome } = await probing({ body: (_, options) => options.handle }, { runOptions: { handle } })
    assert.equal(outcome.ok && outcome.value, handle)
  })

  test('gives the runnable the user of the host program before parse', async () => {
    const users: string[] = []
    const parsing = ({ userProvider }: Probe) => void users.push(userProvider())
    await probing({ parsing }, { userProvider: () => 'grace' })
    assert.deepEqual(users, ['grace'])
  })

  test('waits for parse, and runs then', async () => {
    const steps: string[] = []
    await probing({
      parsing: async () => {
        await delay(5)
        steps.push('parsed')
      },
      body: () => steps.push('ran'),
    })
    assert.deepEqual(steps, ['parsed', 'ran'])
  })

  for (const [how, parsing] of Object.entries({
    'throws it': () => {
      throw new ParsingRunnableError('"epochs" must be even')
    },
    'rejects with it': async () => {
      await delay(1)
      throw new ParsingRunnableError('"epochs" must be even')
    },
  }))
    test(`does not run what could not, when parse ${how}`, async () => {
      let runs = 0
      const { outcome, logger } = await probing({ parsing, body: () => void runs++ })
      assert.equal(outcome.exitCode, 22)
      assert.ok(failing(outcome) instanceof ParsingRunnableError)
      assert.equal(runs, 0)
      assert.deepEqual(logger.lines, [{ level: 'error', text: '"epochs" must be even' }])
    })

  test('stops before run when it is dry', async () => {
    const steps: string[] = []
    const parsing = () => void steps.push('parsed')
    const { outcome } = await probing({ parsing, body: () => steps.push('ran') }, { dryRun: true })
    assert.deepEqual(outcome, { ok: true, value: undefined, exitCode: 0 })
    assert.deepEqual(steps, ['parsed'])
  })

  test('tells of a mistake when it is dry', async () => {
    const { outcome } = await probing({}, { dryRun: true }, '!Greet { name: 1 }')
    assert.equal(outcome.exitCode, 22)
  })

  test('leaves nothing of one run to the next', async () => {
    const { outcome: failed } = await probing({}, {}, '!Nobody {}')
    const { outcome } = await probing({ body: () => 'fine' })
    assert.equal(failed.ok, false)
    assert.deepEqual(outcome, { ok: true, value: 'fine', exitCode: 0 })
  })
})

describe('exit codes', () => {
  const throwing = (thrown: unknown) => ({
    body: () => {
      throw thrown
    },
  })

  test('22: the file of the user is wrong', async () => {
    const { outcome } = await probing({}, {}, '!Greet { name: [1] }')
    assert.equal(outcome.exitCode, 22)
  })

  test('22: a constructor refuses', async () => {
    const own = new Registry()
    const cause = new RangeError('too many layers')
    @registrable('!Refusing', { registry: own })
    class Refusing extends Runnable {
      constructor(options: object) {
        super(options)
        throw cause
      }
      override run() {}
    }
    assert.equal(own.tagOf(Refusing), '!Refusing')
    const logger = new Recorder()
    const outcome = await runFile({ content: '# x\n!Refusing {}' }, { registry: own, logger })
    const error = failing(outcome)
    assert.equal(outcome.exitCode, 22)
    assert.ok(error instanceof ConstructionError)
    assert.equal(error.cause, cause)
    assert.equal(error.problems[0]?.line, 2)
    assert.match(logger.text, /too many layers/)
    assert.doesNotMatch(logger.text, stackLine)
  })

  test('1: a run crashes', async () => {
    const cause = new TypeError('oops')
    const { outcome } = await probing(throwing(cause))
    const error = failing(outcome)
    assert.equal(outcome.exitCode, 1)
    assert.ok(error instanceof UnsuccessfulRunnableError)
    assert.equal(error.cause, cause)
    assert.match(error.message, /oops/)
  })

  test("a run's own, through UnsuccessfulRunnableError", async () => {
    const thrown = new UnsuccessfulRunnableError('3 of 7 tests failed', { exitCode: 3 })
    const { outcome, logger } = await probing(throwing(thrown))
    assert.deepEqual(outcome, { ok: false, error: thrown, exitCode: 3 })
    assert.deepEqual(logger.lines, [{ level: 'error', text: '3 of 7 tests failed' }])
  })

  test("a run's own, through any error that has one", async () => {
    const cause = Object.assign(new Error('child failed'), { exitCode: 7 })
    const { outcome } = await probing(throwing(cause))
    assert.equal(outcome.exitCode, 7)
    assert.equal(failing(outcome).cause, cause)
  })

  test('1: what an error has is no code of a failure', async () => {
    for (const exitCode of [0, -1, 256, 1.5, '7', Number.NaN, null]) {
      const { outcome } = await probing(throwing(Object.assign(new Error('x'), { exitCode })))
      assert.equal(outcome.exitCode, 1, `for ${inspect(exitCode)}`)
    }
  })

  test('a failed run is never a success, whatever code its error has', async () => {
    for (const exitCode of [0, 256, 512, -1, Number.NaN]) {
      const { outcome } = await probing(throwing(new UnsuccessfulRunnableError('Failed', { exitCode })))
      assert.equal(outcome.ok, false)
      assert.ok(outcome.exitCode > 0 && outcome.exitCode < 256, `${outcome.exitCode} for ${exitCode}`)
    }
  })

  test('130: the run was interrupted', async () => {
    const controller = new AbortController()
    const body = async (_: Probe, { signal }: RunOptions) => {
      controller.abort()
      await delay(10_000, undefined, { signal })
    }
    const { outcome, logger } = await probing({ body }, { signal: controller.signal })
    assert.equal(outcome.exitCode, 130)
    assert.equal(failing(outcome).code, 'INTERRUPTED')
    assert.deepEqual(
      logger.lines.map(({ level }) => level),
      ['warn'],
    )
    assert.doesNotMatch(logger.text, stackLine)
  })

  test('0: the run came to its end although it was interrupted', async () => {
    const controller = new AbortController()
    const { outcome } = await probing({ body: () => controller.abort() }, { signal: controller.signal })
    assert.equal(outcome.exitCode, 0)
  })

  test('any value may be thrown: runFile does not reject', async () => {
    const odd = [
      undefined,
      null,
      '',
      'text',
      42,
      Symbol('odd'),
      {},
      [],
      Object.create(null),
      { toString: null, valueOf: null },
      () => 1,
      { message: 'no error' },
    ]
    for (const thrown of odd) {
      const { outcome, logger } = await probing(throwing(thrown))
      assert.equal(outcome.exitCode, 1, inspect(thrown))
      const error = failing(outcome)
      assert.ok(error instanceof FlambeauError)
      assert.equal(error.cause, thrown)
      assert.equal(logger.lines.length, 1)
    }
  })

  test('an error that cannot be shown does not reject, either', async () => {
    const thrown = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('no message')
      },
    })
    const { outcome } = await probing(throwing(thrown))
    assert.equal(outcome.exitCode, 1)
  })

  test('a file that is no file does not reject, either', async () => {
    for (const file of [undefined, null, 42, {}] as never[])
      assert.equal((await runFile(file, { registry, ...silent })).ok, false)
  })
})

describe('what is logged', () => {
  test('a mistake of the user: one error with place and frame, without a stack', async () => {
    const { logger } = await probing({}, {}, '!Greet\nname: Ada\nchild: !Greed {}\n')
    assert.deepEqual(
      logger.lines.map(({ level }) => level),
      ['error'],
    )
    assert.match(logger.text, /^Unknown tag "!Greed": did you mean "!Greet"\?$/m)
    assert.match(logger.text, /^ {2}probe\.yaml:3:8$/m)
    assert.match(logger.text, /^ {2}3 \| child: !Greed \{\}$/m)
    assert.doesNotMatch(logger.text, stackLine)
  })

  test('a crash: with the stack of what was thrown, and its cause', async () => {
    const cause = new Error('disk is full')
    const body = function crashing() {
      throw new TypeError('cannot go on', { cause })
    }
    const { logger } = await probing({ body })
    assert.equal(logger.lines[0]?.level, 'error')
    assert.match(logger.text, /cannot go on/)
    assert.match(logger.text, /at .*crashing .*runnable\.test\.js/)
    assert.match(logger.text, /disk is full/)
  })

  test('a crash of parse: with its stack', async () => {
    const parsing = function parsingCrash() {
      throw new TypeError('not a function')
    }
    const { outcome, logger } = await probing({ parsing })
    assert.equal(outcome.exitCode, 1)
    assert.match(logger.text, /at .*parsingCrash/)
  })

  test('a mistake of the user has a stack for who debugs', async () => {
    const { logger } = await probing({}, { debug: true }, '!Nobody {}')
    assert.match(logger.text, /Unknown tag "!Nobody"/)
    assert.match(logger.text, stackLine)
  })

  test('a deprecated tag: one warning at its place, and the run goes on', async () => {
    const own = registry.child()
    own.add(Greet, '!Hello', { deprecated: 'use !Greet' })
    const logger = new Recorder()
    const outcome = await runFile(
      { content: '# x\n!Hello { name: Ada }', filename: 'old.yaml' },
      { registry: own, logger },
    )
    assert.equal(outcome.ok && outcome.value, 'Hello, Ada')
    assert.deepEqual(
      logger.lines.map(({ level }) => level),
      ['warn'],
    )
    assert.match(logger.text, /"!Hello".*use !Greet/)
    assert.match(logger.text, /old\.yaml:2:1/)
  })

  test('nothing has colours that the logger did not ask for', async () => {
    const { logger } = await probing({}, {}, '!Nobody {}')
    assert.ok(!logger.text.includes('\u001b'))
  })

  test('a console is a logger', async () => {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const logger = new Console(out, err)
    const body = (_: Probe, options: RunOptions) => {
      options.logger.info('working')
      throw new UnsuccessfulRunnableError('Failed on purpose')
    }
    const { outcome } = await probing({ body }, { logger })
    assert.equal(outcome.exitCode, 1)
    assert.equal(String(out.read()), 'working\n')
    assert.equal(String(err.read()), 'Failed on purpose\n')
  })

  test('four methods without an object are a logger', async () => {
    const lines: unknown[][] = []
    const write = (...message: unknown[]) => void lines.push(message)
    const logger = { debug: write, info: write, warn: write, error: write }
    const body = (_: Probe, options: RunOptions) => options.logger.info('working', 1)
    assert.equal((await probing({ body }, { logger })).outcome.ok, true)
    assert.deepEqual(lines, [['working', 1]])
  })
})

describe('a runnable file that is none', () => {
  async function refused(file: Parameters<typeof runFile>[0], options: RunFileOptions = {}) {
    const logger = new Recorder()
    const outcome = await runFile(file, { registry, logger, ...options })
    const error = failing(outcome)
    assert.equal(outcome.exitCode, 22)
    assert.ok(error instanceof RunnableFileError, `${error.name}: ${error.message}`)
    assert.equal(logger.lines.length, 1)
    assert.doesNotMatch(logger.text, stackLine)
    return error
  }

  test('three documents: it points at the third', async () => {
    const error = await refused(fileOf('a: ./a\n---\n!Greet { name: Ada }\n---\n!Greet { name: Bea }\n'))
    assert.equal(error.problems[0]?.line, 5)
    assert.match(error.message, /third of 3/)
  })

  for (const [what, text] of Object.entries({
    'an empty file': '',
    'a file of empty lines': '\n\n  \n',
    'a file of comments': '# nothing\n# here\n',
    'a file with a marker only': '---\n',
    'a file with a mark of the byte order only': '\ufeff',
  }))
    test(`${what}: it names the file and says what to write`, async () => {
      const error = await refused(fileOf(text, `empty-${what.replaceAll(' ', '-')}.yaml`))
      assert.equal(error.code, 'EMPTY_FILE')
      assert.match(error.message, /empty-a.*\.yaml" is empty: write /)
    })

  test('a folder: it says so', async () => {
    const path = join(folder, 'a-folder')
    mkdirSync(path)
    const error = await refused(path)
    assert.ok(error instanceof ResourceError)
    assert.match(error.message, /a-folder" is a folder/)
  })

  test('a file that is missing: it names one that is there', async () => {
    fileOf('!Greet { name: Ada }', 'training.yaml')
    const error = await refused(join(folder, 'trainign.yaml'))
    assert.ok(error instanceof ResourceError)
    assert.match(error.message, /trainign\.yaml": did you mean "training\.yaml"\?/)
  })

  test('a file that is missing in a folder that is missing', async () => {
    const error = await refused(join(folder, 'no', 'such', 'file.yaml'))
    assert.ok(error instanceof ResourceError)
    assert.match(error.message, /file\.yaml": check the path/)
  })

  test('bytes that are not UTF-8: it names line and byte', async () => {
    const good = Buffer.from('!Greet\n# ë \ufffd fine\nname: "ë')
    const error = await refused(fileOf(Buffer.concat([good, Buffer.from([0xff, 0x22, 0x0a])]), 'latin.yaml'))
    assert.ok(error instanceof ResourceError)
    assert.match(error.message, /latin\.yaml" is not UTF-8 at line 3, byte 10\b/)
  })

  test('bytes that break off within a letter: it names line and byte', async () => {
    const error = await refused(fileOf(Buffer.from([0x61, 0x3a, 0x0a, 0x20, 0xc3]), 'cut.yaml'))
    assert.match(error.message, /not UTF-8 at line 2, byte 2\b/)
  })

  test('a top node that is no runnable', async () => {
    const own = registry.child()
    own.add(class Model {}, '!Model')
    const error = await refused({ content: '# x\n!Model {}\n' }, { registry: own })
    assert.match(error.message, /"!Model" is not one/)
    assert.deepEqual([error.problems[0]?.line, error.problems[0]?.column], [2, 1])
  })

  test('a top node that is no runnable, and is not constructed for that', async () => {
    const own = registry.child()
    let made = 0
    const Model = class {
      constructor() {
        made++
      }
    }
    own.add(Model, '!Model')
    await refused({ content: '!Model {}\n' }, { registry: own })
    assert.equal(made, 0)
  })

  test('a factory that makes no runnable', async () => {
    const own = new Registry()
    @registrable('!Maker', { registry: own })
    class Maker extends Runnable {
      @factory static number(_options: object) {
        return { seven: 7 }
      }
      override run() {}
    }
    assert.equal(own.tagOf(Maker), '!Maker')
    const error = await refused({ content: '!Maker.number {}\n' }, { registry: own })
    assert.match(error.message, /"!Maker\.number" is not one/)
  })

  test('a class that reads itself as no runnable', async () => {
    const own = registry.child()
    own.add(class Model {}, '!Model', { fromYaml: () => ({ model: true }) })
    const error = await refused({ content: '!Model x\n' }, { registry: own })
    assert.match(error.message, /"!Model" is not one/)
  })

  test('but a factory that makes a runnable is one, wherever it stands', async () => {
    const own = new Registry()
    class Plain {
      @factory static job(options: { name: string }) {
        return new Greet(options)
      }
    }
    own.add(Plain, '!Plain')
    const outcome = await runFile({ content: '!Plain.job { name: Ada }' }, { registry: own, ...silent })
    assert.equal(outcome.ok && outcome.value, 'Hello, Ada')
  })

  for (const [what, content] of Object.entries({
    'a mapping': 'name: Ada\n',
    'a list': '- !Greet { name: Ada }\n',
    'a word': 'hello\n',
    'a core tag': '!!map { name: Ada }\n',
  }))
    test(`no tag at the top: ${what}`, async () => {
      const error = await refused({ content })
      assert.match(error.message, /runnable/)
      assert.equal(error.problems[0]?.line, 1)
    })

  test('extensions that are no mapping', async () => {
    const error = await refused({ content: '- ./mine\n---\n!Greet { name: Ada }\n' })
    assert.match(error.message, /extensions/i)
    assert.equal(error.problems[0]?.line, 1)
  })

  test('an extension that does not say where it comes from', async () => {
    const error = await refused({ content: 'mine:\n---\n!Greet { name: Ada }\n' })
    assert.match(error.message, /"mine"/)
  })

  test('YAML that is wrong', async () => {
    const logger = new Recorder()
    const outcome = await runFile(
      { content: '!Greet\nname: "Ada\n', filename: 'open.yaml' },
      { registry, logger },
    )
    assert.equal(outcome.exitCode, 22)
    assert.ok(failing(outcome) instanceof DocumentError)
    assert.match(logger.text, /open\.yaml:\d+:\d+/)
    assert.doesNotMatch(logger.text, stackLine)
  })

  test('a tab where YAML forbids it', async () => {
    const logger = new Recorder()
    const outcome = await runFile({ content: '!Greet\nname: Ada\nmore:\n\ta: 1\n' }, { registry, logger })
    assert.equal(outcome.exitCode, 22)
    assert.match(logger.text, /tab/i)
    assert.match(logger.text, /:4:/)
  })
})

describe('interruption', () => {
  test('the signal reaches run, and its cleanup is waited for', async () => {
    const controller = new AbortController()
    const steps: string[] = []
    const body = async (_: Probe, { signal }: RunOptions) => {
      steps.push('started')
      setTimeout(() => controller.abort(new Error('enough')), 5)
      try {
        await delay(10_000, undefined, { signal })
      } finally {
        await delay(5)
        steps.push('cleaned up')
      }
    }
    const { outcome } = await probing({ body }, { signal: controller.signal })
    assert.deepEqual(steps, ['started', 'cleaned up'])
    assert.equal(outcome.exitCode, 130)
  })

  test('a time limit is a signal', async () => {
    const body = (_: Probe, { signal }: RunOptions) => delay(10_000, undefined, { signal })
    const { outcome } = await probing({ body }, { signal: AbortSignal.timeout(10) })
    assert.equal(outcome.exitCode, 130)
  })

  test('a run that throws before it is interrupted has its own error', async () => {
    const controller = new AbortController()
    const body = () => {
      throw new UnsuccessfulRunnableError('Failed first', { exitCode: 4 })
    }
    const { outcome } = await probing({ body }, { signal: controller.signal })
    controller.abort()
    assert.equal(outcome.exitCode, 4)
  })
})
