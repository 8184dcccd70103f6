// Completion in real interactive shells: keys are typed into a terminal, and what they complete is run.
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { CliProject, importedLine } from '../support/cli-project.js'
import { until } from '../support/until.js'

const project = new CliProject({ imports: ['./tasks.js'] })
after(() => project.end())
before(() => {
  mkdirSync(join(project.folder, 'bin'))
  symlinkSync(join(process.cwd(), 'dist/cli/main.js'), join(project.folder, 'bin/flambeau'))
  project.file(
    'train.yaml',
    '!Show\noptimizer: { rate: 0.1 }\nlayers: [4, 8]\nmodel: plain\n"a key": 1\ncallbacks: !include more.yaml\ntext: old\n',
  )
  project.file('more.yaml', '[1, { deep: 2 }]\n')
  project.file('sub dir/my file.yaml', '!Show { text: spaces }\n')
  project.file('notes.txt', '')
})

const environment = () => ({
  ...project.env,
  PATH: `${join(project.folder, 'bin')}:${process.env['PATH']}`,
  TERM: 'dumb',
  PS1: '> ',
})

/** What the hidden command prints for the words after the name of the program. */
async function completed(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await project.flambeau('__complete', 'fish', ...words)
  assert.equal(code, 0, stderr)
  return stdout.split('\n').slice(0, -1)
}

const values = (lines: readonly string[]) => lines.map((line) => line.split('\t')[0])

describe('the words that complete', () => {
  test('a command, an option and its choices, each with a description', async () => {
    assert.ok((await completed('')).includes('tags\tlist the tags that files can use'))
    assert.deepEqual(values(await completed('che')), ['check'])
    assert.deepEqual(values(await completed('check', '--form')), ['--format'])
    assert.deepEqual(await completed('check', '--format', ''), ['text', 'json', 'github'])
    assert.deepEqual(await completed('check', '--format=j'), ['--format=json'])
    assert.deepEqual(values(await completed('extensions', '')), ['list', 'prune', 'help'])
    assert.deepEqual(await completed('completion', 'z'), ['zsh'])
    assert.deepEqual(values(await completed('hel')), ['help'])
    assert.deepEqual(values(await completed('help', 'che')), ['check'])
    assert.ok(!(await completed('_')).some((line) => line.startsWith('__complete')))
  })

  test('files by what is meant', async () => {
    assert.deepEqual(await completed('run', ''), [
      'more.yaml',
      'train.yaml',
      'bin/',
      'node_modules/',
      'sub dir/',
    ])
    assert.deepEqual(await completed('run', 'sub dir/'), ['sub dir/my file.yaml'])
    assert.deepEqual(await completed('run', '--import', 't'), ['tasks.js'])
    assert.deepEqual(await completed('run', '-s', 'n'), ['notes.txt', 'node_modules/'])
    assert.deepEqual(await completed('up', 'm'), ['more.yaml'])
    assert.deepEqual(await completed('status', ''), [])
  })

  test('nothing of a pipe, which would be waited for', async () => {
    execFileSync('mkfifo', [join(project.folder, 'pipe')])
    assert.deepEqual(await completed('run', 'pipe', 'a'), [])
  })

  test('paths of the file, of included files, too', async () => {
    assert.deepEqual(await completed('run', 'train.yaml', 'optim'), ['optimizer.rate='])
    assert.deepEqual(await completed('run', '--import', './x.js', 'train.yaml', '--', 'lay'), [
      'layers+=',
      'layers[0]=',
      'layers[1]=',
    ])
    assert.deepEqual(await completed('plan', 'train.yaml', 'callbacks['), [
      'callbacks[0]=',
      'callbacks[1].deep=',
    ])
    assert.deepEqual(await completed('resolve', 'train.yaml', '"'), ['"a key"='])
    assert.deepEqual(await completed('run', 'train.yaml', '~opt'), ['~optimizer', '~optimizer.rate'])
    assert.deepEqual(await completed('run', 'train.yaml', 'optimizer.rate='), ['optimizer.rate=0.1'])
    assert.deepEqual(await completed('check', 'train.yaml', 'te'), ['text='])
    assert.deepEqual(await completed('check', 'train.yaml', 'more.yaml', 'te'), [])
  })

  test('only the next part of the paths of a large file', async () => {
    project.file(
      'large.yaml',
      `!Show\n${Array.from({ length: 300 }, (_, row) => `row${row}: { a: 1, b: 2 }`).join('\n')}\n`,
    )
    const found = await completed('run', 'large.yaml', 'row')
    assert.deepEqual([found.length, found[0]], [300, 'row0.'])
    assert.deepEqual(await completed('run', 'large.yaml', 'row7.'), ['row7.a=', 'row7.b='])
  })

  test('tags of the project and of flambeau, after --allow and in values', async () => {
    assert.deepEqual(await completed('run', '--allow', '!S'), [
      '!SSHCluster',
      '!Secret',
      '!Show',
      '!SlurmCluster',
      '!Sweep',
    ])
    assert.deepEqual(await completed('run', 'train.yaml', 'model=!Sh'), ['model=!Show'])
    assert.deepEqual(await completed('run', '--no-project', '--allow', '!Sh'), [])
  })

  test('nothing, and silently, where something is wrong', async () => {
    project.file('broken.yaml', '!Show [\n')
    for (const words of [
      ['run', 'broken.yaml', 'o'],
      ['run', 'absent.yaml', 'o'],
      ['run', 'absent/'],
      ['nothing', 'x'],
      [],
    ]) {
      const { code, stderr } = await project.flambeau('__complete', 'zsh', ...words)
      assert.deepEqual([code, stderr], [0, ''], words.join(' '))
    }
  })

  test('no module, unless a tag is completed, and never for the file of a stranger', async () => {
    const isImported = async (...words: string[]) =>
      (await project.flambeau('__complete', 'zsh', ...words)).stderr.includes(importedLine)
    writeFileSync(join(project.home, 'strange.yaml'), '!Show { a: 1 }\n')
    assert.equal(await isImported('run', 'train.yaml', 'a'), false)
    assert.equal(await isImported('run', '--import', './tasks.js', 'train.yaml', 'a'), false)
    assert.equal(await isImported('run', join(project.home, 'strange.yaml'), 'a=!'), false)
    assert.equal(await isImported('run', join(project.home, 'strange.yaml'), '--allow', '!'), false)
    assert.equal(await isImported('run', 'train.yaml', '--allow', '!'), true)
  })
})

