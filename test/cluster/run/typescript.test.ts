// TypeScript is compiled here and runs on the plain Node of the hosts, whose stacks name the lines of the source.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { redisServer } from '../../support/redis.js'
import { noMachines, SshHosts } from '../../support/ssh-hosts.js'
import { TypeScriptProject } from '../../support/typescript-project.js'

const noRedis = redisServer === undefined && 'there is no redis-server or valkey-server here'

const files = {
  'package.json':
    '{ "name": "sums", "type": "module", "imports": { "#five": "./lib/five.ts" }, "dependencies": { "linked": "*" } }',
  'tsconfig.json':
    '{ "compilerOptions": { "experimentalDecorators": true, "paths": { "@lib/*": ["./lib/*"] } } }',
  'linked/package.json': '{ "name": "linked", "type": "module", "exports": "./src/index.ts" }',
  'linked/src/index.ts': "export { seven } from './seven'\n",
  'linked/src/seven.ts': 'export const seven: number = 7\n',
  'lib/three.ts': 'export const three: number = 3\n',
  'lib/four.mts': 'export const four: number = 4\n',
  'lib/five.ts': 'export const five: number = 5\n',
  'lib/index.ts': "export { six } from '@lib/six'\n",
  'lib/six.tsx': 'export const six: number = 6\n',
  'late.ts': 'export const eight: number = 8\n',
  'nine.json': '{ "nine": 9 }\n',
  'fixtures/[id].ts': 'export const id: string = ""\n',
  'zero.json': '{ "zero": 0 }\n',
  'plugins/none.ts': 'export const none: number = 0\n',
  'fixtures/broken/package.json': '{ "name": ',
  'fixtures/null/package.json': 'null',
  'sum.ts': `import { ClusterRunnable, registrable } from 'flambeau'
import { openPool } from 'flambeau/pool'
import { five } from '#five'
import { seven } from 'linked'
import { six } from './lib'
import { four } from './lib/four.mjs'
import { three } from './lib/three'
import data from './nine.json'
import { Double } from './tasks.ts'
import zeros from './zero.json' with { type: 'json' }

enum Two { value = 2 }
const form = (_target: object, _key: string, _index: number): void => {}

@registrable('!Sum')
export class Sum extends ClusterRunnable<number> {
  constructor(private readonly given: { n: number }) { super(given) }

  async setup(): Promise<void> {}

  async run(): Promise<number> {
    const { eight } = await import('./late.js')
    const { none } = await this.plugin('none')
    const all = [Two.value, three, four, five, six, seven, eight, data.nine, zeros.zero, none]
    return this.add(all.reduce((sum, each) => sum + each) + (await this.double()))
  }

  plugin(name: string): Promise<{ none: number }> {
    return import(\`./plugins/\${name}.js\`)
  }

  add(@form sum: number): number {
    if (this.given.n === 0) throw new Error('nothing to double')
    return sum
  }

  async double(): Promise<number> {
    await using pool = await openPool({ env: this.env, imports: [new URL('./tasks.ts', import.meta.url)] })
    for await (const { result } of pool.map([new Double({ n: this.given.n })])) return result as number
    return 0
  }
}
`,
  'tasks.ts': `import { Runnable, registrable } from 'flambeau'

interface Options { readonly n: number }

@registrable('!Double')
export class Double extends Runnable<number> {
  readonly n: number
  constructor({ n }: Options) { super({ n }); this.n = n }

  run(): number {
    if (this.n < 0) throw new Error('negative')
    return 2 * this.n
  }
}
`,
}

const lineOf = (file: keyof typeof files, text: string) => {
  const before = files[file].slice(0, files[file].indexOf(text)).split('\n')
  return `${before.length}:${before.at(-1)!.length + 1}`
}

let project: TypeScriptProject
before(() => {
  project = new TypeScriptProject().files(files)
  symlinkSync('../linked', join(project.folder, 'node_modules/linked'))
})
after(() => project.end())

const on = (n: number, ...more: string[]) => {
  project.file('sum.yaml', `!Sum { n: ${n} }\n`)
  return project.flambeau(['run', 'sum.yaml', '--import', './sum.ts', ...more])
}

test('a run here gives what a run on hosts must give', async () => {
  assert.equal((await on(10)).stdout, '64\n')
})

