import assert from 'node:assert/strict'
import { Console } from 'node:console'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { format, inspect } from 'node:util'
import { serialize } from 'node:v8'
import {
  FlambeauError,
  MissingSecretsError,
  parseSecrets,
  Runnable,
  readSecrets,
  Secrets,
  SecretsFileError,
} from 'flambeau'

const folder = join('test', 'data', 'secrets')

/** The file, in Python's dialect. */
const aws = '[DEFAULT]\nregion = eu\n[AWS]\nACCESS_KEY = AKIA\nSECRET_KEY: %(access_key)s/s3cr3t\n[GCP]\n'

interface Expectation {
  sections?: Record<string, Record<string, { value?: string; error?: string }>>
  defaults?: Record<string, { value?: string; error?: string }>
  error?: string
  lines?: number[]
}

describe('agreement with CPython', async () => {
  // Files that are read differently on purpose, and what they are read as instead.
  const onPurpose: Record<string, { reason: string; sections?: object; codes?: string[] }> = {
    bom: { reason: 'a BOM at the start is skipped', sections: { A: { key: 'value' } } },
    'bom-before-comment': { reason: 'a BOM at the start is skipped', sections: { A: { key: 'value' } } },
    'nameless-values': {
      reason: 'Python calls the second value without a key a duplicate of the key ""',
      codes: ['SECRETS_NO_KEY_NAME', 'SECRETS_NO_KEY_NAME'],
    },
  }
  const codes: Record<string, string[]> = {
    MissingSectionHeaderError: ['SECRETS_NO_HEADER'],
    DuplicateSectionError: ['SECRETS_DUPLICATE_SECTION'],
    DuplicateOptionError: ['SECRETS_DUPLICATE_KEY'],
    ParsingError: ['SECRETS_BARE_KEY', 'SECRETS_NO_KEY_NAME'],
    InterpolationSyntaxError: ['SECRETS_STRAY_PERCENT'],
    InterpolationMissingOptionError: ['SECRETS_NO_REFERENCE'],
    InterpolationDepthError: ['SECRETS_DEEP_REFERENCE'],
  }

  const names = (await readdir(folder))
    .filter((name) => name.endsWith('.ini'))
    .map((name) => name.slice(0, -4))

  for (const name of names) {
    test(`${name}.ini${onPurpose[name] ? `: ${onPurpose[name].reason}` : ''}`, async () => {
      const path = join(folder, `${name}.ini`)
      const expected: Expectation = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'))
      const other = onPurpose[name]
      if (other?.sections) assert.deepEqual(allOf(await readSecrets(path)), other.sections)
      else if (other?.codes)
        assert.deepEqual(
          (await refusal(path)).map(({ code }) => code),
          other.codes,
        )
      else if (expected.error === undefined) await agree(path, expected)
      else await agreeOnRefusal(path, expected)
    })
  }

  test('there are files enough, and each difference has its file', () => {
    assert.ok(names.length >= 70)
    assert.deepEqual(
      Object.keys(onPurpose).filter((name) => !names.includes(name)),
      [],
    )
  })

  async function agree(path: string, { sections = {}, defaults = {} }: Expectation): Promise<void> {
    const secrets = await readSecrets(path)
    assert.deepEqual(secrets.sections().sort(), Object.keys(sections).sort())
    for (const [section, keys] of [...Object.entries(sections), ['DEFAULT', defaults] as const]) {
      assert.deepEqual(secrets.keys(section).sort(), Object.keys(keys).sort())
      for (const [key, { value, error }] of Object.entries(keys)) {
        if (error === undefined) assert.equal(secrets.get(section, key), value)
        else
          assert.throws(() => secrets.get(section, key), {
            name: 'MissingSecretsError',
            code: codes[error]![0],
          })
      }
    }
  }

  // Python stops at the first duplicate, and counts bogus lines only without one; here is everything.
  async function agreeOnRefusal(path: string, { error, lines = [] }: Expectation): Promise<void> {
    const found = (await refusal(path))
      .filter(({ code }) => codes[error!]!.includes(code))
      .map(({ line }) => line)
    assert.deepEqual(error === 'ParsingError' ? found : found.slice(0, 1), lines)
  }

  async function refusal(path: string): Promise<SecretsFileError['problems']> {
    const error = await readSecrets(path).then(
      () => assert.fail('it was read'),
      (thrown) => thrown,
    )
    assert.ok(error instanceof SecretsFileError)
    return error.problems
  }
})