describe('a line of bash', () => {
  const breaks = ' \t\n"\'><=;|&(:'
  const cases: Record<string, [words: string[], kept: string, candidate: string, inserted: string]> = {
    'run lay': [['run', 'lay'], '', 'layers[0]=', String.raw`layers\[0\]=`],
    "run 'lay": [['run', 'lay'], '', 'layers[0]=', 'layers[0]='],
    'run "lay': [['run', 'lay'], '', 'layers[0]=', 'layers[0]='],
    'run a=!S': [['run', 'a=!S'], 'a=', 'a=!Show', String.raw`\!Show`],
    "run 'a=!S": [['run', 'a=!S'], '', 'a=!Show', 'a=!Show'],
    "run a='!S": [['run', 'a=!S'], 'a=', 'a=!Show', '!Show'],
    'run ~c': [['run', '~c'], '', '~cache', String.raw`\~cache`],
    'run ~/a': [['run', '~/a'], '', '~/a b.yaml', String.raw`~/a\ b.yaml`],
    [String.raw`run a\ b`]: [['run', 'a b'], '', 'a b.yaml', String.raw`a\ b.yaml`],
    [String.raw`run 'a\'b`]: [['run', String.raw`a\b`], '', String.raw`a\b c`, String.raw`a\\b\ c`],
    [String.raw`run "a\"b`]: [['run', 'a"b'], '', 'a"b$', String.raw`a\"b\$`],
    'run ': [['run', ''], '', "it's", String.raw`it\'s`],
  }
  for (const [line, [words, kept, candidate, inserted]] of Object.entries(cases))
    test(line, async () => {
      const file = join('build/js/cli/completion/bash-line.js')
      const { parseBashLine, quoteForBash } = await import(pathToFileURL(file).href)
      const parsed = parseBashLine(line, breaks)
      assert.deepEqual([parsed.words, parsed.kept], [words, kept])
      assert.equal(quoteForBash(candidate, parsed), inserted)
    })
})

/** A shell in a terminal. */
class Terminal {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  #shown = ''

