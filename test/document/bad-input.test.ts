import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  check,
  DocumentError,
  dump,
  FlambeauError,
  factory,
  load,
  loadAll,
  loadFile,
  MappedRegistrable,
  namespace,
  RegistrationError,
  Registry,
  ResourceError,
  Runnable,
  RunnableFileError,
  registrable,
  SafeExecutionContext,
  TagError,
  ValidationError,
} from 'flambeau'
import { z } from 'zod'
import { onlyProblem, refused, summary, underlined } from '../support/problems.js'

const registry = new Registry()
const torch = namespace('torch', { registry })

@registrable('!Train', { registry })
class Train extends Runnable {
  constructor(readonly options: Record<string, any> = {}) {
    super(options)
  }
  override run() {}
}

// What JavaScript lets pass.
class Idle extends (Runnable as any) {}
registry.add(Idle as new (options: object) => object, '!Idle')

@registrable('!Model', { registry })
class Model {
  constructor(readonly options: Record<string, any> = {}) {}
  @factory static fromFile(options: object) {
    return new this(options)
  }
  @factory static empty() {
    return new this()
  }
}

@torch.registrable('!Adam')
class Adam {
  constructor(readonly options: Record<string, any> = {}) {}
}

class Strict extends MappedRegistrable.with(
  z.strictObject({ data: z.string(), rate: z.number().optional(), layers: z.array(z.number()).optional() }),
) {}
registry.add(Strict, '!Strict')

const options = { registry, filename: 'train.yaml' }
const only = (text: string) => onlyProblem(text, options)

/** The place, code and message of the only problem. */
function verdict(text: string): string {
  const problem = only(text)
  assert.equal(problem.file, 'train.yaml')
  return `${summary(problem)}: ${problem.message}`
}