describe('reading values', () => {
  test('keys have no case, sections do, and DEFAULT is inherited', async () => {
    const secrets = await parseSecrets(aws)
    assert.equal(secrets.get('AWS', 'access_KEY'), 'AKIA')
    assert.equal(secrets.get('AWS', 'secret_key'), 'AKIA/s3cr3t')
    assert.equal(secrets.get('GCP', 'region'), 'eu')
    assert.equal(secrets.get('DEFAULT', 'region'), 'eu')
    assert.throws(() => secrets.get('aws', 'access_key'), MissingSecretsError)
  })

  test('sections and keys keep the order of the file', async () => {
    const secrets = await parseSecrets('[2]\nb=1\na=1\n[DEFAULT]\nc=1\na=1\n[1]\n')
    assert.deepEqual(secrets.sections(), ['2', '1'])
    assert.deepEqual(secrets.keys('2'), ['b', 'a', 'c'])
    assert.deepEqual(secrets.keys('DEFAULT'), ['c', 'a'])
  })

  test('has', async () => {
    const secrets = await parseSecrets(aws)
    assert.deepEqual(
      ['AWS', 'DEFAULT', 'aws', 'get'].map((name) => secrets.has(name)),
      [true, true, false, false],
    )
    const keys = ['ACCESS_KEY', 'region', 'nothing', '__proto__', 'constructor']
    assert.deepEqual(
      keys.map((key) => secrets.has('AWS', key)),
      [true, true, false, false, false],
    )
    assert.equal(secrets.has('NOWHERE', 'region'), false)
  })

  test('a fallback is for what is missing only', async () => {
    const secrets = await parseSecrets('[A]\nx = 5%\nempty =\n')
    assert.equal(secrets.get('A', 'y', { fallback: 'f' }), 'f')
    assert.equal(secrets.get('B', 'y', { fallback: '' }), '')
    assert.equal(secrets.get('A', 'empty', { fallback: 'f' }), '')
    assert.equal(secrets.getNumber('A', 'y', { fallback: 0 }), 0)
    assert.equal(secrets.getBoolean('A', 'y', { fallback: false }), false)
    assert.throws(() => secrets.get('A', 'x', { fallback: 'f' }), { code: 'SECRETS_STRAY_PERCENT' })
    assert.throws(() => secrets.getNumber('A', 'empty', { fallback: 1 }), { code: 'SECRETS_NOT_A_NUMBER' })
    assert.throws(() => secrets.get('A', 'y', { fallback: undefined }), { code: 'SECRETS_NO_KEY' })
  })

  test('numbers', async () => {
    const read = async (text: string) => (await parseSecrets(`[A]\nx = ${text}\n`)).getNumber('A', 'x')
    const good = { '8080': 8080, '-1.5': -1.5, '.5': 0.5, '5.': 5, '+1e3': 1000, '1_000': 1000, '007': 7 }
    for (const [text, number] of Object.entries(good)) assert.equal(await read(text), number)
    for (const text of ['', 'abc', '0x10', 'inf', 'nan', '1e999', '1__0', '_1', '1 2', '12a', '.'])
      await assert.rejects(read(text), { code: 'SECRETS_NOT_A_NUMBER' })
    await assert.rejects(read('12345678901234567890'), { code: 'SECRETS_NUMBER_TOO_LARGE' })
  })

  test('booleans', async () => {
    const read = async (text: string) => (await parseSecrets(`[A]\nx = ${text}\n`)).getBoolean('A', 'x')
    for (const text of ['1', 'yes', 'TRUE', 'On']) assert.equal(await read(text), true)
    for (const text of ['0', 'no', 'False', 'OFF']) assert.equal(await read(text), false)
    for (const text of ['', '2', 'y', 'constructor'])
      await assert.rejects(read(text), { code: 'SECRETS_NOT_A_BOOLEAN' })
  })
})

