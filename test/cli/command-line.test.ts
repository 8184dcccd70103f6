// What the commands have in common: help, short options, standard input, folders and patterns, log lines, and JSON for programs.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { UserPackage } from '../support/user-package.js'

const cli = join(process.cwd(), 'dist/cli/main.js')
const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, NODE_TEST_CONTEXT: ____, ...plainEnv } = process.env

const tasks = `
import { spawnSync } from 'node:child_process'
import { Runnable, registrable } from 'flambeau'

registrable('!Log')(class Log extends Runnable {
  constructor(options = {}) { super(options); this.options = options }
  run({ logger }) {
    logger.debug('looking')
    logger.info('loading', { rows: 3 }, '100%')
    logger.warn('slow\\nrate  seconds\\n\\n0.1   12')
    logger.error('%s is missing', 'b.csv')
    if (this.options.fails) throw new Error('no more')
    console.log('printed')
    return this.options.returns ?? { sum: 6 }
  }
})
registrable('!Cycle')(class Cycle extends Runnable {
  run() { const cycle = {}; cycle.self = cycle; return cycle }
})
registrable('!Long')(class Long extends Runnable { run() { return 'x'.repeat(1_000_000) } })
registrable('!Exit')(class Exit extends Runnable { run() { process.exit(3) } })
registrable('!Never')(class Never extends Runnable { run() { return new Promise(() => {}) } })
registrable('!Old', { deprecated: 'use !Log' })(class Old extends Runnable { run() {} })
`

let project: UserPackage
before(() => {
  project = new UserPackage('command-line')
  project.file('tasks.mjs', tasks)
  project.file('log.yaml', '!Log {}\n')
})
after(() => project.end())

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function flambeau(args: readonly string[], input = ''): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: project.folder,
    env: { ...plainEnv, HOME: project.folder },
    encoding: 'utf8',
    input,
    timeout: 60_000,
    maxBuffer: 2 ** 24,
  })
  return { code: status, stdout, stderr }
}

const using = ['--import', './tasks.mjs']
const time = String.raw`\d\d:\d\d:\d\d`