describe('a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-bad-'))
  after(() => rmSync(folder, { recursive: true }))

  function file(name: string, content: string | Uint8Array): string {
    const path = join(folder, name)
    writeFileSync(path, content)
    return path
  }

  async function unreadable(path: string): Promise<ResourceError> {
    const error = await loadFile(path, options).then(
      () => assert.fail('it was read'),
      (error) => error,
    )
    assert.ok(error instanceof ResourceError)
    assert.equal(error.exitCode, 22)
    return error
  }

  test('that is not there is named, with the nearest there is', async () => {
    file('train.yaml', '!Train\n')
    const path = join(folder, 'tran.yaml')
    const error = await unreadable(path)
    assert.equal(error.code, 'NO_FILE')
    assert.equal(error.message, `There is no file "${path}": did you mean "train.yaml"?`)
    const far = join(folder, 'no', 'such.yaml')
    assert.equal(
      (await unreadable(far)).message,
      `There is no file "${far}": check the path and the current folder`,
    )
  })

  test('that is a folder is named', async () => {
    const error = await unreadable(folder)
    assert.equal(error.code, 'IS_FOLDER')
    assert.equal(error.message, `"${folder}" is a folder: name the YAML file in it`)
  })

  test('that is not UTF-8 is named with line and byte', async () => {
    const path = file('latin.yaml', Buffer.from('a: 1\nb: caf\xe9\n', 'latin1'))
    const error = await unreadable(path)
    assert.equal(error.code, 'NOT_UTF8')
    assert.equal(error.message, `"${path}" is not UTF-8 at line 2, byte 7: save it as UTF-8`)
  })

  test('that is UTF-8 up to its last byte is named', async () => {
    const path = file('cut.yaml', Buffer.concat([Buffer.from('a: é\n'), Buffer.from([0xc3])]))
    assert.match((await unreadable(path)).message, /is not UTF-8 at line 2, byte 1: /)
  })

  test('that is empty holds no runnable', async () => {
    for (const content of ['', '\n\n', '# only a comment\n', '---\n']) {
      const context = new SafeExecutionContext({ content, filename: 'train.yaml' }, { registry })
      await assert.rejects(context.preprocess(), (error: unknown) => {
        assert.ok(error instanceof RunnableFileError, `${error}`)
        assert.equal(error.code, 'EMPTY_FILE')
        assert.equal(
          error.message,
          '"train.yaml" is empty: write the tag of a runnable and its options, such as "!Train"',
        )
        return true
      })
    }
  })

  async function noRunnableFile(content: string): Promise<RunnableFileError> {
    const context = new SafeExecutionContext({ content, filename: 'train.yaml' }, { registry })
    const error = await context.preprocess().then(
      () => assert.fail('it was accepted'),
      (error) => error,
    )
    assert.ok(error instanceof RunnableFileError, `${error}`)
    assert.equal(error.exitCode, 22)
    return error
  }

  test('with three documents is no runnable file', async () => {
    const [problem] = (await noRunnableFile('a: ./b\n---\n!Train\n---\n!Train { c: 1 }\n')).problems
    assert.equal(summary(problem!), '5:1-7 TOO_MANY_DOCUMENTS')
    assert.equal(
      problem!.message,
      'A runnable file contains one document, or extensions, "---" and one document, but this is the third of 3',
    )
  })

  test('whose top node is no Runnable is no runnable file', async () => {
    const plain = (await noRunnableFile('# plain\na: 1\n')).problems[0]!
    assert.equal(plain.code, 'NOT_RUNNABLE')
    assert.equal(
      plain.message,
      'A runnable file contains a runnable, but the top node has no tag: use the tag of a class that extends Runnable',
    )
    assert.deepEqual([plain.line, plain.column], [2, 1])
    const other = (await noRunnableFile('# a model\n!Model { a: 1 }\n')).problems[0]!
    assert.equal(summary(other), '2:1-7 NOT_RUNNABLE')
    assert.match(other.message, /but "!Model" is not one: use the tag of a class that extends Runnable$/)
    assert.equal((await noRunnableFile('!Model.empty\n')).code, 'NOT_RUNNABLE')
    assert.equal((await noRunnableFile('[!Train ]\n')).code, 'NOT_RUNNABLE')
  })

  test('whose top node cannot run says so', async () => {
    const { problems } = await noRunnableFile('!Idle\n')
    assert.equal(summary(problems[0]!), '1:1-6 NOT_RUNNABLE')
    assert.equal(problems[0]!.message, '"!Idle" has no method "run": write one in its class')
  })

  test('whose upper document is no mapping of extensions is no runnable file', async () => {
    const problem = (await noRunnableFile('- a\n---\n!Train\n')).problems[0]!
    assert.equal(problem.code, 'BAD_EXTENSIONS')
    assert.match(problem.message, /^Expected extensions above "---", .* but found a sequence$/)
    const nowhere = (await noRunnableFile('ext: 3\n---\n!Train\n')).problems[0]!
    assert.equal(summary(nowhere), '1:6-7 BAD_EXTENSIONS')
  })

  test('with two documents has the tags of both checked', () => {
    const problems = check('a: !Nobody\n---\n!Modl\n---\n- !Train\n- !Trainer\n', options)
    assert.deepEqual(problems.map(summary), ['1:4-11 UNKNOWN_TAG', '3:1-6 UNKNOWN_TAG', '6:3-11 UNKNOWN_TAG'])
    assert.throws(() => loadAll('a: 1\n---\n!Modl\n', options), TagError)
  })
})