describe('reading by property', () => {
  test('as in Python', async () => {
    const config = await parseSecrets(aws)
    const key: string = config['AWS']!['ACCESS_KEY']!
    assert.equal(key, 'AKIA')
    assert.equal(config['GCP']?.['REGION'], 'eu')
    assert.deepEqual(
      ['AWS', 'DEFAULT', 'aws', 'get'].map((name) => name in config),
      [true, true, false, false],
    )
    assert.deepEqual(
      ['ACCESS_KEY', 'region', 'x'].map((name) => name in config['AWS']!),
      [true, true, false],
    )
    assert.deepEqual(Object.keys(config), ['DEFAULT', 'AWS', 'GCP'])
    assert.deepEqual(Object.keys(await parseSecrets('')), ['DEFAULT'])
  })

  test('what is missing throws', async () => {
    const config = await parseSecrets(aws)
    assert.throws(() => config['AZURE'], { name: 'MissingSecretsError', code: 'SECRETS_NO_SECTION' })
    assert.throws(() => config['AWS']!['TOKEN'], { name: 'MissingSecretsError', code: 'SECRETS_NO_KEY' })
  })

  test('what the language and its tools ask for does not throw', async () => {
    const config = await parseSecrets(aws)
    for (const secrets of [config, config['AWS']!]) {
      const probed = secrets as unknown as Record<string | symbol, unknown>
      assert.equal(await Promise.resolve(secrets), secrets)
      assert.equal(probed[Symbol.iterator], undefined)
      assert.equal(typeof probed['constructor'], 'function')
      for (const name of ['then', 'nodeType', 'asymmetricMatch', '$$typeof', 'inspect', 'length'])
        assert.equal(probed[name], undefined)
      assert.equal(String(secrets), '[object Object]')
      assert.deepEqual(secrets, secrets)
    }
    assert.ok(config instanceof Secrets)
    assert.deepEqual(config, await parseSecrets(aws))
  })

  test('sections and keys with the names of methods', async () => {
    const config = await readSecrets(join(folder, 'method-names.ini'))
    assert.equal(typeof config.get, 'function')
    assert.equal(config.get('get', 'x'), '1')
    assert.ok('get' in config)
    assert.equal(await config, config)
    assert.equal(JSON.stringify(config), '"[hidden]"')
    const names = await readSecrets(join(folder, 'object-names.ini'))
    assert.equal(names.get('A', 'toString'), '2')
    assert.equal(JSON.stringify(names['A']), '"[hidden]"')
  })

  test('nothing can be changed', async () => {
    const config = (await parseSecrets(aws)) as unknown as Record<string, Record<string, string>>
    for (const object of [config, config['AWS']!] as Record<string, unknown>[]) {
      assert.throws(() => Object.assign(object, { AWS: {} }), TypeError)
      assert.throws(() => Object.defineProperty(object, 'x', { value: 1 }), TypeError)
      assert.throws(() => delete object['AWS'], TypeError)
      assert.throws(() => Object.setPrototypeOf(object, null), TypeError)
      assert.throws(() => Object.freeze(object), TypeError)
    }
    assert.equal(config['AWS']!['ACCESS_KEY'], 'AKIA')
  })

  test('"__proto__" is a name like any other and changes no prototype', async () => {
    const before = Reflect.ownKeys(Object.prototype)
    const python = await readSecrets(join(folder, 'proto-everywhere.ini'))
    assert.ok('__proto__' in python)
    assert.deepEqual(python.keys('__proto__'), ['__proto__', 'x'])
    for (const text of ['[__proto__]\nx=1', '[A]\n__proto__=1', '[A.__proto__]\nx=1', '[A]\n__proto__[]=1'])
      await assert.rejects(parseSecrets(text, { dialect: 'ini' }), SecretsFileError)
    await parseSecrets('[__proto__.polluted]\nx=1', { dialect: 'ini' })
    assert.deepEqual(Reflect.ownKeys(Object.prototype), before)
    assert.equal(({} as { x?: unknown }).x, undefined)
  })
})

