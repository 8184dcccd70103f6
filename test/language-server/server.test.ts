import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Editor, EditorProject, edited, positionAt, unmarked } from '../support/editor.js'
import { editorClasses, manifestOf } from '../support/editor-classes.js'

const job = 'job.yaml'
const valid = '!Train\ndata: a.csv\noptimizer: !Sgd\n  rate: 0.5\n'

/** A project with the classes of the tests, and an editor with an open file in it. */
async function withEditor(files: Readonly<Record<string, string>> = {}): Promise<[EditorProject, Editor]> {
  const project = new EditorProject({
    'package.json': manifestOf(['./classes.js']),
    'classes.js': editorClasses,
    ...files,
  })
  const editor = await Editor.start(project.folder)
  editor.open(job, valid)
  await editor.problems(job)
  return [project, editor]
}

describe('an editor', () => {
  let project: EditorProject
  let editor: Editor
  before(async () => {
    ;[project, editor] = await withEditor({
      'parts/base.yaml': '!Train\ndata: base.csv\noptimizer: !Sgd\n  rate: 0.25\n',
      'parts/wrong.yaml': '!Sgd\nratee: 1\n',
      'parts/list.yaml': '- !Sgd\n- !Adam\n',
      'notes.txt': 'no YAML',
    })
  })
  after(async () => {
    assert.equal(await editor.stop(), 0)
    assert.equal(editor.stderr, '')
    project.remove()
  })

  const labels = async (marked: string) => (await editor.complete(job, marked)).map(({ label }) => label)
  /** The text after a candidate was chosen. */
  const chosen = async (marked: string, label: string) => {
    const found = (await editor.complete(job, marked)).find((each) => each.label === label)
    assert.ok(found, `${label} is not offered`)
    const { text } = unmarked(marked)
    return edited(text, [found.textEdit as { range: any; newText: string }])
  }

  describe('shows problems', () => {
    const shown = async (text: string) => {
      editor.replace(job, text)
      return editor.problems(job)
    }

    test('as check finds them, with their positions and codes', async () => {
      assert.deepEqual(await shown('!Trian\ndata: a\noptimizer: !Sgd { ratee: 1 }\n'), [
        '1:1 UNKNOWN_TAG Unknown tag "!Trian": did you mean "!Train"?',
        '3:19 UNKNOWN_OPTION Option "ratee" of "!Sgd" is unknown: did you mean "rate"?',
      ])
      assert.deepEqual(await shown('!Train\ndata: [a\noptimizer: !Sgd\n'), [
        '2:7 BAD_INDENT "[" is not closed: write "]" at the end of the sequence',
      ])
      assert.deepEqual(await shown(valid), [])
    })

    test('with a link to the line that explains the code', async () => {
      await shown('!Trian\n')
      const [{ code, codeDescription, source, severity } = {} as never] = await editor.diagnostics(job)
      assert.deepEqual([source, code, severity], ['flambeau', 'UNKNOWN_TAG', 1])
      const [file = '', line] = codeDescription!.href.split('#L')
      assert.match(readFileSync(fileURLToPath(file), 'utf8').split('\n')[Number(line) - 1]!, /UNKNOWN_TAG/)
    })

    test('in UTF-16 units, behind characters of two of them, and with any line end', async () => {
      assert.deepEqual(await shown('!Train\r\ndata: "😀"\r\n"😀": 1\r\noptimizer: !Sgd\r\n'), [
        '3:1 UNKNOWN_OPTION Option "😀" of "!Train" is unknown: remove it',
      ])
      const [{ range } = {} as never] = await editor.diagnostics(job)
      assert.deepEqual(range.end, { line: 2, character: 4 })
    })

    test('of an included file at the include, with a link to its own line', async () => {
      assert.deepEqual(await shown('!Train\ndata: a\noptimizer: !include parts/wrong.yaml\n'), [
        `3:12 UNKNOWN_OPTION Option "ratee" of "!Sgd" is unknown: did you mean "rate"? (${project.path('parts/wrong.yaml')}:2:1)`,
      ])
      const [{ relatedInformation = [] } = {} as never] = await editor.diagnostics(job)
      assert.equal(relatedInformation[0]!.location.uri, editor.uri('parts/wrong.yaml'))
      assert.equal(relatedInformation[0]!.location.range.start.line, 1)
    })

    test('of deprecated tags as warnings that are struck through', async () => {
      await shown('!Train\ndata: a\noptimizer: !OldSgd\n')
      const [{ severity, tags, code } = {} as never] = await editor.diagnostics(job)
      assert.deepEqual([code, severity, tags], ['DEPRECATED_TAG', 2, [2]])
    })

    test('of no YAML file that is not one of this package', async () => {
      assert.deepEqual(await shown('on: push\njobs:\n  test: [a\n'), [])
      assert.deepEqual(await shown('key: !Ref Other\n'), [])
      assert.deepEqual(await shown(''), [])
    })

    test('of a key that is meant as a tag, and of what has a known tag below the top', async () => {
      assert.deepEqual(await shown('Train:\n  data: a\n'), [
        '1:1 KEY_IS_TAG "Train" is a key here, not a tag: write "!Train" instead of "Train:", or put the key in quotes',
      ])
      assert.deepEqual(await shown('- !Sgd { ratee: 1 }\n'), [
        '1:10 UNKNOWN_OPTION Option "ratee" of "!Sgd" is unknown: did you mean "rate"?',
      ])
    })

    test('of each file by itself, and of none that was closed', async () => {
      editor.open('other.yaml', '!Trian\n')
      assert.equal((await editor.problems('other.yaml')).length, 1)
      editor.replace(job, valid)
      assert.deepEqual(await editor.problems(job), [])
      assert.equal((await editor.problems('other.yaml')).length, 1)
      editor.close('other.yaml')
      await editor.untilShown('other.yaml', (problems) => problems.length === 0)
    })
  })

  describe('completes', () => {
    test('tags: those of the classes that an option accepts', async () => {
      const own = (found: string[]) =>
        found.filter((label) => /^!(?:Sgd|Adam|OldSgd|Model|Train|Url)/.test(label)).sort()
      assert.deepEqual(own(await labels('!|')).sort(), [
        '!Adam',
        '!Model',
        '!Model.fromFile',
        '!OldSgd',
        '!Sgd',
        '!Train',
        '!Url',
      ])
      for (const text of [
        '!Train\noptimizer: |',
        '!Train\noptimizer: !S|\ndata: a\n',
        '!Train { optimizer: !| }',
      ])
        assert.deepEqual(own(await labels(text)), ['!Adam', '!OldSgd', '!Sgd'], text)
      assert.deepEqual(own(await labels('!Train\nsteps:\n  - name: a\n    optimizer: !|')), [
        '!Adam',
        '!OldSgd',
        '!Sgd',
      ])
      assert.deepEqual(own(await labels('!Train\nmodel: !Model.|')), ['!Model', '!Model.fromFile'])
      assert.ok(own(await labels('!Train\nextra: |')).includes('!Train'))
      assert.equal(await chosen('!Tr|an\ndata: a\n', '!Train'), '!Train\ndata: a\n')
      assert.equal(await chosen('!Train\noptimizer: |\n', '!Sgd'), '!Train\noptimizer: !Sgd\n')
    })

    test('options that are not there yet, with required ones first', async () => {
      const items = await editor.complete(job, '!Train\ndata: a\n|')
      const ordered = [...items]
        .sort((a, b) => (a.sortText! < b.sortText! ? -1 : 1))
        .map(({ label }) => label)
      assert.deepEqual(ordered, ['optimizer', 'extra', 'learning_rate', 'mode', 'model', 'steps'])
      assert.deepEqual(await labels('!Train\noptimizer: !Sgd\n  |\ndata: a\n'), ['rate', 'nesterov'])
      assert.deepEqual(await labels('!Train\noptimizer: !Sgd\n  rate: 1\n  n|\ndata: a\n'), ['nesterov'])
      assert.deepEqual(await labels('!Train\noptimizer: !Sgd { rate: 1, |'), ['nesterov'])
      assert.deepEqual(await labels('!Train\nsteps:\n  - |').then((found) => found.slice(0, 2)), [
        'name',
        'optimizer',
      ])
      assert.deepEqual(await labels('!Train\nsteps:\n  - name: a\n    |'), ['optimizer'])
      assert.deepEqual(await labels('!Train\nsteps: [{ |'), ['name', 'optimizer'])
      assert.deepEqual(await labels('!Url\n|'), [])
      assert.equal(await chosen('!Train\nda|\n', 'data'), '!Train\ndata: \n')
      assert.equal(await chosen('!Train\nda|: a\n', 'data'), '!Train\ndata: a\n')
      assert.equal(await chosen('!Train\n|\noptimizer: !Sgd\n', 'data'), '!Train\ndata: \noptimizer: !Sgd\n')
    })

    test('an option with its type, its default and its description', async () => {
      const items = await editor.complete(job, '!Train\noptimizer: !Sgd\n  |')
      const rate = items.find(({ label }) => label === 'rate')!
      assert.equal(rate.detail, 'number > 0')
      assert.equal(
        (rate.documentation as { value: string }).value,
        '`rate`: `number > 0`, default `0.1`\n\nHow far one step goes',
      )
    })

    test('values: of an enumeration, booleans, the default', async () => {
      const plain = async (text: string) => (await labels(text)).filter((label) => !label.startsWith('!'))
      assert.deepEqual(await plain('!Train\nmode: |'), ['fast', 'slow'])
      assert.deepEqual(await plain('!Train { mode: s|'), ['fast', 'slow'])
      assert.deepEqual(await plain('!Train\noptimizer: !Sgd\n  nesterov: |'), ['true', 'false'])
      assert.deepEqual(await plain('!Train\noptimizer: !Sgd { rate: |'), ['0.1'])
    })

    test('aliases: of anchors above, but not of the collections around', async () => {
      const aliases = async (text: string) => (await labels(text)).filter((label) => label.startsWith('*'))
      const text = '!Train &root\ndata: &data a\noptimizer: &sgd !Sgd\n  rate: 1\nextra: '
      assert.deepEqual(await aliases(`${text}|`), ['*data', '*sgd'])
      assert.deepEqual(await labels(`${text}*|`), ['*data', '*sgd'])
      assert.deepEqual(await aliases('a: &x 1\n---\n!Train\ndata: |'), [])
      assert.equal(await chosen(`${text}*s|`, '*sgd'), `${text}*sgd`)
    })

    test('the paths of included files, and paths in them', async () => {
      assert.deepEqual(await labels('!Train\noptimizer: !include |'), ['parts/'])
      assert.deepEqual((await labels('!Train\noptimizer: !include parts/|')).sort(), [
        'base.yaml',
        'list.yaml',
        'wrong.yaml',
      ])
      assert.equal(await chosen('a: !include parts/b|', 'base.yaml'), 'a: !include parts/base.yaml')
      assert.deepEqual(await labels('a: !include parts/base.yaml#|'), ['data', 'optimizer'])
      assert.equal(
        await chosen('a: !include parts/base.yaml#optimizer.|', 'rate'),
        'a: !include parts/base.yaml#optimizer.rate',
      )
      assert.equal(await chosen('a: !include parts/list.yaml#[|', '[1]'), 'a: !include parts/list.yaml#[1]')
      assert.deepEqual((await labels('!extends\nfile: parts/|\n')).sort(), [
        'base.yaml',
        'list.yaml',
        'wrong.yaml',
      ])
      assert.deepEqual(await labels('!extends\n|'), ['file', 'set'])
      assert.deepEqual(await labels('a: !include nowhere/|'), [])
    })

    test('the paths of references', async () => {
      const text = '!Train\ndata: !ref |\noptimizer: !Sgd\n  rate: 1\nextra: [{ a: 1 }]\n'
      assert.deepEqual(await labels(text), ['optimizer', 'extra'])
      assert.equal(
        await chosen(text.replace('|', 'optimizer.|'), 'rate'),
        text.replace('|', 'optimizer.rate'),
      )
      assert.equal(await chosen(text.replace('|', 'extra[|'), '[0]'), text.replace('|', 'extra[0]'))
      assert.equal(await chosen(text.replace('|', 'extra[0].|'), 'a'), text.replace('|', 'extra[0].a'))
      assert.equal(
        await chosen('!Train\ndata: !format "runs/{opt|"\noptimizer: 1\n', 'optimizer'),
        '!Train\ndata: !format "runs/{optimizer"\noptimizer: 1\n',
      )
      assert.deepEqual(await labels('!Train\ndata: !format "runs/|"\noptimizer: 1\n'), [])
    })

    test('the whole of a value of several words', async () => {
      assert.equal(await chosen('!Train\nmode: very| slow\n', 'fast'), '!Train\nmode: fast\n')
      assert.equal(await chosen('!Train\nlearning| rate: 1\n', 'learning_rate'), '!Train\nlearning_rate: 1\n')
    })

    test('nothing in texts, comments, keys without a class and behind a colon without its space', async () => {
      for (const text of [
        '!Train\ndata: "a |"',
        '!Train\ndata: |\n  a|',
        '# !|',
        '!Train\ndata: a # |',
        '!Train\ndata:|',
        '!Train |',
        '!Unknown\n|',
      ]) {
        const marked = text.startsWith('!Train\ndata: |\n') ? text.replace('|', '>').replace('|', '|') : text
        assert.deepEqual(await labels(marked), [], text)
      }
    })

    test('also with broken lines above and below', async () => {
      const broken = ['[a', '{', '"open', 'no key', '- x', '}']
      for (const line of broken) {
        const text = `!Train\ndata: a\noptimizer: !Sgd\n  |\n${line}\nextra: ${line}\n`
        assert.deepEqual(await labels(text), ['rate', 'nesterov'], line)
        const below = `!Train\ndata: a\nextra: ${line}\noptimizer: !Sgd\n  |\n`
        assert.deepEqual(await labels(below), ['rate', 'nesterov'], line)
      }
    })
  })

  describe('explains', () => {
    test('a tag: its class, its description and its options', async () => {
      assert.equal(
        await editor.hover(job, '!Train\noptimizer: !S|gd\n'),
        [
          '**!Sgd** (class `Sgd`)',
          'Gradient descent',
          '- `rate`: `number > 0`, default `0.1`: How far one step goes\n- `nesterov`: `boolean`',
        ].join('\n\n'),
      )
      assert.match(
        await editor.hover(job, '!Train\noptimizer: !OldS|gd\n'),
        /\*\*Deprecated\*\*: write "!Sgd"/,
      )
      assert.match(await editor.hover(job, 'a: !Model.from|File\n'), /class `Model`, factory `fromFile`/)
      assert.match(await editor.hover(job, 'a: !inc|lude x.yaml\n'), /document of another file/)
      assert.equal(await editor.hover(job, 'a: !Unk|nown\n'), '')
    })

    test('an option, in block and flow style, with the key that is written', async () => {
      assert.match(
        await editor.hover(job, '!Train\nmo|de: fast\n'),
        /^`mode`: `fast \| slow`, default `fast`/,
      )
      assert.match(
        await editor.hover(job, '!Train { optimizer: !Sgd { ra|te: 1 } }'),
        /How far one step goes/,
      )
      assert.match(await editor.hover(job, '!Train\nlearning_ra|te: 1\n'), /^`learning_rate`: `number`/)
      assert.match(await editor.hover(job, '!Train\nmode: fa|st\n'), /^`mode`/)
    })

    test('what an alias, a reference and an include stand for', async () => {
      const text = '!Train\nextra: &x\n  a: 1\n  b: 2\ndata: *|x\n'
      assert.equal(await editor.hover(job, text), '```yaml\n&x\n  a: 1\n  b: 2\n```')
      assert.equal(
        await editor.hover(job, '!Train\nextra: { a: 12 }\ndata: !ref ext|ra.a\n'),
        '```yaml\n12\n```',
      )
      assert.equal(
        await editor.hover(job, 'a: !include parts/ba|se.yaml#optimizer\n'),
        '```yaml\n!Sgd\n  rate: 0.25\n```',
      )
    })
  })

  describe('leads', () => {
    const target = async (marked: string) => {
      const found = await editor.definition(job, marked)
      if (!found) return undefined
      const { line, character } = found.range.start
      return `${found.uri.slice(editor.uri('').length + 1)}:${line + 1}:${character + 1}`
    }

    test('from a tag to its class', async () => {
      const line = editorClasses.split('\n').findIndex((text) => text.includes('class Sgd ')) + 1
      assert.equal(await target('!Train\noptimizer: !S|gd\n'), `classes.js:${line}:14`)
      assert.match((await target('a: !Model.from|File\n'))!, /^classes\.js:/)
      assert.equal(await target('a: !U|rl http://x\n'), undefined)
    })

    test('from an alias to its anchor, from a reference to its node, and from an include to its file', async () => {
      assert.equal(await target('!Train\nextra: &x 1\ndata: *x|\n'), 'job.yaml:2:8')
      assert.equal(await target('a: &x 1\nb: &x 2\nc: *|x\n'), 'job.yaml:2:4')
      assert.equal(await target('!Train\nextra:\n  a: 1\ndata: !ref extra.|a\n'), 'job.yaml:3:3')
      assert.equal(await target('!Train\nextra:\n  a: 1\ndata: !format "x{extra.|a}"\n'), 'job.yaml:3:3')
      assert.equal(await target('a: !include parts/|base.yaml\n'), 'parts/base.yaml:1:1')
      assert.equal(await target('a: !include parts/base.yaml#optimizer.r|ate\n'), 'parts/base.yaml:4:3')
      assert.equal(await target('!extends\nfile: parts/b|ase.yaml\n'), 'parts/base.yaml:1:1')
      assert.equal(await target('a: !include nowhere|.yaml\n'), undefined)
    })
  })

  describe('finds and renames', () => {
    const text = '!Train\nextra: &x 1\ndata: [*x, *x]\n---\n!Train\nextra: &x 2\ndata: *x\n'
    const at = (offset: number) => positionAt(text, offset)

    test('an anchor with the aliases of its document', async () => {
      editor.replace(job, text)
      const found = await editor.references(job, at(text.indexOf('*x')))
      assert.deepEqual(
        found.map(({ range }) => [range.start.line, range.start.character]),
        [
          [1, 7],
          [2, 7],
          [2, 11],
        ],
      )
      const range = await editor.prepareRename(job, at(text.indexOf('&x') + 1))
      assert.deepEqual(range, { start: { line: 1, character: 8 }, end: { line: 1, character: 9 } })
      const edit = await editor.rename(job, at(text.indexOf('&x') + 1), 'shared')
      assert.equal(
        edited(text, edit!.changes![editor.uri(job)]!),
        '!Train\nextra: &shared 1\ndata: [*shared, *shared]\n---\n!Train\nextra: &x 2\ndata: *x\n',
      )
      assert.equal(await editor.prepareRename(job, at(2)), null)
    })

    test('nothing where an anchor is written in a way that is not understood, or the syntax is wrong', async () => {
      const texts = ['a: &x foo\nb: *x\n*x : 3\n', 'b: &x 1\na: foo\n  - *x\nc: *x\n', 'a: &x 1\nb: [*x\n']
      for (const each of texts) {
        editor.replace(job, each)
        const position = positionAt(each, each.indexOf('&x') + 1)
        await assert.rejects(editor.rename(job, position, 'zz'), /"x" cannot be renamed in this file/, each)
      }
      const below = '--- |\n  text\n---\na: &x 1\nb: *x\n'
      editor.replace(job, below)
      const edit = await editor.rename(job, positionAt(below, below.indexOf('&x') + 1), 'zz')
      assert.equal(
        edited(below, edit!.changes![editor.uri(job)]!),
        below.replaceAll('x 1', 'zz 1').replace('*x', '*zz'),
      )
    })

    test('nothing to a name that another anchor has, or that is none', async () => {
      const two = 'a: &x 1\nb: &y 2\nc: *x\n'
      editor.replace(job, two)
      const position = positionAt(two, 4)
      await assert.rejects(
        editor.rename(job, position, 'y'),
        /"&y" is already in line 2: choose another name/,
      )
      await assert.rejects(editor.rename(job, position, 'a b'), /"a b" is no name of an anchor/)
      await assert.rejects(editor.rename(job, position, ''), /is no name of an anchor/)
      const edit = await editor.rename(job, position, '&z')
      assert.equal(edited(two, edit!.changes![editor.uri(job)]!), 'a: &z 1\nb: &y 2\nc: *z\n')
    })
  })

  describe('mends', () => {
    const fixed = async (text: string) => {
      editor.replace(job, text)
      const diagnostics = await editor.diagnostics(job)
      const whole = { start: { line: 0, character: 0 }, end: positionAt(text, text.length) }
      const actions = await editor.codeActions(job, whole)
      for (const { kind, diagnostics: own } of actions)
        assert.ok(kind === 'quickfix' && diagnostics.some(({ message }) => message === own![0]!.message))
      return edited(
        text,
        actions.flatMap(({ edit }) => edit!.changes![editor.uri(job)]!),
      )
    }

    const cases: readonly [what: string, wrong: string, right: string][] = [
      ['an unknown tag', '!Trian\ndata: a\noptimizer: !Sgd\n', '!Train\ndata: a\noptimizer: !Sgd\n'],
      ['an unknown factory', '- !Model.fromFiel\n', '- !Model.fromFile\n'],
      ['an unknown option', '!Train { dta: a, optimizer: !Sgd }\n', '!Train { data: a, optimizer: !Sgd }\n'],
      [
        'an option in quotes',
        '!Train { "dta": a, optimizer: !Sgd }\n',
        '!Train { "data": a, optimizer: !Sgd }\n',
      ],
      [
        'an option in snake case',
        '!Train { data: a, optimizer: !Sgd , learning_rat: 1 }\n',
        '!Train { data: a, optimizer: !Sgd , learning_rate: 1 }\n',
      ],
      ['a key that is a tag', 'Sgd:\n  rate: 1\n', '!Sgd\n  rate: 1\n'],
      [
        'an alias',
        '!Train\ndata: &data a\noptimizer: !Sgd\nextra: *dta\n',
        '!Train\ndata: &data a\noptimizer: !Sgd\nextra: *data\n',
      ],
      [
        'a link without its space',
        '!Train\ndata: a\noptimizer: !Sgd\nextra: !@data\n',
        '!Train\ndata: a\noptimizer: !Sgd\nextra: !@ data\n',
      ],
      [
        'the path of a reference',
        '!Train\ndata: a\noptimizer: !Sgd { rate: 1 }\nextra: !ref optimizer.rat\n',
        '!Train\ndata: a\noptimizer: !Sgd { rate: 1 }\nextra: !ref optimizer.rate\n',
      ],
      [
        'the path of a file',
        '!Train\ndata: a\noptimizer: !include parts/base.yml#optimizer\n',
        '!Train\ndata: a\noptimizer: !include parts/base.yaml#optimizer\n',
      ],
      [
        'a path in a file',
        '!Train\ndata: a\noptimizer: !include parts/base.yaml#optimzer\n',
        '!Train\ndata: a\noptimizer: !include parts/base.yaml#optimizer\n',
      ],
      [
        'an option of an include',
        '!extends { file: parts/base.yaml, sett: {} }\n',
        '!extends { file: parts/base.yaml, set: {} }\n',
      ],
      [
        'a name of a variable',
        '!Train\ndata: !env PAHT\noptimizer: !Sgd\n',
        '!Train\ndata: !env PATH\noptimizer: !Sgd\n',
      ],
      [
        'an option of a variable',
        '!Train\ndata: !env { nmae: PATH }\noptimizer: !Sgd\n',
        '!Train\ndata: !env { name: PATH }\noptimizer: !Sgd\n',
      ],
    ]
    for (const [what, wrong, right] of cases)
      test(what, async () => {
        assert.equal(await fixed(wrong), right)
        editor.replace(job, right)
        assert.deepEqual(await editor.problems(job), [])
      })

    test('nothing where nothing is known that was meant', async () => {
      assert.equal(await fixed('!Completely\n'), '!Completely\n')
    })
  })

  test('has symbols and foldings', async () => {
    const text =
      '# a\n# b\n!Train\ndata: a\noptimizer: !Sgd\n  rate: 1\nsteps:\n  - name: x\n  - name: y\nextra: |\n  text\n  text\n'
    editor.replace(job, text)
    const outline = (symbols: readonly any[]): unknown =>
      symbols.map(({ name, detail, children }) => [
        name,
        detail,
        ...(children.length > 0 ? [outline(children)] : []),
      ])
    assert.deepEqual(outline(await editor.symbols(job)), [
      [
        '!Train',
        '',
        [
          ['data', 'a'],
          ['optimizer', '!Sgd', [['rate', '1']]],
          [
            'steps',
            '',
            [
              ['[0]', '', [['name', 'x']]],
              ['[1]', '', [['name', 'y']]],
            ],
          ],
          ['extra', '|\n  text\n  text'],
        ],
      ],
    ])
    const foldings = await editor.foldings(job)
    assert.deepEqual(
      foldings.map(({ startLine, endLine }) => [startLine, endLine]),
      [
        [2, 11],
        [4, 5],
        [6, 8],
        [9, 11],
        [0, 1],
      ],
    )
  })
})