describe('YAML itself:', () => {
  test('a tab where spaces are due', () => {
    assert.equal(verdict('a:\n\tb: 1\n'), '2:1-2 TAB_AS_INDENT: A tab cannot indent YAML: use spaces')
    assert.equal(
      verdict('!Train\na: 1\n\tb: 2\n'),
      '3:1-2 TAB_AS_INDENT: A tab cannot indent YAML: use spaces',
    )
  })

  test('a list or mapping that begins in the middle of a line', () => {
    const [first] = check('a: b: c\n', options)
    assert.equal(first?.message, `A plain text cannot have ": " in it: write it in quotes, 'b: c'`)
    assert.deepEqual([first?.line, first?.column], [1, 4])
  })

  test('brackets and quotes that are not closed', () => {
    for (const text of ['a: [1, 2\n', 'a: {b: 1\n', 'a: "b\n', "a: 'b\n"]) {
      const error = refused(text, options)
      assert.ok(error.problems.length > 0)
      for (const { message, code } of error.problems) {
        assert.notEqual(code, '')
        assert.doesNotMatch(message, /at line \d+|\.$|\n/)
      }
    }
  })

  test('an alias without an anchor, as a key and as a template', () => {
    assert.match(verdict('!Model\n*nope : 1\n'), /^2:1-6 UNKNOWN_ALIAS/)
    assert.match(verdict('!Strict\ndata: x\n*nope : 1\n'), /^3:1-6 UNKNOWN_ALIAS/)
    const registry = new Registry()
    const schema = z.looseObject({})
    registry.add(Model, '!Sweep', { templates: ['each'], schema })
    assert.equal(onlyProblem('!Sweep { each: *nope }', { registry }).code, 'UNKNOWN_ALIAS')
  })

  test('a pair that is empty', () => {
    for (const tag of ['!!pairs', '!!omap'])
      assert.equal(
        verdict(`a: ${tag} [{}]\n`).replace(/-\d+/, ''),
        `1:${tag.length + 5} BAD_COLLECTION_TYPE: Each item of "!!pairs" and "!!omap" is one "key: value", but here one is empty`,
      )
  })

  test('a key with nothing behind it, not even a colon', () => {
    assert.match(verdict('a: 1\nb: !Strict {data}\n'), /^2:17-\d+ BAD_OPTION/)
  })

  test('a merge that leads through too many mappings', () => {
    const registry = new Registry()
    registry.add(Model, '!Sweep', { templates: ['each'], schema: z.looseObject({}) })
    const chain = Array.from({ length: 600 }, (_, at) => `- &a${at + 1} { <<: *a${at} }\n`)
    const { code, message } = onlyProblem(
      `!Sweep\neach:\n- &a0 { k: 1 }\n${chain.join('')}x: { <<: *a600 }\n`,
      { registry },
    )
    assert.equal(code, 'MERGE_LIMIT')
    assert.match(message, /^"<<" leads through more than 500 mappings/)
  })

  test('a key that stands twice', () => {
    assert.equal(
      verdict('a: 1\nb:\n  c: 1\n  "c": 2\n'),
      '4:3-6 DUPLICATE_KEY: Key "c" stands here twice: remove one of them',
    )
  })

  test('an alias without an anchor, or with a misspelt one', () => {
    assert.equal(
      verdict('a: *base\n'),
      '1:4-9 UNKNOWN_ALIAS: Alias "*base" has no anchor before it: write "&base" before the node that it repeats',
    )
    assert.equal(
      verdict('a: &base 1\nb: *bsae\n'),
      '2:4-9 UNKNOWN_ALIAS: Alias "*bsae" has no anchor before it: did you mean "*base"?',
    )
  })

  test('an alias inside of what it repeats', () => {
    assert.equal(verdict('a: &a [1, *a]\n'), '1:11-13 CYCLE: Alias "*a" stands inside what it repeats')
    assert.equal(
      verdict('&a !Train\nb: { c: *a }\n'),
      '2:9-11 CYCLE: Alias "*a" stands inside what it repeats',
    )
  })

  test('a key that is a collection', () => {
    assert.equal(only('[a]: 1\n').code, 'KEY_NOT_SCALAR')
    assert.equal(only('? { a: 1 }\n: 2\n').code, 'KEY_NOT_SCALAR')
  })

  test('two tags, two anchors, an alias with a tag', () => {
    const codes = (text: string) => check(text, options).map(({ code }) => code)
    assert.ok(codes('!Train !Model {}').includes('MULTIPLE_TAGS'))
    assert.ok(codes('&a &b c').includes('MULTIPLE_ANCHORS'))
    assert.ok(codes('a: &a 1\nb: !Train *a\n').length > 0)
  })

  for (const [text, tag] of [
    ['!!int abc', '!!int'],
    ['!!map [a]', '!!map'],
    ['!!str {a: 1}', '!!str'],
    ['!!omap {a: 1}', '!!omap'],
    ['!!timestamp soon', '!!timestamp'],
  ] as const)
    test(`a tag of YAML on what it cannot be: ${text}`, () => {
      const problem = only(`- ${text}\n`)
      assert.deepEqual([problem.line, problem.column], [1, 3])
      assert.ok(problem.message.includes(tag), problem.message)
      assert.doesNotMatch(problem.message, /unknown tag/i)
    })
})

