// What goes to the hosts of a cluster and what stays here, whatever name it has; and how many copies a host keeps.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type CommandEnd, endOf } from '../../support/user-package.js'

const canary = `canary-${process.pid}`
const job = `import { Runnable, registrable } from 'flambeau'
export class Job extends Runnable { run() { return 1 } }
registrable('!Job')(Job)
`
const pem = (kind: string): string =>
  `-----BEGIN ${kind}-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n${canary}\n-----END ${kind}-----\n`

/** A project in a folder of its own, beside a home folder; the hosts of its cluster are folders as well. */
class Place {
  readonly root = mkdtempSync(join(tmpdir(), 'flambeau-shipping-'))
  readonly hosts = this.at('hosts')
  readonly app = this.at('app')

  constructor() {
    mkdirSync(this.at('home'))
    this.write({
      'app/package.json': JSON.stringify({ name: 'app', type: 'module', dependencies: {} }),
      'app/job.js': job,
      'app/job.yaml': '!Job {}\n',
    })
    this.cluster()
    this.install('app')
  }

  at(...path: string[]): string {
    return join(this.root, ...path)
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(this.at(path)), { recursive: true })
      writeFileSync(this.at(path), content)
    }
  }

  cluster(more = '', folder = this.hosts): void {
    this.write({ 'app/cluster.yaml': `!LocalCluster\nname: test\nfactories: 1\nfolder: ${folder}\n${more}` })
  }

  install(folder: string): void {
    mkdirSync(this.at(folder, 'node_modules'), { recursive: true })
    symlinkSync(process.cwd(), this.at(folder, 'node_modules/flambeau'))
  }

  git(...args: string[]): void {
    const config = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'init.defaultBranch=main']
    execFileSync('git', [...config, ...args], { cwd: this.app, stdio: 'ignore' })
  }

  command(args: readonly string[], { cwd = this.app, env = {} as NodeJS.ProcessEnv } = {}) {
    return spawn(process.execPath, [join(process.cwd(), 'dist/cli/main.js'), ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: '1', HOME: this.at('home'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  flambeau(args: readonly string[], options = {}): Promise<CommandEnd> {
    return endOf(this.command(args, options))
  }

  async run(...more: string[]): Promise<CommandEnd> {
    const imports = more.includes('--import') ? [] : ['--import', './job.js']
    return this.flambeau(['run', 'job.yaml', '-c', 'cluster.yaml', ...imports, ...more])
  }

  /** Runs the job; the paths of all files that went, within their copies. */
  async sent(...more: string[]): Promise<string[]> {
    const { code, stderr } = await this.run(...more)
    assert.equal(code, 0, stderr)
    return this.there()
  }

  there(): string[] {
    const paths = filesBelow(this.hosts).flatMap((path) => /\/programs\/[^/]+\/(.*)/.exec(path)?.[1] ?? [])
    return [...new Set(paths)].filter((path) => !path.startsWith('.flambeau-tree')).sort()
  }

  /** The files on any host that hold the canary. */
  leaks(): string[] {
    return filesBelow(this.hosts).filter((path) => readFileSync(path, 'latin1').includes(canary))
  }

  copies(host = 'orchestrator'): string[] {
    const packages = join(this.hosts, host, '.flambeau/packages')
    return readdirSync(packages).flatMap((hash) => {
      const programs = join(packages, hash, 'programs')
      return existsSync(programs) ? readdirSync(programs).map((name) => join(programs, name)) : []
    })
  }

  end(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesBelow(path)
    return entry.isFile() ? [path] : []
  })
}

let place: Place
const base = ['cluster.yaml', 'job.js', 'job.yaml', 'package.json']

describe('what goes to hosts', () => {
  beforeEach(() => {
    place = new Place()
  })
  afterEach(() => place.end())

  test('is the package, but for what its name or its content says is private', async () => {
    place.write({
      'app/.env': canary,
      'app/.env.production': canary,
      'app/sub/.env.local': canary,
      'app/.npmrc': canary,
      'app/.yarnrc.yml': canary,
      'app/.git-credentials': canary,
      'app/.netrc': canary,
      'app/.aws/credentials': canary,
      'app/.flambeau/runs/1/log.txt': canary,
      'app/secrets.ini': canary,
      'app/conf/prod-secrets.ini.bak': canary,
      'app/id_ed25519': canary,
      'app/tls/server.key': canary,
      'app/tls/server.txt': `a certificate\n${pem('RSA PRIVATE KEY')}`,
      'app/tls/account.json': JSON.stringify({ private_key: pem('PRIVATE KEY') }),
      'app/tls/ssh': pem('OPENSSH PRIVATE KEY'),
      'app/tls/pgp.asc': pem('PGP PRIVATE KEY BLOCK'),
      'app/tls/ca.pem':
        '-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END CERTIFICATE-----\n',
      'app/tls/code.js': 'export const begins = "-----BEGIN PRIVATE KEY-----\\n"',
      'app/README.md': 'It may be read at run time.',
    })
    assert.deepEqual(await place.sent(), ['README.md', ...base, 'tls/ca.pem', 'tls/code.js'].sort())
    assert.deepEqual(place.leaks(), [])
  })

  for (const withGit of [true, false])
    test(`is not what git ignores, ${withGit ? 'as git says' : 'as the files of patterns say where there is no repository'}`, async () => {
      if (withGit) place.git('init', '-q')
      place.write({
        'app/.gitignore': '*.tmp\n/private/\n!kept.tmp\n',
        'app/deep/.gitignore': 'notes.txt\n',
        'app/a.tmp': canary,
        'app/kept.tmp': 'goes',
        'app/private/b.txt': canary,
        'app/deep/notes.txt': canary,
        'app/deep/other.txt': 'goes',
      })
      if (withGit) {
        place.write({
          'app/.git/info/exclude': 'excluded.txt\n',
          'app/excluded.txt': canary,
          'app/forced.tmp': 'goes',
        })
        place.git('add', '--force', 'forced.tmp')
      }
      const more = [
        '.gitignore',
        'deep/.gitignore',
        'deep/other.txt',
        'kept.tmp',
        ...(withGit ? ['forced.tmp'] : []),
      ]
      assert.deepEqual(await place.sent(), [...base, ...more].sort())
    })

  test('is what the package needs although git ignores it: what was compiled, and what main, exports and files name', async () => {
    place.git('init', '-q')
    place.write({
      'app/.gitignore': 'dist/\nlib/\nassets/\nbuild/\ngenerated.js\n*.dat\n',
      'app/package.json': JSON.stringify({
        type: 'module',
        main: './lib/index.js',
        exports: { './x': { default: './build/x/*.js' } },
        files: ['assets/**/*.bin'],
      }),
      'app/dist/jobs/job.js': `import '../util/more.js'\nimport '../../src/generated.js'\n${job}`,
      'app/dist/util/more.js': '',
      'app/dist/.env': canary,
      'app/src/generated.js': '',
      'app/src/job.js': `import './generated.js'\n${job.replaceAll('Job', 'Other')}`,
      'app/src/private.dat': canary,
      'app/lib/index.js': '',
      'app/build/x/y.js': '',
      'app/assets/a.bin': '',
    })
    const sent = await place.sent('--import', './dist/jobs/job.js', '--import', './src/job.js')
    const more = ['assets/a.bin', 'build/x/y.js', 'dist/jobs/job.js', 'dist/util/more.js', 'lib/index.js']
    assert.deepEqual(sent, [...base, '.gitignore', ...more, 'src/generated.js', 'src/job.js'].sort())
    place.write({ 'app/.flambeauignore': 'assets\n' })
    place.cluster('', place.at('again'))
    assert.equal((await place.run('--import', './dist/jobs/job.js', '--import', './src/job.js')).code, 0)
    assert.equal(
      filesBelow(place.at('again')).some((path) => path.endsWith('a.bin')),
      false,
    )
  })

  test('is never a home folder, the root, or what holds keys of SSH', async () => {
    place.write({
      'home/package.json': '{ "type": "module" }',
      'home/.ssh/id_ed25519': canary,
      'home/scratch/job.mjs': job,
      'home/scratch/job.yaml': '!Job {}\n',
      'home/job.mjs': job,
    })
    place.install('home')
    const run = (module: string) =>
      place.flambeau(['run', 'job.yaml', '-c', '../../app/cluster.yaml', '--import', module], {
        cwd: place.at('home/scratch'),
      })
    const { code, stderr } = await run('./job.mjs')
    assert.equal(code, 0, stderr)
    assert.deepEqual([place.there(), place.leaks()], [['job.mjs', 'job.yaml'], []])
    const refused = await run('../job.mjs')
    assert.deepEqual([refused.code, place.leaks()], [22, []])
    assert.match(
      refused.stderr,
      /"[^"]*home" is a home folder.* never sent: move the modules to a folder of their own/,
    )
    rmSync(place.at('home/package.json'))
    mkdirSync(place.at('app/.ssh'))
    assert.match(
      (await place.run()).stderr,
      /"[^"]*app" is a home folder, or contains home folders or SSH keys/,
    )
  })

  test('is nothing that a link out of the package leads to: the link is named, with what to write', async () => {
    place.write({ 'outside/data.txt': canary })
    symlinkSync('../outside', place.at('app/data'))
    const { code, stderr } = await place.run()
    assert.equal(code, 22)
    assert.match(
      stderr,
      /"[^"]*app\/data" is a link to "[^"]*outside", outside of the package "[^"]*app" that is sent.*write "\/data" into "[^"]*app\/\.flambeauignore"/,
    )
    assert.deepEqual(place.leaks(), [])
    place.write({ 'app/.flambeauignore': '/data\n' })
    assert.deepEqual(await place.sent(), ['.flambeauignore', ...base])
  })

  test('does not leave by another name either: a link within the package counts as what it leads to', async () => {
    place.git('init', '-q')
    place.write({
      'app/.gitignore': '/private/\n',
      'app/private/a': canary,
      'app/.env': canary,
      'app/shown/a.txt': '',
    })
    for (const [target, link] of [
      ['private', 'a'],
      ['private/a', 'b'],
      ['.env', 'c'],
      ['shown', 'd'],
      ['.', 'e'],
      ['no', 'f'],
    ])
      symlinkSync(target!, place.at('app', link!))
    assert.deepEqual(await place.sent(), [...base, '.gitignore', 'd/a.txt', 'shown/a.txt'].sort())
  })

  test('has the same rules in a package that it links to, whose texts go along', async () => {
    place.write({
      'app/package.json': JSON.stringify({ type: 'module', dependencies: { lib: '*' } }),
      'lib/package.json': '{"name":"lib","type":"module","main":"dist/index.js"}',
      'lib/dist/index.js': '',
      'lib/prompt.md': 'You are a helper',
      'lib/.gitignore': 'dist\nprivate.txt\n',
      'lib/private.txt': canary,
      'lib/.env': canary,
      'lib/mine.txt': `[AWS]\nkey = ${canary}\n`,
      'lib/key.txt': pem('EC PRIVATE KEY'),
    })
    symlinkSync('../../lib', place.at('app/node_modules/lib'))
    const sent = await place.sent('--secrets', '../lib/mine.txt')
    const lib = ['.gitignore', 'dist/index.js', 'package.json', 'prompt.md'].map(
      (path) => `node_modules/lib/${path}`,
    )
    assert.deepEqual(sent, [...base, ...lib].sort())
    symlinkSync('../home', place.at('lib/linked'))
    assert.match((await place.run()).stderr, /"[^"]*lib\/linked" is a link to/)
  })

  test('is no file of secrets, by whatever name it is in the package', async () => {
    const ini = `[AWS]\nkey = ${canary}\n`
    place.write({ 'safe/s.conf': ini, 'app/copy.conf': ini })
    linkSync(place.at('safe/s.conf'), place.at('app/hard.conf'))
    symlinkSync('../safe/s.conf', place.at('app/mounted.conf'))
    symlinkSync('mounted.conf', place.at('app/current.conf'))
    for (const path of ['mounted.conf', '../safe/s.conf', place.at('app/hard.conf')])
      assert.deepEqual(await place.sent('--secrets', path), base)
    rmSync(place.at('home'), { recursive: true })
    symlinkSync(place.root, place.at('home'))
    assert.deepEqual(await place.sent('--secrets', '~/app/hard.conf'), base)
    assert.deepEqual(place.leaks(), [])
  })

  test('is no key of a cluster, or of the settings of ssh', async () => {
    for (const name of ['key', 'config-key', 'jump-key'])
      place.write({ [`app/${name}.txt`]: `${canary} ${name}` })
    const host = (name: string, more: string) => `Host ${name}\n  ${more}\n`
    place.write({
      'app/config': [
        host(
          'two',
          `IdentityFile ${place.at('app/%n-key.txt').replace('%n', 'config')}\n  ProxyJump me@three:22`,
        ),
        host('three', `IdentityFile ${place.at('app/jump-key.txt')}`),
      ].join(''),
      'app/cluster.yaml': `!SSHCluster\nname: lab\norchestrator_ip: one\nfactories_ips: [two]\nkey: ./key.txt\nssh_config: ./config\n`,
    })
    // It asks the real ssh for settings, and runs what is to be run on a host here: no sshd is needed.
    place.write({
      'bin/ssh': `#!/bin/sh
for each in "$@"; do [ "$each" = "-G" ] && exec /usr/bin/ssh "$@"; done
while [ "$1" != "--" ]; do [ "$1" = "-O" ] && exit 1; shift; done; shift
HOME="${place.hosts}/$1"; export HOME; shift; mkdir -p "$HOME"; cd "$HOME"; exec sh -c "$*"
`,
    })
    chmodSync(place.at('bin/ssh'), 0o755)
    const env = { PATH: `${place.at('bin')}:${process.env['PATH']}` }
    const args = ['run', 'job.yaml', '-c', 'cluster.yaml', '--import', './job.js']
    const { code, stderr } = await place.flambeau(args, { env })
    assert.equal(code, 0, stderr)
    assert.deepEqual(place.there(), ['config', ...base].sort())
    assert.deepEqual(place.leaks(), [])
  })

  test('is not what the command itself writes, nor the folder of a cluster', async () => {
    place.cluster('', './cluster')
    const outcomes: (number | null)[] = []
    const lines: string[] = []
    for (let run = 0; run < 3; run++) {
      const log = openSync(place.at('app/out.log'), 'a')
      const child = spawn(
        process.execPath,
        [
          join(process.cwd(), 'dist/cli/main.js'),
          'run',
          'job.yaml',
          '-c',
          'cluster.yaml',
          '--import',
          './job.js',
        ],
        { cwd: place.app, env: { ...process.env, HOME: place.at('home') }, stdio: ['ignore', log, log] },
      )
      outcomes.push(await new Promise((resolve) => child.once('close', resolve)))
      lines.push(readFileSync(place.at('app/out.log'), 'utf8'))
      truncateSync(place.at('app/out.log'))
    }
    assert.deepEqual(outcomes, [0, 0, 0], lines.join())
    assert.deepEqual(
      lines.map((text) => /sent "[^"]*" \((\d+) file/.exec(text)?.[1]),
      [String(base.length), undefined, undefined],
    )
  })

  test('of a file that grows, what was read of it', async () => {
    const growing = setInterval(
      () => writeFileSync(place.at('app/grows.log'), 'x'.repeat(5000), { flag: 'a' }),
      2,
    )
    place.write({ 'app/grows.log': 'x'.repeat(2_000_000) })
    const { code, stderr } = await place.run()
    clearInterval(growing)
    assert.equal(code, 0, stderr)
    const [sent] = filesBelow(place.hosts).filter((path) => path.endsWith('grows.log'))
    assert.match(readFileSync(sent!, 'utf8'), /^x+$/)
  })

  test('names what has no name in UTF-8, unless it is ignored', async () => {
    writeFileSync(Buffer.concat([Buffer.from(place.at('app/latin-')), Buffer.from([0xe9])]), '')
    const { code, stderr } = await place.run()
    assert.equal(code, 22)
    assert.match(stderr, /The name of "latin-\ufffd" in "[^"]*app" is not UTF-8.*write "\/latin-\?" into/)
    place.write({ 'app/.flambeauignore': '/latin-?\n' })
    assert.deepEqual(await place.sent(), ['.flambeauignore', ...base])
  })

  test('names what cannot be read, unless it is ignored', {
    skip: process.getuid?.() !== 0 && 'it needs root',
  }, async () => {
    const ids = { uid: 65534, gid: 65534 }
    execFileSync('chown', ['-R', '65534:65534', place.root])
    const run = () =>
      endOf(
        spawn(
          process.execPath,
          [
            join(process.cwd(), 'dist/cli/main.js'),
            'run',
            'job.yaml',
            '-c',
            'cluster.yaml',
            '--import',
            './job.js',
          ],
          {
            ...ids,
            cwd: place.app,
            env: { PATH: process.env['PATH'], HOME: place.at('home') },
            stdio: ['ignore', 'pipe', 'pipe'],
          },
        ),
      )
    mkdirSync(place.at('app/closed'), { mode: 0o700 })
    const { code, stderr } = await run()
    assert.equal(code, 22, stderr)
    assert.match(stderr, /"[^"]*app\/closed" cannot be read \(EACCES\).*write "\/closed" into/)
    place.write({ 'app/.flambeauignore': '/closed\n' })
    assert.equal((await run()).code, 0)
  })

  test('is listed by plan, with the largest parts and what stays; too much is refused unless the cluster allows it', async () => {
    place.write({ 'app/.env': canary, 'app/data/a.bin': '', 'app/src/a.txt': 'abc' })
    truncateSync(place.at('app/data/a.bin'), 101e6)
    const args = ['-c', 'cluster.yaml', '--import', './job.js']
    for (const command of ['plan', 'run']) {
      const { code, stderr } = await place.flambeau([command, 'job.yaml', ...args])
      assert.equal(code, 22)
      assert.match(
        stderr,
        /Too much would be sent to each host: 6 files, 101\.0 MB, more than 100 MB and 10000 files\n\n {2}"[^"]*app": 6 files, 101\.0 MB\n {4}data\/ \(1 file, 101\.0 MB\)\n/,
      )
      assert.match(
        stderr,
        /write "\/data\/" into "[^"]*app\/\.flambeauignore"; to send everything, write "max_size: 102 MB" into/,
      )
    }
    assert.equal(existsSync(join(place.hosts, 'orchestrator/.flambeau/packages/programs')), false)
    place.cluster('max_size: 102 MB\n')
    const { stdout } = await place.flambeau(['plan', 'job.yaml', ...args])
    assert.match(
      stdout,
      /would send "[^"]*app" to each host, at most 6 files, 101\.0 MB:\n {2}data\/ \(1 file, 101\.0 MB\)\n/,
    )
    assert.match(stdout, / {2}private, so not sent: "\.env"\n/)
    place.write({ 'app/.flambeauignore': '/data/\n' })
    for (let file = 0; file < 10_000; file++) writeFileSync(place.at('app/src', `${file}.txt`), '')
    place.cluster()
    assert.match((await place.run()).stderr, /write "\/src\/" into/)
    place.cluster('max_size: 1\n')
    assert.equal((await place.flambeau(['plan', 'job.yaml', ...args])).code, 0)
    place.cluster('max_size: much\n')
    assert.match((await place.run()).stderr, /must be a size such as "8 GB"/)
  })

  test('a project of Yarn without node_modules is told what to write', async () => {
    place.write({ 'app/package.json': '{ "type": "module", "dependencies": { "lacking": "1" } }' })
    assert.match((await place.run()).stderr, /type "npm install" in/)
    place.write({ 'pnpm-lock.yaml': '' })
    assert.match((await place.run()).stderr, /type "pnpm install" in/)
    place.write({ '.pnp.cjs': '' })
    assert.match(
      (await place.run()).stderr,
      /write "nodeLinker: node-modules" into \.yarnrc\.yml, and type "yarn install"/,
    )
  })
})