describe('messages', () => {
  const messageOf = (body: () => unknown): string => {
    try {
      body()
    } catch (error) {
      return (error as Error).message
    }
    return assert.fail('it did not throw')
  }

  test('a missing section or key says what to type', async () => {
    const config = await parseSecrets(aws, { filename: 'secrets.ini' })
    const messages: [() => unknown, string][] = [
      [() => config.get('AWSS', 'X'), 'No section "AWSS" in "secrets.ini": did you mean "AWS"?'],
      [() => config['aws'], 'No section "aws" in "secrets.ini": did you mean "AWS"?'],
      [() => config['AZURE'], 'No section "AZURE" in "secrets.ini": add a line "[AZURE]"'],
      [
        () => config.get('AZURE', 'KEY'),
        'No section "AZURE" in "secrets.ini": add a line "[AZURE]" and below it a line "KEY = ..."',
      ],
      [
        () => config.get('AWS', 'ACESS-KEY'),
        'No key "ACESS-KEY" in section "AWS" of "secrets.ini": did you mean "access_key"?',
      ],
      [
        () => config['AWS']!['TOKEN'],
        'No key "TOKEN" in section "AWS" of "secrets.ini": add a line "TOKEN = ..." below "[AWS]"',
      ],
    ]
    for (const [body, message] of messages) assert.equal(messageOf(body), message)
  })

  test('no secrets at all', () => {
    class Idle extends Runnable {
      run(): void {}
    }
    const { config } = new Idle()
    assert.deepEqual(Object.keys(config), ['DEFAULT'])
    assert.equal(
      messageOf(() => config.get('AWS', 'KEY')),
      'No secrets were given, but section "AWS" is needed: ' +
        'give a secrets file with a line "[AWS]" and below it a line "KEY = ..."',
    )
  })

  test('a value that cannot be read names its key only', async () => {
    const config = await parseSecrets('[A]\nx = p%q\ny = %(q)s\nz = %(z)s\n', { filename: 's.ini' })
    const start = (key: string) => `Key "${key}" in section "A" of "s.ini"`
    assert.equal(
      messageOf(() => config.get('A', 'X')),
      `${start('X')} has a stray "%" in its value: write "%%" for a plain "%"`,
    )
    assert.equal(
      messageOf(() => config.get('A', 'y')),
      `${start('y')} refers to a key that does not exist with "%(": add that key, or write "%%" for a plain "%"`,
    )
    assert.match(
      messageOf(() => config.get('A', 'z')),
      /in a circle or more than 10 deep: write the value itself$/,
    )
    assert.match(
      messageOf(() => config.getNumber('A', 'missing')),
      /^No key "missing"/,
    )
  })

  test('names in messages are short and on one line', async () => {
    const config = await parseSecrets(aws)
    const message = messageOf(() => config.get(`\u001b[31m\n\u202e${'x'.repeat(10_000)}`, 'y'))
    assert.ok(message.length < 400)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
    assert.doesNotMatch(message, /[\u0000-\u001f\u202e]/)
  })
})