describe('an unknown tag', () => {
  test('says where, what was likely meant and shows the lines around', () => {
    const error = refused('!Train\nmodel: !Modl {}\n', options)
    assert.ok(error instanceof TagError)
    assert.equal(error.exitCode, 22)
    assert.equal(
      error.message,
      [
        'Unknown tag "!Modl": did you mean "!Model"?',
        '',
        '  train.yaml:2:8',
        '  1 | !Train',
        '  2 | model: !Modl {}',
        '    |        ^^^^^',
      ].join('\n'),
    )
    assert.equal(error.problems[0]?.hint, '!Model')
  })

  test('is never taken for the tag of an abstract class, which could not stand there', () => {
    const registry = new Registry()
    registry.add(Model, '!Modal', { abstract: true })
    assert.doesNotMatch(onlyProblem('!Modl', { registry }).message, /did you mean/)
  })

  test('of a part of this package says what to import', () => {
    const registry = new Registry()
    for (const [tag, part] of Object.entries({
      '!SSHCluster': 'cluster',
      '!choice': 'pool',
      '!Sweep': 'pool',
    }))
      assert.equal(
        onlyProblem(tag, { registry }).message,
        `Unknown tag "${tag}": import "flambeau/${part}", which registers it`,
      )
  })

  test('may be misspelt in many ways', () => {
    const near: Record<string, string> = {
      '!model': '!Model',
      '!Mdoel': '!Model',
      '!Models': '!Model',
      '!torch.Adm': '!torch.Adam',
      '!Torch.adam': '!torch.Adam',
      '!toch.Adam': '!torch.Adam',
      '!Modle.fromFile': '!Model.fromFile',
    }
    for (const [written, meant] of Object.entries(near)) {
      const problem = only(`a: ${written} {}\n`)
      assert.equal(problem.message, `Unknown tag "${written}": did you mean "${meant}"?`)
      assert.equal(problem.hint, meant)
    }
  })

  test('that is near to none says how to register it', () => {
    assert.equal(
      verdict('a: !Transformer\n'),
      '1:4-16 UNKNOWN_TAG: Unknown tag "!Transformer": import the module that has "@registrable(\'!Transformer\')", from the shell with "--import"',
    )
    assert.equal(only('a: !Transformer\n').hint, undefined)
  })

  test('of a namespace that nobody declared says to declare the extension', () => {
    assert.equal(
      verdict('a: !my_ext.Trainer { b: 1 }\n'),
      '1:4-19 UNKNOWN_TAG: Unknown tag "!my_ext.Trainer": nothing is registered under "my_ext"; ' +
        'declare the extension above "---" ("my_ext: ./path") or import it',
    )
  })

  test('of a namespace that is there says so', () => {
    assert.equal(
      verdict('!torch.Scheduler'),
      '1:1-17 UNKNOWN_TAG: Unknown tag "!torch.Scheduler": "torch" has no such tag',
    )
  })

  test('is reported at each place', () => {
    const problems = check('- !Nobody\n- { a: !Nobody , b: !Train [1] }\n', options)
    assert.deepEqual(problems.map(summary), [
      '1:3-10 UNKNOWN_TAG',
      '2:8-15 UNKNOWN_TAG',
      '2:21-27 EXPECTED_MAPPING',
    ])
  })

  test('of any length gives a message of a bounded one', () => {
    const problem = only(`!${'x'.repeat(100_000)}`)
    assert.equal(problem.code, 'UNKNOWN_TAG')
    assert.ok(problem.message.length < 300)
    assert.ok(problem.frame.length < 500)
  })

  test('may hold what a terminal would obey, and the message does not', () => {
    for (const text of ['!a\u001b[31mb', '"\u001b[31m": !Nobody', 'a: !Nobody # \u009b31m \u202e'])
      for (const { message, frame } of check(text, options)) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
        assert.doesNotMatch(message + frame, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
      }
  })
})