describe('help', () => {
  test('has the commands in groups, an example, and the folder of the guides, in 80 columns', () => {
    const { code, stdout } = flambeau(['--help'])
    assert.equal(code, 0)
    for (const group of ['Files:', 'Runs:', 'Clusters:', 'Extensions:', 'Tags, editors and shells:'])
      assert.ok(stdout.includes(`\n${group}\n`), group)
    assert.match(stdout, /^Example:\n {2}flambeau run /m)
    const folder = stdout.trimEnd().split('\n').at(-1)!.trim()
    assert.ok(existsSync(join(folder, 'start-here.md')), folder)
    const long = stdout.split('\n').filter((line) => line.length > 80 && !line.includes(folder))
    assert.deepEqual(long, [])
  })

  test('of each command ends with an example of it, whose options it has', () => {
    const { stdout: all } = flambeau(['--help'])
    const names = [...all.matchAll(/^ {2}([a-z]+)(?: [<[]| {2,})/gm)].map(([, name]) => name!)
    const commands = names.filter((name) => name !== 'help' && name !== 'extensions')
    assert.ok(commands.length > 14, commands.join())
    for (const name of [...commands.map((each) => [each]), ['extensions', 'list'], ['extensions', 'prune']]) {
      const { stdout } = flambeau([...name, '--help'])
      const [, examples = ''] = stdout.split(/^Examples?:\n/m)
      const lines = examples.trim().split('\n')
      for (const line of lines) {
        assert.ok(`${line.trim()} `.startsWith(`flambeau ${name.join(' ')} `), `${name}: ${line}`)
        for (const [option] of line.matchAll(/(?<= )--?[a-z-]+/g)) assert.ok(stdout.includes(option), line)
      }
    }
  })
})

describe('the table of options in running.md', () => {
  const [, page = ''] = readFileSync('docs/running.md', 'utf8').split('\n| command | options |\n')
  // Those of an extension have a table of their own, and what all commands have is below the table.
  const elsewhere = readFileSync('docs/extensions.md', 'utf8').match(/--[a-z-]+/g) ?? []
  const ofAll = ['--help', '--quiet', '--no-project']

  for (const name of ['run', 'check', 'resolve', 'tags', 'types', 'schema', 'report', 'init'])
    test(`has those that "${name} --help" has`, () => {
      const [, row = ''] = new RegExp(`^\\| \`${name}\\b[^|]*\\|(.*)\\|$`, 'm').exec(page) ?? []
      const known = row.includes('those for') ? [...ofAll, ...elsewhere] : ofAll
      const { stdout } = flambeau([name, '--help'])
      const options = [...stdout.matchAll(/^ {2,6}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option!)
      const missing = options.filter((option) => !row.includes(`\`${option}`) && !known.includes(option))
      assert.deepEqual([options.length > 1, missing], [true, []])
    })
})

describe('"-f"', () => {
  test('is "--follow" of logs', () => assert.match(flambeau(['logs', '--help']).stdout, /-f, --follow/))

  const before: Readonly<Record<string, readonly string[]>> = {
    run: ['log.yaml'],
    down: ['lab.yaml'],
    fetch: ['id', 'a', 'b', '-c', 'lab.yaml'],
    report: ['sweep'],
  }
  for (const [name, operands] of Object.entries(before))
    test(`of "${name}" says to type "--force"`, () => {
      assert.match(flambeau([name, '--help']).stdout, /^ +--force /m)
      const { code, stderr } = flambeau([name, ...operands, '-f'])
      assert.equal(code, 1)
      assert.match(stderr, /^error: "-f" is no option of this command: type "--force"\n/)
    })
})

describe('a word that is no command', () => {
  test('that is a file: says how to run it, with what was typed after it', () => {
    const { code, stderr } = flambeau(['log.yaml', 'a=[1, 2]', ...using, '--verbose'])
    assert.equal(code, 1)
    assert.match(stderr, /flambeau run log\.yaml 'a=\[1, 2\]' --import \.\/tasks\.mjs --verbose"/)
  })

  test('suggests what is near, and nothing else', () => {
    assert.match(flambeau(['chekc']).stderr, /unknown command 'chekc'\n\(Did you mean check\?\)/)
    assert.doesNotMatch(flambeau(['frobnicate']).stderr, /Did you mean/)
    assert.doesNotMatch(flambeau(['list']).stderr, /Did you mean/)
  })

  test('is refused by "help", too', () => {
    const { code, stdout, stderr } = flambeau(['help', 'chekc'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^error: unknown command 'chekc'\n\(Did you mean check\?\)/)
    assert.match(flambeau(['help', 'check']).stdout, /^Usage: flambeau check /)
  })
})

describe('an option of the file', () => {
  for (const flag of ['--fails', '--fails=true'])
    test(`that is written as the flag ${flag}: says how to set it`, () => {
      const { code, stderr } = flambeau(['run', 'log.yaml', flag])
      assert.equal(code, 1)
      assert.equal(
        stderr,
        `error: unknown option '${flag}'\n(to set an option of the file, write "fails=VALUE")\n`,
      )
    })

  test('is not suggested for a flag that is misspelt', () => {
    const { stderr } = flambeau(['run', 'log.yaml', '--imprt', './tasks.mjs'])
    assert.equal(stderr, "error: unknown option '--imprt'\n(Did you mean --import?)\n")
  })

  test('is not suggested for a second file', () => {
    const { stderr } = flambeau(['run', 'log.yaml', 'other.yaml'])
    const message =
      'error: "run" takes one file, but "other.yaml" is a second one: type one command for each file'
    assert.equal(stderr, `${message}\n`)
    assert.match(
      flambeau(['run', 'log.yaml', 'returns']).stderr,
      /: to set an option, write "returns=VALUE"$/m,
    )
  })
})

describe('"-" is a file on standard input', () => {
  test('which is run, checked and resolved', () => {
    assert.equal(flambeau(['run', '-', 'returns=7', ...using], '!Log {}').stdout, 'printed\n7\n')
    assert.equal(flambeau(['check', '-', ...using], '!Log {}').code, 0)
    assert.equal(flambeau(['resolve', '-', 'a=1'], '!Log {}').stdout, '!Log { a: 1 }\n')
  })

  test('whose problems are at <stdin>', () => {
    for (const command of ['run', 'check']) {
      const { code, stdout, stderr } = flambeau([command, '-', ...using], ' !Lgo {}\n')
      assert.equal(code, 22)
      assert.match(stdout + stderr, /did you mean "!Log"\?\n\n {2}<stdin>:1:2\n {2}1 \| {2}!Lgo \{\}\n/)
    }
    assert.match(flambeau(['run', '-'], '').stderr, /"<stdin>" is empty/)
    assert.match(flambeau(['run', '-'], '\0').stderr, /<stdin>/)
  })

  test('which includes from the current folder', () => {
    project.file('part.yaml', '[1, 2]\n')
    const { stdout } = flambeau(['run', '-', ...using], '!Log { returns: !include part.yaml }')
    assert.equal(stdout, 'printed\n[\n  1,\n  2\n]\n')
    const { stderr } = flambeau(['run', '-', ...using], '!Log { returns: !include ../part.yaml }')
    assert.match(stderr, /is outside ".*command-line/)
  })

  test('which is not the secrets at the same time', () => {
    const { code, stderr } = flambeau(['run', '-', '--secrets', '-'], '!Log {}')
    assert.deepEqual(
      [code, stderr.split('\n')[0]],
      [1, 'error: standard input is either the file or the secrets: name one of them by its path'],
    )
    project.file('secrets.ini', '[a]\nb = c\n')
    assert.equal(flambeau(['run', '-', '--secrets', 'secrets.ini', ...using], '!Log {}').code, 0)
  })
})

describe('check of folders and patterns', () => {
  before(() => {
    const folder = join(project.folder, 'tree')
    for (const name of ['deep/er', 'node_modules/other', 'ignored', 'empty', 'odd[1]'])
      mkdirSync(join(folder, name), { recursive: true })
    project.file('tree/one.yaml', '!Log {}\n')
    project.file('tree/deep/two.yml', '!Log {}\n')
    project.file('tree/deep/er/wrong.yaml', '!Lgo {}\n')
    project.file('tree/deep/er/broken.yaml', '!Log {\n')
    project.file('tree/extended.yaml', 'greetings: ./greetings\n---\n!greetings.Greet\n')
    project.file('tree/compose.yaml', 'services: { web: {} }\n')
    project.file('tree/notes.txt', '!Lgo {}\n')
    project.file('tree/node_modules/other/wrong.yaml', '!Lgo {}\n')
    project.file('tree/ignored/wrong.yaml', '!Lgo {}\n')
    project.file('tree/.gitignore', 'ignored/\n')
    project.file('tree/odd[1]/one.yaml', '!Log {}\n')
    symlinkSync('..', join(folder, 'deep/up'))
    execFileSync('git', ['init', '--quiet', folder])
  })

  function found(...operands: string[]): string[] {
    const { stdout } = flambeau(['check', ...operands, '--json', ...using])
    return JSON.parse(stdout).map(({ file, code }: { file: string; code: string }) => `${file} ${code}`)
  }
  const wrong = 'tree/deep/er/wrong.yaml UNKNOWN_TAG'

  test('finds the runnable files of a folder, also those with errors of syntax', () => {
    const files = found('tree')
    assert.ok(files.includes(wrong))
    assert.deepEqual(
      [...new Set(files.map((each) => each.split(' ')[0]))],
      ['tree/deep/er/broken.yaml', 'tree/deep/er/wrong.yaml', 'tree/extended.yaml'],
    )
  })

  test('counts others with --verbose', () => {
    const { code, stderr } = flambeau(['check', 'tree/*.yaml', 'tree/deep/two.yml', '-v', ...using])
    assert.equal(code, 22)
    assert.match(stderr, /^Skipped 1 file without a tag at the top$/m)
    const quiet = flambeau(['check', 'tree/one.yaml', 'tree/deep/*.yml', ...using])
    assert.deepEqual([quiet.code, quiet.stderr], [0, 'No problems in 2 files\n'])
  })

  test('reads patterns as a shell does', () => {
    assert.deepEqual(found('tree/**/wrong.{yaml,yml}'), [wrong])
    assert.deepEqual(found('tree/deep/e?/[w]*.yaml'), [wrong])
    assert.deepEqual(found(join(project.folder, 'tree/deep/er/w*.yaml')).length, 1)
    assert.deepEqual(found('tree/odd[1]'), [])
    assert.deepEqual(found('tree/odd[1]/one.yaml'), [])
  })

  test('checks a file that is named, whatever it is, and each file once', () => {
    assert.deepEqual(found('tree/ignored/wrong.yaml'), ['tree/ignored/wrong.yaml UNKNOWN_TAG'])
    assert.deepEqual(found('tree/deep/er/w*', 'tree/deep/er/wrong.yaml'), [wrong])
    assert.equal(flambeau(['check', 'tree/compose.yaml']).code, 0)
  })

  test('a pattern or folder without a runnable file is a mistake, and the others are checked', () => {
    for (const operand of ['none/*.yaml', 'tree/empty']) {
      const { code, stderr } = flambeau(['check', operand, 'tree/one.yaml', ...using])
      assert.equal(code, 22)
      assert.ok(stderr.includes(`No runnable file matches "${operand}": check the path`), stderr)
    }
    assert.match(flambeau(['check', 'tree/comp*']).stderr, /; 1 YAML file was found, without a tag/)
    assert.deepEqual(found('none/*.yaml', 'tree/deep/er/w*'), ['none/*.yaml NO_MATCH', wrong])
  })

  test('more files than a process may open at once', { skip: process.platform === 'win32' }, () => {
    mkdirSync(join(project.folder, 'many'))
    for (let number = 0; number < 200; number++) project.file(`many/${number}.yaml`, '!Log {}\n')
    const command = ['-c', 'ulimit -n 128; exec "$@"', 'sh', process.execPath, cli, 'check', 'many', ...using]
    const { status, stderr } = spawnSync('sh', command, {
      cwd: project.folder,
      env: { ...plainEnv, HOME: project.folder },
      encoding: 'utf8',
    })
    assert.deepEqual([status, stderr], [0, 'No problems in 200 files\n'])
  })

  test('a pipe in a folder is not waited for', { skip: process.platform === 'win32' }, () => {
    mkdirSync(join(project.folder, 'pipes'))
    project.file('pipes/log.yaml', '!Log {}\n')
    execFileSync('mkfifo', [join(project.folder, 'pipes/pipe.yaml')])
    const { code, stderr } = flambeau(['check', 'pipes', '-v', ...using])
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^Skipped 1 file without a tag at the top$/m)
  })

  test('overrides need a file', () => {
    const { code, stderr } = flambeau(['check', 'tree', 'a=1'])
    assert.equal(code, 1)
    assert.match(stderr, /overrides change one file, but "tree" may have several/)
  })
})

describe('what a runnable logs', () => {
  const lines = (level: string) => [
    ...(level === 'debug' ? [`${time} debug looking`] : []),
    ...(level === 'warn' ? [] : [String.raw`${time} info  loading \{ rows: 3 \} 100%`]),
    `${time} warn  slow`,
    ' {15}rate  seconds',
    '',
    ' {15}0\\.1   12',
    String.raw`${time} error b\.csv is missing`,
  ]
  const pattern = (level: string, ...more: string[]) =>
    new RegExp(`^${[...lines(level), ...more].join('\n')}\n$`)

  test('has time and level, and stays aligned', () => {
    assert.match(flambeau(['run', 'log.yaml', ...using]).stderr, pattern('info'))
    assert.match(flambeau(['run', 'log.yaml', '--verbose', ...using]).stderr, pattern('debug'))
  })

  test('is only what matters with --quiet, and the result stays', () => {
    for (const flag of ['-q', '--quiet']) {
      const { stdout, stderr } = flambeau(['run', 'log.yaml', flag, ...using])
      assert.match(stderr, pattern('warn'))
      assert.equal(stdout, 'printed\n{\n  "sum": 6\n}\n')
    }
    assert.equal(flambeau(['check', 'log.yaml', '-q', ...using]).stderr, '')
    const { code, stderr } = flambeau(['run', 'log.yaml', '--quiet', '--verbose'])
    assert.deepEqual([code, /cannot be used with/.test(stderr)], [1, true])
  })

  test('the final report and framed warnings have no time', () => {
    const { stderr } = flambeau(['run', 'log.yaml', 'fails=true', '-q', ...using])
    assert.match(stderr, /^The run failed: no more$/m)
    assert.match(flambeau(['run', '-', ...using], '!Lgo').stderr, /^Unknown tag "!Lgo"/)
    assert.match(flambeau(['run', '-', ...using], '!Old').stderr, /^Tag "!Old" is deprecated/)
  })

  const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false

  function onTerminal(env: NodeJS.ProcessEnv): string {
    const log = join(project.folder, 'terminal')
    const { CI: _, ...anywhere } = plainEnv
    const command = [process.execPath, cli, 'run', 'log.yaml', ...using].map((word) => `'${word}'`).join(' ')
    const options = { cwd: project.folder, env: { ...anywhere, TERM: 'xterm-256color', ...env } }
    assert.equal(spawnSync('script', ['-qec', command, log], options).status, 0)
    return readFileSync(log, 'utf8').replaceAll('\u001b', 'ESC')
  }

  test('has colours on a terminal, by level, but not with NO_COLOR', { skip: !hasScript }, () => {
    const shown = onTerminal({})
    assert.match(shown, /ESC\[1;33mwarn ESC\[0m ESC\[33mslow/)
    assert.match(shown, /ESC\[1;31merrorESC\[0m ESC\[31mb\.csv is missing/)
    assert.doesNotMatch(onTerminal({ NO_COLOR: '1' }), /ESC/)
  })
})

describe('run --json', () => {
  const report = (args: readonly string[], input = '') => {
    const { code, stdout, stderr } = flambeau(['run', ...args, '--json'], input)
    const parsed = JSON.parse(stdout)
    assert.deepEqual(Object.keys(parsed), ['value', 'exitCode', 'problems', 'error'])
    assert.equal(parsed.exitCode, code)
    return { ...parsed, stderr }
  }

  test('prints the value, and nothing else on standard output', () => {
    const { stderr, ...rest } = report(['log.yaml', ...using])
    assert.deepEqual(rest, { value: { sum: 6 }, exitCode: 0, problems: [], error: null })
    assert.match(stderr, /^printed$/m)
    assert.equal(report(['-', ...using], '!Old').value, null)
  })

  test('prints problems and the error of failures', () => {
    const mistake = report(['-', ...using], '!Lgo')
    assert.deepEqual([mistake.exitCode, mistake.value, mistake.problems.length], [22, null, 1])
    assert.deepEqual([mistake.problems[0].code, mistake.problems[0].file], ['UNKNOWN_TAG', '<stdin>'])
    assert.match(mistake.error, /did you mean "!Log"/)
    const failure = report(['-', 'fails=true', ...using], '!Log {}')
    assert.deepEqual([failure.exitCode, failure.error], [1, 'The run failed: no more'])
    const { exitCode, error } = report(['log.yaml', '--import', './none.mjs'])
    assert.deepEqual([exitCode, /"\.\/none\.mjs" was not found/.test(error)], [22, true])
    assert.equal(report(['none.yaml']).exitCode, 22)
  })

  test('prints an object however the process ends', () => {
    const ended = report(['-', ...using], '!Exit')
    assert.deepEqual([ended.exitCode, ended.error], [3, 'The process exited before the run ended'])
    const unsettled = report(['-', ...using], '!Never')
    assert.deepEqual([unsettled.exitCode, unsettled.error.split(':')[0]], [1, 'The run did not finish'])
  })

  test('shows what JSON cannot represent as a text, and warns', () => {
    const { value, stderr } = report(['-', ...using], '!Cycle')
    assert.match(value, /Circular/)
    assert.match(stderr, /JSON cannot represent the result/)
  })

  test('is whole when it is long, and a dry run has no value', () => {
    assert.equal(report(['-', ...using], '!Long').value.length, 1_000_000)
    assert.deepEqual(report(['log.yaml', '--dry-run', ...using]).value, null)
  })
})

describe('what looks like a success and is none', () => {
  test('a module that ends the process while it is imported', () => {
    project.file('ends.mjs', 'process.exit(0)\n')
    for (const command of ['run', 'check']) {
      const { code, stderr } = flambeau([command, 'log.yaml', ...using, '--import', './ends.mjs'])
      assert.deepEqual([code, stderr], [1, 'The process exited while module "./ends.mjs" was imported\n'])
    }
  })

  test('a module in place of the YAML file', () => {
    for (const name of ['tasks.mjs', 'src/train.ts']) {
      const { code, stderr } = flambeau(['run', name])
      assert.equal(code, 1)
      assert.match(stderr, new RegExp(`"${name}" is a module, not a YAML file: name it in "--import"`))
    }
  })
})