  constructor(shell: string) {
    this.#child = spawn('script', ['-qfec', shell, '/dev/null'], {
      cwd: project.folder,
      env: environment(),
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.#child.stdout.on('data', (chunk) => {
      this.#shown += chunk
    })
  }

  /** What it has shown since the last line was entered, without control sequences. */
  get shown(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
    return this.#shown.replace(/\u001b\[[\d;?]*[a-zA-Z]|[\u0007\u0008]/g, '')
  }

  /** Types keys, and waits until something is shown. */
  async type(keys: string, expected: string): Promise<void> {
    this.#child.stdin.write(keys)
    await until(() => this.shown.includes(expected), `${JSON.stringify(keys)} shows ${expected}`).catch(
      (error) => {
        throw new Error(`${error.message}: ${JSON.stringify(this.shown)}`)
      },
    )
  }

  forget(): void {
    this.#shown = ''
  }

  /** Forgets what was shown, and removes the line that was typed. */
  clear(): void {
    this.forget()
    this.#child.stdin.write('\u0015')
  }

  end(): void {
    this.#child.kill()
  }
}

const interactive = {
  bash: { start: 'bash --norc --noprofile -i', load: 'source <(flambeau completion bash); echo load""ed' },
  zsh: {
    start: 'zsh -f -i',
    load: 'autoload -U compinit; compinit -u -D; source <(flambeau completion zsh); echo load""ed',
  },
}

for (const [name, { start, load }] of Object.entries(interactive))
  describe(name, () => {
    const terminal = new Terminal(start)
    after(() => terminal.end())

    // A key is typed when the shell has answered the one before: what is completed appears at the cursor.
    test('completes a command line that runs', async () => {
      await terminal.type(`${load}\n`, 'loaded\r\n')
      terminal.clear()
      await terminal.type('flambeau ru', 'ru')
      await terminal.type('n tra\t', 'train.yaml ')
      await terminal.type('optim\t', 'izer.rate=')
      await terminal.type('9 te\t', 'xt=')
      await terminal.type(
        'new\n',
        '"optimizer":{"rate":9},"layers":[4,8],"model":"plain","a key":1,"callbacks":[1,{"deep":2}],"text":"new"',
      )
    })

    test('quotes what the shell would read itself', async () => {
      terminal.clear()
      await terminal.type('flambeau run train.yaml layers\\[1\t', '1\\]=')
      await terminal.type('7 \\"a\t', 'key\\"=')
      await terminal.type('5\n', '"layers":[4,7],"model":"plain","a key":5')
      terminal.clear()
      await terminal.type('flambeau run sub\t', 'dir/')
      await terminal.type('my\t', 'file.yaml ')
      await terminal.type('\n', '{"text":"spaces"}')
    })

    test('completes a tag', async () => {
      terminal.clear()
      await terminal.type('flambeau run --allow !Sho\t', '\\!Show ')
      await terminal.type('train.yaml model=', 'model=')
      terminal.forget()
      await terminal.type('!Sho\t', '\\!Show ')
      await terminal.type('\n', '"model":{"options":{}}')
    })
  })

describe('fish', () => {
  const fish = async (line: string) => {
    const program = 'flambeau completion fish | source; complete -C "$argv[1]"'
    const { code, stdout, stderr } = await project.paste(
      `PATH="$PWD/bin:$PATH" exec fish --no-config -c '${program}' "$LINE"`.replace('"$LINE"', quoted(line)),
    )
    assert.equal(code, 0, stderr)
    return values(stdout.split('\n').slice(0, -1))
  }
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

  test('completes commands, options, files, paths and tags', async () => {
    assert.deepEqual(await fish('flambeau che'), ['check'])
    assert.deepEqual(await fish('flambeau run --dry'), ['--dry-run'])
    assert.deepEqual(await fish('flambeau run sub'), ['sub dir/'])
    assert.deepEqual(await fish('flambeau run sub\\ dir/m'), ['sub dir/my file.yaml'])
    assert.deepEqual(await fish('flambeau run train.yaml optim'), ['optimizer.rate='])
    assert.deepEqual(await fish('flambeau run train.yaml layers\\[1'), ['layers[1]='])
    assert.deepEqual(await fish("flambeau run train.yaml 'layers[1"), ['layers[1]='])
    assert.deepEqual(await fish('flambeau run train.yaml model=!Sho'), ['model=!Show'])
    assert.deepEqual(await fish('flambeau run --allow !Sho'), ['!Show'])
  })
})