describe('a factory that does not exist', () => {
  test('is told from an unknown tag, with what was likely meant', () => {
    assert.equal(
      verdict('a: !Model.fromFiel { path: x }\n'),
      '1:4-19 UNKNOWN_FACTORY: Unknown factory "fromFiel" of "!Model": did you mean "fromFile"?',
    )
    assert.equal(only('!Model.fromFiel').hint, '!Model.fromFile')
    assert.ok(refused('!Model.fromFiel', options) instanceof TagError)
  })

  test('is told with those there are', () => {
    assert.equal(
      verdict('!Model.download'),
      '1:1-16 UNKNOWN_FACTORY: Unknown factory "download" of "!Model": its factories are "fromFile", "empty"',
    )
    assert.equal(
      verdict('!torch.Adam.fast'),
      '1:1-17 UNKNOWN_FACTORY: Unknown factory "fast" of "!torch.Adam": class "Adam" has none',
    )
    assert.ok(load('!torch.Adam', options) instanceof Adam)
  })
})

describe('a node of the wrong kind', () => {
  const due = '"!Model" takes options, "name: value", but here stands'
  for (const [node, found] of [
    ['text', 'the text "text"'],
    ['"12"', 'the text "12"'],
    ['12', 'the text "12"'],
    ['[1, 2]', 'a sequence'],
    ['|\n  two\n  lines\n', 'the text "two\\nlines\\n"'],
    ['\n- 1\n', 'a sequence'],
  ] as const)
    test(`where a mapping is due: ${JSON.stringify(node)}`, () => {
      assert.equal(verdict(`!Model ${node}`), `1:1-7 EXPECTED_MAPPING: ${due} ${found}`)
      assert.ok(refused(`!Model ${node}`, options) instanceof ValidationError)
    })

  test('where a factory is due options', () => {
    assert.equal(
      verdict('- !Model.fromFile model.bin\n'),
      '1:3-18 EXPECTED_MAPPING: "!Model.fromFile" takes options, "name: value", but here stands the text "model.bin"',
    )
  })

  test('may be empty quotes, which are not nothing', () => {
    const problem = only('!Model ""')
    assert.equal(problem.code, 'EXPECTED_MAPPING')
    assert.match(problem.message, /here stands (?:the|an) (?:empty )?text/)
  })

  test('is quoted in part when it is long', () => {
    assert.ok(only(`!Model ${'x'.repeat(5_000)}`).message.length < 150)
  })
})