describe('files that are wrong', () => {
  const problemsOf = async (text: string, dialect: 'python' | 'ini' = 'python') => {
    const error = await parseSecrets(text, { dialect, filename: 's.ini' }).then(
      () => assert.fail('it was read'),
      (thrown) => thrown,
    )
    assert.ok(error instanceof SecretsFileError)
    assert.ok(error instanceof FlambeauError)
    assert.equal(error.exitCode, 22)
    return error.problems
  }

  test('every problem is there, with its place', async () => {
    const problems = await problemsOf('[A]\n  bare  \nx = 1\n  \n= 2\nx = 3\n[A]\n')
    assert.deepEqual(
      problems.map(({ code, line, column, endLine, endColumn }) => [code, line, column, endLine, endColumn]),
      [
        ['SECRETS_BARE_KEY', 2, 3, 2, 7],
        ['SECRETS_NO_KEY_NAME', 5, 1, 5, 4],
        ['SECRETS_DUPLICATE_KEY', 6, 1, 6, 6],
        ['SECRETS_DUPLICATE_SECTION', 7, 1, 7, 4],
      ],
    )
    for (const problem of problems) assert.deepEqual([problem.file, problem.frame], ['s.ini', ''])
    assert.equal(
      problems[2]!.message,
      'Key "x" in section "A" occurs twice, first on line 3: remove or rename one',
    )
  })

  test('the message has the places of the first problems', async () => {
    const error = await parseSecrets(`[A]\n${'bare\n'.repeat(30)}`).catch((thrown) => thrown)
    assert.match(error.message, /^30 problems in <secrets>\n\nThis line has no "="/)
    assert.match(error.message, /\n {2}<secrets>:21:1\n\n\.\.\. and 10 more$/)
    assert.equal(error.problems.length, 30)
  })

  test('the "ini" dialect refuses what the package would alter', async () => {
    const refused: Record<string, string[]> = {
      SECRETS_NO_HEADER: ['x = 1', 'x', ' [A]\nx = 1', '[A] ; comment\nx = 1', '[a]b]\n'],
      SECRETS_BARE_KEY: ['[A]\nx', '[A]\n [B]', '[A]\nx = 1\n  more', '[A]\n[B'],
      SECRETS_BAD_SECTION: [
        '[a.b]',
        '["a.b"]',
        '[a;b]',
        '[a#b]',
        '[__proto__]',
        '[.]',
        "['1e5']",
        '["a\\"]',
        `['{"toString":1}']`,
      ],
      SECRETS_BAD_KEY: [
        '[A]\nx[] = 1',
        '[A]\n= 1',
        '[A]\n  = 1',
        '[A]\na;b = 1',
        '[A]\n__proto__ = 1',
        "[A]\n'null' = 1",
        `[A]\n'{"length":3}' = 1`,
      ],
      SECRETS_DUPLICATE_KEY: ['[A]\nx = 1\nx = 1', '[A]\nx = 1\n[A]\nx = 2'],
    }
    for (const [code, texts] of Object.entries(refused))
      for (const text of texts) assert.equal((await problemsOf(text, 'ini'))[0]!.code, code, text)
    assert.match(
      (await problemsOf('[A]\nx = 1\n[B]\ny', 'ini'))[0]!.message,
      /has no "=": write "key = value"/,
    )
  })

  test('the "ini" dialect refuses values that would arrive altered', async () => {
    const altered = [
      'a;b',
      'a#b',
      'a ; c',
      '"a" # c',
      'a\\\\b',
      '"C:\\x"',
      '"a" "b"',
      "'1e5'",
      "'[1]'",
      "'{}'",
      "'",
    ]
    for (const value of altered) {
      const [problem] = await problemsOf(`[A]\ngood = 1\nx = ${value}`, 'ini')
      assert.deepEqual([problem!.code, problem!.line], ['SECRETS_ALTERED_VALUE', 3], value)
      assert.match(problem!.message, /the value of "x": put it in double quotes/)
    }
    assert.equal((await problemsOf('[A]\nx = a\u2028b', 'ini'))[0]!.code, 'SECRETS_BAD_KEY')
  })

  test('files that are none', async () => {
    const home = await mkdtemp(join(tmpdir(), 'flambeau-secrets-'))
    const latin1 = join(home, 'latin1.ini')
    await writeFile(latin1, Buffer.from('[A]\nx = caf\xe9\n', 'latin1'))
    const files: [path: string, code: string, words: RegExp][] = [
      [join(home, 'no.ini'), 'SECRETS_NOT_FOUND', /^Secrets file ".*no\.ini" does not exist: check the path/],
      [join(latin1, 'x.ini'), 'SECRETS_NOT_FOUND', /does not exist/],
      [home, 'SECRETS_FOLDER', /is a folder: write the path of the INI file in it$/],
      [latin1, 'SECRETS_NOT_UTF8', /latin1\.ini" is not UTF-8: save it as UTF-8$/],
    ]
    for (const [path, code, message] of files)
      await assert.rejects(readSecrets(path), { name: 'SecretsFileError', code, message, exitCode: 22 })
    await rm(home, { recursive: true })
  })

  test('an unknown dialect', async () => {
    for (const dialect of ['json', 'constructor'])
      await assert.rejects(parseSecrets('', { dialect: dialect as 'ini' }), {
        code: 'SECRETS_UNKNOWN_DIALECT',
      })
  })
})

describe('reading files', () => {
  test('"~" is the home folder', async () => {
    const path = relative(homedir(), join(process.cwd(), folder, 'normal.ini'))
    assert.equal((await readSecrets(`~/${path}`)).get('AWS', 'access_key'), 'AKIA123')
    await assert.rejects(readSecrets('~no-such-user/x.ini'), { code: 'SECRETS_NOT_FOUND' })
  })

  test('the "ini" dialect gives strings, with case and without inheritance', async () => {
    const text = [
      '[AWS]',
      'Key = AKIA',
      'key = "a;b # \\"c\\""',
      "single = 'it is'",
      'escaped = a\\;b\\#c',
      'path = C:\\new',
      'yes = true',
      'no = "null"',
      'number = 007',
      'empty =',
      'percent = 50% %(key)s',
      '; comment',
      '[a\\.b]',
      '[DEFAULT]',
      'x = 1',
      '[AWS]',
      'more = a=b',
    ]
    const secrets = await parseSecrets(text.join('\r\n'), { dialect: 'ini' })
    assert.deepEqual(allOf(secrets), {
      AWS: {
        Key: 'AKIA',
        key: 'a;b # "c"',
        single: 'it is',
        escaped: 'a;b#c',
        path: 'C:\\new',
        yes: 'true',
        no: 'null',
        number: '007',
        empty: '',
        percent: '50% %(key)s',
        more: 'a=b',
      },
      'a.b': {},
      DEFAULT: { x: '1' },
    })
    assert.deepEqual(Object.keys(secrets), ['AWS', 'a.b', 'DEFAULT'])
    assert.equal(secrets.getBoolean('AWS', 'yes'), true)
    assert.throws(() => secrets.get('AWS', 'KEY'), { message: /did you mean "Key"\?$/ })
    assert.throws(() => secrets.get('AWS', 'x'), { code: 'SECRETS_NO_KEY' })
  })

  test('a BOM is skipped in both dialects', async () => {
    for (const dialect of ['python', 'ini'] as const)
      assert.equal((await parseSecrets('\ufeff[A]\nx = 1', { dialect })).get('A', 'x'), '1')
  })
})

describe('values never show', () => {
  const canary = 'c4n4ry-v4lu3'
  const text = `[DEFAULT]\nd = ${canary}\n[A]\nx = ${canary}\nstray = ${canary}%${canary}\nref = %(${canary})s\n`
  const refuses = (shown: unknown) => assert.ok(!String(shown).toLowerCase().includes(canary), String(shown))

  for (const dialect of ['python', 'ini'] as const) {
    test(`in whatever prints or copies objects, ${dialect}`, async () => {
      const config = await parseSecrets(text, { dialect })
      for (const object of [
        config,
        config['A']!,
        { config, section: config['A'] },
        new Error('x', { cause: config }),
      ]) {
        for (const options of [
          {},
          { showProxy: true, showHidden: true, depth: null, getters: true },
          { customInspect: false, showHidden: true, depth: null, getters: true },
          { customInspect: false, showProxy: true, showHidden: true, depth: null, getters: true },
        ])
          refuses(inspect(object, options))
        refuses(format('%o %O %j %s %d', object, object, object, object, object))
        refuses(JSON.stringify(object))
        refuses(await printed(object))
        refuses(thrownBy(() => structuredClone(object)))
        refuses(thrownBy(() => serialize(object)))
        refuses(inspect(thrownBy(() => assert.deepEqual(object, { x: 1 }))))
        refuses(inspect(Object.getOwnPropertyDescriptors(object)))
        refuses(JSON.stringify({ ...object }))
        refuses(inspect({ ...object }, { depth: null }))
      }
    })

    test(`in errors, ${dialect}`, async () => {
      const config = await parseSecrets(text, { dialect })
      const unreadable = dialect === 'python' ? ['stray', 'ref'] : []
      for (const key of unreadable) refuses(inspect(thrownBy(() => config.get('A', key))))
      refuses(inspect(thrownBy(() => config.get('A', 'y'))))
      refuses(inspect(thrownBy(() => config.getNumber('A', 'x'))))
      refuses(inspect(thrownBy(() => config.getBoolean('A', 'x'))))
      refuses(inspect(thrownBy(() => config['B'])))
      refuses(inspect(thrownBy(() => Object.assign(config, { A: 1 }))))
    })

    test(`in errors about the file, ${dialect}`, async () => {
      const wrong = [
        canary,
        `x = ${canary}`,
        `[A]\n${canary}`,
        `[A]\n= ${canary}`,
        `[A]\nx = ${canary}\nx = ${canary}`,
        `[A]\nx = "${canary}\\" # ${canary}\n${canary}`,
        `[A]\n${canary}[] = 1\n${canary}`,
      ]
      for (const file of wrong) {
        const error = await parseSecrets(file, { dialect }).catch((thrown) => thrown)
        assert.ok(error instanceof SecretsFileError)
        for (const shown of [error.message, error.stack, JSON.stringify(error.problems), inspect(error)])
          refuses(shown)
      }
    })
  }

  test('redact masks values in a text, in each form that they may have there', async () => {
    const config = await parseSecrets(
      `[A]\nx = ${canary}\ny = %(x)s-long\nz = one "line"\n  another line\nb = true\nc = 12\n`,
    )
    const all = `${config.get('A', 'x')} ${config.get('A', 'y')} ${JSON.stringify(config.get('A', 'z'))} another line`
    assert.equal(config.redact(`${all} true 12`), '[secret] [secret] "[secret]" [secret] true 12')
    assert.equal((await parseSecrets('')).redact('text'), 'text')
  })
})

describe('hostile files are read or refused in linear time', () => {
  const size = 400_000
  const lines: Record<string, string> = Object.fromEntries(
    [
      ' ',
      '=',
      ':',
      '[',
      ']',
      '%',
      '%(',
      '%(a)',
      '%(a)s',
      '\\',
      '\\;',
      ';',
      '#',
      '"',
      "'",
      '\u2028',
      '\x1f',
      'a ',
    ].flatMap((part) => {
      const long = part.repeat(size / part.length)
      return [
        [`${part} as a line`, long],
        [`${part} in a line`, `a${long}b`],
        [`${part} in a header`, `[${long}x]`],
        [`${part} in a value`, `a = ${long}x`],
        [`${part} in quotes`, `a = "${long}"`],
      ]
    }),
  )
  const files: Record<string, string> = {
    'empty lines': '\n'.repeat(size),
    'bare lines': `[A]\n${'a\n'.repeat(size / 2)}`,
    'continuation lines': `[A]\na = 1\n${' b\n'.repeat(size / 3)}`,
    'blank lines in a value': `[A]\na = 1\n${' \n'.repeat(size / 2)} b\n`,
    sections: Array.from({ length: size / 10 }, (_, at) => `[s${at}]\n`).join(''),
    keys: `[A]\n${Array.from({ length: size / 10 }, (_, at) => `k${at} = ${at}\n`).join('')}`,
    duplicates: `[A]\n${'k = 1\n'.repeat(size / 10)}`,
    'references that multiply': `[A]\nk0 = x\n${Array.from({ length: 9 }, (_, at) => `k${at + 1} = ${`%(k${at})s`.repeat(1000)}\n`).join('')}`,
    'references that multiply nothing': `[A]\nk0 =\n${Array.from({ length: 9 }, (_, at) => `k${at + 1} = ${`%(k${at})s`.repeat(1000)}\n`).join('')}`,
  }
  for (const [name, line] of Object.entries(lines)) files[name] = `[A]\n${line}\n${line}`

  for (const dialect of ['python', 'ini'] as const) {
    test(dialect, { timeout: 60_000 }, async (context) => {
      for (const [name, text] of Object.entries(files))
        await context.test(name, { timeout: 10_000 }, () => readAll(text, dialect))
    })
  }

  async function readAll(text: string, dialect: 'python' | 'ini'): Promise<void> {
    try {
      const config = await parseSecrets(text, { dialect })
      for (const section of config.sections().slice(0, 100))
        for (const key of config.keys(section)) thrownBy(() => config.get(section, key))
      thrownBy(() => config.get('B'.repeat(size), 'x'))
      thrownBy(() => config.get('A', 'x'.repeat(size)))
    } catch (error) {
      assert.ok(error instanceof SecretsFileError)
      assert.ok(error.message.length < 10_000)
    }
  }
})

/** All values by section and key. */
function allOf(secrets: Secrets): Record<string, Record<string, string>> {
  const values = (section: string) => secrets.keys(section).map((key) => [key, secrets.get(section, key)])
  return Object.fromEntries(
    secrets.sections().map((section) => [section, Object.fromEntries(values(section))]),
  )
}

function thrownBy(body: () => unknown): unknown {
  try {
    body()
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  return undefined
}

async function printed(object: object): Promise<string> {
  let text = ''
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk
      done()
    },
  })
  const console = new Console(stream)
  console.log(object)
  console.dir(object, { showHidden: true })
  console.table(object)
  return text
}