describe('copies on a host', () => {
  beforeEach(() => {
    place = new Place()
    place.write({ 'app/data.txt': 'the same in each' })
  })
  afterEach(() => place.end())
  const edit = (version: number) => place.write({ 'app/job.js': `${job}// ${version}\n` })

  test('are those of the last runs, and share what is equal', async () => {
    for (let version = 0; version < 5; version++) {
      edit(version)
      assert.equal((await place.run()).code, 0)
    }
    for (const host of ['orchestrator', 'factory-1']) {
      const copies = place.copies(host)
      assert.equal(copies.length, 3)
      assert.equal(new Set(copies.map((copy) => statSync(join(copy, 'data.txt')).ino)).size, 1)
    }
    // What went before is sent again.
    edit(0)
    assert.match((await place.run()).stderr, /sent ".*" \(1 file/)
  })

  test('of a run that is under way stay, whoever tries to start others', async () => {
    place.write({
      'app/job.js': job.replace(
        'run() { return 1 }',
        `async run() {
        const { existsSync } = await import('node:fs')
        while (!existsSync('go')) await new Promise((done) => setTimeout(done, 20))
        return (await import('./later.js')).value
      }`,
      ),
      'app/later.js': 'export const value = 7',
    })
    const { stdout: id } = await place.run('--detach')
    const [used] = place.copies()
    for (let version = 0; version < 5; version++) {
      edit(version)
      assert.match((await place.run()).stderr, /is active/)
    }
    // Another cluster, on the same hosts, which runs and removes what it no longer needs.
    place.write({
      'app/cluster.yaml': readFileSync(place.at('app/cluster.yaml'), 'utf8').replace(
        'name: test',
        'name: other',
      ),
    })
    for (let version = 10; version < 15; version++) {
      edit(version)
      assert.equal((await place.run()).code, 0)
    }
    assert.ok(existsSync(used!))
    place.cluster()
    writeFileSync(join(place.hosts, 'orchestrator/.flambeau/runs', id.trim(), 'work/go'), '')
    const { stdout, code } = await place.flambeau(['wait', id.trim(), '-c', 'cluster.yaml'])
    assert.deepEqual([code, stdout], [0, '7\n'])
  })

  test('that nobody has used for long go, those of a cluster that is taken down at once', async () => {
    assert.equal((await place.run()).code, 0)
    const [used] = place.copies()
    const old = join(dirname(used!), 'f'.repeat(32))
    const part = `${used}.0.incoming`
    for (const folder of [old, part]) {
      mkdirSync(folder)
      utimesSync(folder, 1, 1)
    }
    edit(1)
    assert.equal((await place.run()).code, 0)
    assert.deepEqual([existsSync(old), existsSync(part), existsSync(used!)], [false, false, true])
    const file = readFileSync(place.at('app/cluster.yaml'), 'utf8')
    place.write({ 'app/cluster.yaml': file.replace('name: test', 'name: other') })
    edit(2)
    assert.equal((await place.run()).code, 0)
    const agent = join(process.cwd(), 'dist/cluster/agent.cjs')
    const ask = JSON.stringify({ op: 'down', ask: { cluster: 'test', force: false, graceMs: 0 } })
    for (const host of ['orchestrator', 'factory-1']) {
      execFileSync(process.execPath, [agent], {
        input: `${ask}\n`,
        env: { ...process.env, HOME: join(place.hosts, host) },
      })
      assert.equal(place.copies(host).length, 1)
    }
  })

  test('that a run has written to are not taken for what was sent', async () => {
    place.write({
      'app/job.js': job.replace(
        'run() { return 1 }',
        `async run() {
        const { readFileSync, writeFileSync } = await import('node:fs')
        const file = new URL('./data.txt', import.meta.url)
        const read = readFileSync(file, 'utf8')
        writeFileSync(file, 'written')
        return read
      }`,
      ),
    })
    for (let version = 0; version < 3; version++) {
      if (version === 2) place.write({ 'app/more.txt': '' })
      assert.equal((await place.run()).stdout, 'the same in each\n')
    }
  })
})