describe('a key of an object that is no string', () => {
  const due = 'The name of an option must be a string, but here stands'
  const remedy = (text: string) => `write "${text}" in quotes if that is its name`

  test('may be nothing', () => {
    assert.equal(verdict('!Model\nnull: 1\n'), `2:1-5 KEY_NOT_STRING: ${due} null: ${remedy('null')}`)
    assert.match(verdict('!Model { ~: 1 }'), new RegExp(`^1:10-11 KEY_NOT_STRING: ${due} null`))
    assert.equal(only('!Model\n: 1\n').code, 'KEY_NOT_STRING')
  })

  test('may be a number', () => {
    assert.equal(
      verdict('!Model\na: 1\n2: b\n'),
      `3:1-2 KEY_NOT_STRING: ${due} the number "2": ${remedy('2')}`,
    )
    assert.equal(only('!Model { 0x1F: a }').code, 'KEY_NOT_STRING')
    assert.equal(only('!Model { .inf: a }').code, 'KEY_NOT_STRING')
  })

  test('may be true or false', () => {
    assert.equal(
      verdict('!Model { true: 1 }'),
      `1:10-14 KEY_NOT_STRING: ${due} the boolean "true": ${remedy('true')}`,
    )
  })

  test('may be a date, which is named as it is written', () => {
    const problem = only('!Model { !!timestamp 2001-12-14: 1 }')
    assert.equal(problem.code, 'KEY_NOT_STRING')
    assert.match(problem.message, /^The name of an option must be a string, but here stands .*2001-12-14/)
    assert.doesNotMatch(problem.message, /GMT|Fri/)
  })

  test('is one only where YAML says so: an untagged date is a string', () => {
    assert.deepEqual(load('!Model { 2001-12-14: 1 }', { registry, expect: Model }).options, {
      '2001-12-14': 1,
    })
    assert.deepEqual(load('!Model { "1": a, "null": b }', { registry, expect: Model }).options, {
      1: 'a',
      null: 'b',
    })
  })

  test('may be a collection or an object', () => {
    assert.ok(check('!Model { [a]: 1 }', options).some(({ code }) => code === 'KEY_NOT_STRING'))
    assert.ok(check('!Model { ? !Model {} : 1 }', options).some(({ code }) => code === 'KEY_NOT_STRING'))
  })

  test('is found in the options of a factory as well, not in plain data', () => {
    assert.equal(only('!Model.fromFile { 1: a }').code, 'KEY_NOT_STRING')
    assert.deepEqual(check('!Model { plain: { 1: a, null: b } }', options), [])
  })
})

describe('several faults at once', () => {
  const text = [
    'extra: 1',
    '---',
    '!Train',
    'model: !Modl { a: 1 }',
    'strict: !Strict',
    '  rate: fast',
    '  more: 1',
    'base: *nobody',
    'model: again',
    'list: [!Model 3, !Model.nothing , !far.Away ]',
    'name: !Model { 1: one }',
    '',
  ].join('\n')

  test('are all shown, in the order of the file', () => {
    assert.deepEqual(check(text, options).map(summary), [
      '4:8-13 UNKNOWN_TAG',
      '5:9-16 MISSING_OPTION',
      '6:9-13 BAD_OPTION',
      '7:3-7 UNKNOWN_OPTION',
      '8:7-14 UNKNOWN_ALIAS',
      '9:1-6 DUPLICATE_KEY',
      '10:8-14 EXPECTED_MAPPING',
      '10:18-32 UNKNOWN_FACTORY',
      '10:35-44 UNKNOWN_TAG',
      '11:16-17 KEY_NOT_STRING',
    ])
  })

  test('are all in the one error of load', () => {
    const error = refusedAll(text)
    assert.deepEqual(error.problems, check(text, options))
    assert.equal(error.code, 'UNKNOWN_TAG')
    assert.match(error.message, /^10 problems in train\.yaml\n\nUnknown tag "!Modl"/)
    for (const { message, line, column } of error.problems) {
      assert.ok(error.message.includes(message))
      assert.ok(error.message.includes(`train.yaml:${line}:${column}\n`))
    }
  })

  test('of one kind give the error of that kind', () => {
    assert.ok(refused('[!A, !B]', options) instanceof TagError)
    assert.ok(refused('[!Model 1, !Model 2]', options) instanceof ValidationError)
    const mixed = refused('[!A, !Model 2]', options)
    assert.equal(mixed.constructor, DocumentError)
  })

  test('of a schema stand at their three places', () => {
    const error = refused('!Strict\nrate: fast\nlayers: [1, two]\ndata: 3\n', options)
    assert.deepEqual(
      error.problems.map((problem) => `${summary(problem)} ${underlined(problem)}`),
      ['2:7-11 BAD_OPTION fast', '3:13-16 BAD_OPTION two', '4:7-8 BAD_OPTION 3'],
    )
  })

  test('of a broken text do not hide its tags', () => {
    const problems = check('a: !Modl\nb: "unclosed\n', options)
    assert.equal(problems[0]?.code, 'UNKNOWN_TAG')
    assert.ok(problems.length > 1)
  })

  function refusedAll(text: string): DocumentError {
    try {
      loadAll(text, options)
    } catch (error) {
      assert.ok(error instanceof DocumentError)
      return error
    }
    return assert.fail('it was loaded')
  }
})