describe('a local cluster runs TypeScript', { skip: noRedis }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  before(() => project.file('local.yaml', `!LocalCluster\nname: local\nfolder: ${folder}\nfactories: 1\n`))
  after(() => rmSync(folder, { recursive: true, force: true }))

  runsTypeScript('local.yaml')

  test('is sent as JavaScript only, and nothing is left in the project', async () => {
    const sent = readdirSync(join(folder, 'orchestrator'), { recursive: true, encoding: 'utf8' })
    const programs = sent.filter((path) => /\/programs\/[^/]+\/./.test(path))
    assert.ok(programs.some((path) => path.endsWith('/lib/six.js')))
    assert.deepEqual(
      programs.filter((path) => /\.[cm]?tsx?$/.test(path)),
      [],
    )
    // The links in "node_modules" lead to all of this package.
    const own = readdirSync(project.folder).filter((name) => name !== 'node_modules')
    const here = own.flatMap((name) => {
      const path = join(project.folder, name)
      return statSync(path).isDirectory() ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [name]
    })
    assert.ok(here.length > 5)
    assert.deepEqual(
      here.filter((path) => /\.[cm]?js$/.test(path)),
      [],
    )
    assert.equal(readFileSync(join(project.folder, 'sum.ts'), 'utf8'), files['sum.ts'])
  })

  test('a file that cannot be compiled is named with its line before anything is sent', async () => {
    project.file('broken.ts', '\nconst a: = 1\n')
    const { code, stderr } = await on(10, '-c', 'local.yaml')
    rmSync(join(project.folder, 'broken.ts'))
    assert.equal(code, 22)
    assert.match(stderr, /cannot be compiled: Unexpected "="; if no run needs it, write "\/broken\.ts" into/)
    assert.match(stderr, /^ {2}\S*broken\.ts:2:10$/m)
    assert.doesNotMatch(stderr, /sent "/)

    project.files({ 'nested/package.json': '{}', 'nested/broken.ts': 'const a: = 1\n' })
    const nested = await on(10, '-c', 'local.yaml')
    rmSync(join(project.folder, 'nested'), { recursive: true })
    const ignored = join(project.folder, '.flambeauignore')
    assert.ok(nested.stderr.includes(`write "/nested/broken.ts" into "${ignored}"`), nested.stderr)
  })

  test('without tsx the command to install it is shown before anything is sent', async () => {
    const program = `import { LocalCluster } from 'flambeau/cluster'
import { Runnable, registrable } from 'flambeau'
class Job extends Runnable { run() { return 1 } }
registrable('!Job')(Job)
const cluster = new LocalCluster({ name: 'bare', folder: ${JSON.stringify(join(folder, 'bare'))}, factories: 0 })
await cluster.submit(new Job(), { imports: ['./job.ts'] }).catch((error) => console.log(error.code, error.message))
`
    const bare = new TypeScriptProject({ tsx: false }).files({
      'job.ts': 'export {}\n',
      'main.mjs': program,
    })
    const { stdout, stderr } = await bare.node(['main.mjs'])
    bare.end()
    assert.match(stdout, /^NOT_COMPILED ".*job\.ts" is TypeScript.* type "npm i -D tsx"$/m, stderr)
  })
})

describe('SSH hosts run TypeScript', { skip: noRedis || noMachines }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(2)
    const [orchestrator, worker] = hosts.all.map(({ name }) => name)
    const addresses = `orchestrator_ip: ${orchestrator}\nfactories_ips: [${worker}]\n`
    project.file('ssh.yaml', `!SSHCluster\nname: ssh\n${addresses}ssh_config: ${hosts.config}\n`)
  })
  after(() => hosts?.end())

  runsTypeScript('ssh.yaml')
})

function runsTypeScript(cluster: string): void {
  test('whose imports Node itself would not find', async () => {
    const { stdout, stderr } = await on(10, '-c', cluster)
    assert.equal(stdout, '64\n', stderr)
  })

  test('and names the line of the source where it threw', async () => {
    const { code, stderr } = await on(0, '-c', cluster)
    assert.equal(code, 1)
    assert.match(
      stderr,
      new RegExp(`at Sum\\.add \\(.*/sum\\.ts:${lineOf('sum.ts', "new Error('nothing")}\\)$`, 'm'),
    )
  })

  test('and that of a task on a worker', async () => {
    const { code, stderr } = await on(-1, '-c', cluster, '--debug')
    assert.notEqual(code, 0)
    assert.match(
      stderr,
      new RegExp(`at Double\\.run \\(.*/tasks\\.ts:${lineOf('tasks.ts', "new Error('neg")}\\)$`, 'm'),
    )
  })
}
