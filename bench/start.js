/** What the start of the command costs: the CPU time of whole processes, in turns with an empty one. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { median } from './rounds.js'

const command = 'dist/cli/main.js'

const files = {
  'package.json': '{ "name": "hello", "type": "module" }',
  'empty.mjs': '',
  'yaml.mjs': "import 'yaml'",
  'flambeau.mjs': "import 'flambeau'",
  'hi.yaml': '!Hi\nname: Ada\n',
  'hi.js': `import { registrable, Runnable } from 'flambeau'
class Hi extends Runnable {
  constructor({ name }) {
    super()
    this.name = name
  }
  run() {
    return 'Hi ' + this.name
  }
}
registrable('!Hi')(Hi)
`,
}

const run = ['run', 'hi.yaml', '--import', './hi.js']
const [empty, yaml] = ['an empty process', "import 'yaml'"]

/** What each process is called with, and which process it is compared with. */
const subjects = {
  [empty]: { args: ['empty.mjs'] },
  'flambeau --version': { args: [command, '--version'], peer: empty, limit: 1.5 },
  'flambeau --help': { args: [command, '--help'], peer: empty, limit: 1.5 },
  'flambeau run --no-record': { args: [command, ...run, '--no-record'], peer: empty, limit: 1.9 },
  'flambeau run, recorded, in a git repository': { args: [command, ...run], peer: empty, limit: 2.5 },
  'flambeau check': { args: [command, 'check', 'hi.yaml', '--import', './hi.js'], peer: empty, limit: 1.9 },
  [yaml]: { args: ['yaml.mjs'] },
  "import 'flambeau'": { args: ['flambeau.mjs'], peer: yaml, limit: 1.1 },
}

/**
 * The processes inherit the environment: certificates in NODE_EXTRA_CA_CERTS are read by each, an empty one included, and make all
 * ratios smaller.
 */
export function* start(quick) {
  const project = createProject()
  try {
    const times = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]))
    for (let round = 0; round < (quick ? 7 : 25); round++)
      for (const [name, { args }] of Object.entries(subjects)) times[name].push(cpuTime(args, project))
    for (const [name, { peer, limit }] of Object.entries(subjects)) {
      if (peer === undefined) continue
      const ratio = median(times[name].map((time, round) => time / times[peer][round]))
      yield { name, peer, ratio, atMost: limit, value: `${median(times[name]).toFixed(0)} ms` }
    }
  } finally {
    rmSync(project, { recursive: true })
  }
}

/** A project in a git repository with one commit, in which `flambeau` and `yaml` are installed. */
function createProject() {
  mkdirSync('build', { recursive: true })
  const folder = mkdtempSync(join('build', 'bench-start-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  mkdirSync(join(folder, 'node_modules'))
  for (const [name, path] of Object.entries({ flambeau: '.', yaml: 'node_modules/yaml' }))
    symlinkSync(resolve(path), join(folder, 'node_modules', name))
  writeFileSync(join(folder, '.gitignore'), 'node_modules\n')
  const author = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost']
  for (const args of [
    ['init', '--quiet'],
    ['add', '.'],
    [...author, 'commit', '--quiet', '--message', 'Begin'],
  ])
    execFileSync('git', args, { cwd: folder })
  return folder
}

/** The user and system time of a process and of those that it has waited for, in milliseconds, as bash counts it. */
function cpuTime(args, folder) {
  const words = args.map((word) => (word === command ? resolve(command) : word))
  const script = 'TIMEFORMAT="%3U %3S"; { time "$@" >/dev/null 2>&1 </dev/null; } 2>&1'
  const output = execFileSync('bash', ['-c', `${script} || exit 1`, 'bash', process.execPath, ...words], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return output.split(/\s+/, 2).reduce((sum, seconds) => sum + Number(seconds) * 1000, 0)
}