describe('a frame', () => {
  const frame = (text: string) => only(text).frame

  test('shows up to two lines before, and a marker under the place', () => {
    assert.equal(frame('a: !Nobody\nb: 1\n'), '1 | a: !Nobody\n  |    ^^^^^^^')
    assert.equal(
      frame('a: 1\nb: 2\nc: 3\nd: !Nobody { e: 1 } # x\nf: 1\n'),
      '2 | b: 2\n3 | c: 3\n4 | d: !Nobody { e: 1 } # x\n  |    ^^^^^^^',
    )
  })

  test('aligns the numbers of its lines', () => {
    const text = `${Array.from({ length: 9 }, (_, index) => `k${index}: 1`).join('\n')}\nx: !Nobody\n`
    assert.equal(frame(text), ' 8 | k7: 1\n 9 | k8: 1\n10 | x: !Nobody\n   |    ^^^^^^^')
  })

  test('keeps tabs before the marker', () => {
    assert.equal(frame('a:\t\t!Nobody\t1\n'), '1 | a:\t\t!Nobody\t1\n  |   \t\t^^^^^^^')
  })

  test('ends no line with a carriage return, and counts lines and columns all the same', () => {
    const problem = only('a: 1\r\n# b\r\nc: !Nobody\r\nd: 1\r\n')
    assert.equal(summary(problem), '3:4-11 UNKNOWN_TAG')
    assert.equal(problem.frame, '1 | a: 1\n2 | # b\n3 | c: !Nobody\n  |    ^^^^^^^')
  })

  test('replaces control characters, one for one', () => {
    const problem = only('a: "\u001b[31m"\nb: { "\u0007": !Nobody }\n')
    assert.equal(problem.frame, '1 | a: "\ufffd[31m"\n2 | b: { "\ufffd": !Nobody }\n  |           ^^^^^^^')
  })

  test('shows the part of a wide line where the place is', () => {
    for (const before of [100, 1_000, 100_000]) {
      const problem = only(
        `"${'k'.repeat(20)}": 1\na: [${'1, '.repeat(before)}!Nobody , ${'2, '.repeat(500)}3]\n`,
      )
      assert.equal(problem.column, 5 + 3 * before)
      assert.equal(underlined(problem), '!Nobody')
      for (const row of problem.frame.split('\n')) assert.ok(row.length <= 130, row)
    }
  })

  test('does not mark more of a line than there is of it', () => {
    const problem = only(`!Strict { data: ["${'x'.repeat(500)}"] }`)
    assert.equal(problem.column, 17)
    for (const row of problem.frame.split('\n')) assert.ok(row.length <= 130, row)
  })

  test('marks the first line of a place that has several', () => {
    const problem = only('!Strict\ndata:\n  a: 1\n  b: 2\n')
    assert.equal(summary(problem), '3:3-4:7 BAD_OPTION')
    assert.equal(problem.frame, '1 | !Strict\n2 | data:\n3 |   a: 1\n  |   ^^^^')
  })

  test('marks one column where nothing stands', () => {
    const problem = only('!Strict\ndata:\nrate: 1\n')
    assert.equal(problem.line, 2)
    assert.equal(problem.frame.split('\n').at(-1)?.trim().replace('| ', '').trim(), '^')
  })

  test('is right for every line of a long text', () => {
    const lines = Array.from({ length: 200 }, (_, index) => `${' '.repeat(index % 7)}- !Nobody${index}`)
    const text = lines.map((line) => line.trimStart()).join('\n')
    for (const [index, problem] of check(text, options).entries()) {
      assert.equal(problem.line, index + 1)
      assert.equal(underlined(problem), `!Nobody${index}`)
    }
  })

  test('counts columns from 1 behind a byte order mark', () => {
    assert.equal(summary(only('\ufeff!Nobody')), '1:1-8 UNKNOWN_TAG')
    assert.equal(frame('\ufeff!Nobody'), '1 | !Nobody\n  | ^^^^^^^')
  })
})

describe('hostile input ends soon with a typed error:', () => {
  const mistyped = (action: () => unknown) => {
    const start = performance.now()
    assert.throws(action, (error: unknown) => error instanceof FlambeauError)
    assert.ok(performance.now() - start < 60_000)
  }

  test('many brackets', () => {
    for (const bracket of ['[', '{', '- ', '? ', '[{a: ', '!Model { a: '])
      mistyped(() => load(bracket.repeat(100_000), options))
    assert.equal(only('['.repeat(10_000)).code, 'TOO_DEEP')
    assert.match(only('['.repeat(10_000)).message, /^More than 500 collections stand in one another/)
  })

  test('nested blocks', () => {
    const text = Array.from({ length: 3_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')
    mistyped(() => load(text, options))
  })

  test('aliases of aliases, which are never expanded', () => {
    const lines = ['a0: &a0 [x, x]']
    for (let level = 1; level < 100; level++)
      lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`)
    const bomb: any = load(lines.join('\n'), options)
    assert.equal(bomb.a99[0], bomb.a99[1])
    assert.equal(bomb.a99[0], bomb.a98)
  })

  test('merge keys of merge keys', () => {
    const wide = (name: string, of: string) =>
      `${name}: &${name} { ${Array.from({ length: 200 }, (_, key) => `${name}${key}: 1`).join(', ')}, <<: [${of}] }`
    const lines = [wide('m0', '{}')]
    for (let level = 1; level < 400; level++) lines.push(wide(`m${level}`, `*m${level - 1}`))
    mistyped(() => load(lines.join('\n'), options))
  })

  test('many unknown tags', () => {
    const text = Array.from({ length: 20_000 }, (_, index) => `- !Nobody${index}`).join('\n')
    const start = performance.now()
    assert.equal(check(text, options).at(-1)!.rest, 19_001)
    assert.ok(performance.now() - start < 60_000)
  })
})

describe('a mistake in the program', () => {
  test('a tag for two classes', () => {
    const here = new Registry()
    here.add(Model, '!Model')
    assert.throws(
      () => here.add(Adam, '!Model'),
      (error: unknown) => {
        assert.ok(error instanceof RegistrationError)
        assert.equal(error.code, 'TAG_TAKEN')
        assert.equal(error.exitCode, 1)
        assert.equal(
          error.message,
          '"!Model" is the tag of class "Model" already, class "Adam" cannot have it too: ' +
            'choose another tag, or say { override: true }',
        )
        return true
      },
    )
  })

  test('a dump of a class that is not registered', () => {
    class Unregistered {}
    assert.throws(
      () => dump({ a: new Unregistered() }, options),
      (error: unknown) => {
        assert.ok(error instanceof RegistrationError)
        assert.equal(error.code, 'UNREGISTERED_CLASS')
        assert.equal(
          error.message,
          'An object of class "Unregistered" cannot be dumped: the class is not registered; ' +
            'write "@registrable(\'!Unregistered\')" above it',
        )
        return true
      },
    )
  })

  test('a cycle in a dump', () => {
    const train = new Train({ inner: {} })
    train.options['inner'].back = [train]
    assert.throws(
      () => dump(train, options),
      (error: unknown) => {
        assert.ok(error instanceof RegistrationError)
        assert.equal(error.code, 'CYCLE')
        assert.equal(error.message, 'The value at "inner.back[0]" contains itself')
        return true
      },
    )
  })
})
