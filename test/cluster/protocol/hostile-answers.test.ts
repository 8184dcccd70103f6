// A host that somebody else has taken over: whatever it answers, nothing is written where it should not be, nothing
// waits for ever, and who asked gets an error that names the host.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ClusterError, isFlambeauError } from 'flambeau'
import { type AgentHost, Cluster, LocalHost, type Members, RemoteRun, SSHHost } from 'flambeau/cluster'
import { HostileHost, type Hostility, hostileNode } from '../../support/hostile-agent.js'
import { noHosts, SshHosts } from '../../support/ssh-hosts.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-hostile-'))
after(() => rmSync(folder, { recursive: true, force: true }))

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBPgxTu1dzMTIWsl3Xmp5DXlJpRpTy1Zf0zpiZbJHX0Q'
let number = 0

/** A host of its own, which is closed whatever happens. */
async function withHost<T>(
  hostility: Hostility,
  use: (host: HostileHost) => Promise<T>,
  silenceMs?: number,
): Promise<T> {
  const host = new HostileHost('h1', join(folder, `h${++number}`), hostility, silenceMs)
  try {
    return await use(host)
  } finally {
    await host.close()
  }
}

const answers = (...lines: unknown[]): Hostility => ({ kind: 'answers', lines })
const piece = (bytes: number): string => JSON.stringify({ bytes, stream: 'stdout' })
const status = {
  id: 'r1',
  cluster: 'test',
  state: 'succeeded',
  file: 'job.yaml',
  startedAt: '2026-01-01T00:00:00.000Z',
  logSize: 0,
}
const started = {
  id: 'r1',
  cluster: 'test',
  file: '',
  force: false,
  queue: true,
  packageHash: 'ab',
  trees: [],
  files: {},
}
const inspected = {
  home: '/home/user',
  user: 'user',
  freeBytes: 1,
  missing: [],
  setUp: true,
  authorized: [],
  hostKeys: [],
  knownHosts: '',
}
const given = (...files: object[]) => ({ single: false, files })
const file = (path: string, size = 1) => ({ path, size, executable: false, hash: '' })
const run = (host: AgentHost): RemoteRun => new RemoteRun('r1', 'test', host)
const fetchTree = (host: AgentHost): Promise<void> =>
  host.fetch('results', join(folder, 'fetched', 'results'))
const read = async (host: AgentHost): Promise<unknown> => run(host).logs().toArray()

type Use = (host: AgentHost) => Promise<unknown>

const invalid: Record<string, [use: Use, hostility: Hostility]> = {
  'null for an answer': [(host) => host.exists('.'), answers('null\n')],
  'a text for an answer': [(host) => host.exists('.'), answers('"yes"\n')],
  'no JSON': [(host) => host.exists('.'), answers('Welcome to h1\n')],
  'the answer to another question': [(host) => host.exists('.'), answers({ reply: { done: true } })],
  'an error without a message': [(host) => host.exists('.'), answers({ error: { code: 'ENOENT' } })],
  'a negative number of processors': [
    (host) => host.resources(),
    answers({ reply: { cpus: -1, memory: 1, gpus: [] } }),
  ],
  'a memory that is no number': [
    (host) => host.resources(),
    answers('{"reply":{"cpus":1,"memory":1e999,"gpus":[]}}\n'),
  ],
  'an exit code of 256': [(host) => host.exec(['true']), answers({ reply: { exitCode: 256, signal: null } })],
  'a signal that is none': [
    (host) => host.exec(['true']),
    answers({ reply: { exitCode: null, signal: '\u001b[31m' } }),
  ],
  'a piece of negative size': [(host) => host.exec(['true']), answers({ bytes: -1, stream: 'stdout' })],
  'a piece of no size': [(host) => host.exec(['true']), answers({ bytes: 0, stream: 'stdout' })],
  'a piece of another stream': [(host) => host.exec(['true']), answers({ bytes: 1, stream: '__proto__' })],
  'a run of another id': [(host) => run(host).status(), answers({ reply: { ...status, id: 'r2' } })],
  'a run that is in no state': [
    (host) => run(host).status(),
    answers({ reply: { ...status, state: 'fine' } }),
  ],
  'a run that waits for a command': [
    (host) => host.ask('start', started),
    answers({ reply: { id: 'r1', waitsFor: '"; rm -rf ~', unfinished: [] } }),
  ],
  'other runs that are no list': [
    (host) => host.ask('start', started),
    answers({ reply: { id: 'r1', unfinished: { length: 1 } } }),
  ],
  'another cluster with a name that is a command': [
    (host) => host.ask('inspect', { cluster: 'test', trees: [], makeKey: false }),
    answers({ reply: { ...inspected, others: [{ name: '"; rm -rf ~', run: 'r1' }] } }),
  ],
  'a start that is no time': [
    (host) => run(host).status(),
    answers({ reply: { ...status, startedAt: '\u001b[2J' } }),
  ],
  'a result that is no JSON': [(host) => run(host).wait(), answers({ reply: { ...status, result: '{' } })],
  'a log of negative size': [(host) => run(host).status(), answers({ reply: { ...status, logSize: -1 } })],
  'a wish for files that are not sent': [(host) => host.sync(folder, 'there'), answers({ wanted: [1e9] })],
  'a wish for one file again and again': [(host) => host.sync(folder, 'there'), answers({ wanted: [0, 0] })],
  'a file above the target': [fetchTree, answers(given(file('../escaped')))],
  'a file far above the target': [fetchTree, answers(given(file('a/../../../escaped')))],
  'a file with an absolute path': [fetchTree, answers(given(file('/tmp/flambeau-escaped')))],
  'a file with NUL in its name': [fetchTree, answers(given(file('a\0b')))],
  'a file without a name': [fetchTree, answers(given(file('')))],
  'a folder without a name': [fetchTree, answers(given(file('a//b')))],
  'a file name that is too long': [fetchTree, answers(given(file('x'.repeat(256))))],
  'two files in one place': [fetchTree, answers(given(file('a'), file('a')))],
  'a file in the place of a folder': [fetchTree, answers(given(file('a'), file('a/b')))],
  'a size that is no number': [fetchTree, answers({ single: false, files: [{ ...file('a'), size: '1' }] })],
  'a size that is not whole': [fetchTree, answers(given(file('a', 0.5)))],
  'one file that is two': [fetchTree, answers({ single: true, files: [file('a'), file('b')] })],
  'more bytes than it said': [fetchTree, answers(given(file('a', 1)), piece(2), '\nxx')],
}

describe('an invalid answer', () => {
  for (const [what, [use, hostility]] of Object.entries(invalid))
    test(`${what} is refused, and the host named`, async () => {
      const before = existsSync('/tmp/flambeau-escaped')
      await assert.rejects(withHost(hostility, use), (error) => {
        assert.ok(error instanceof ClusterError, String(error))
        assert.equal(error.code, 'HOST_BAD_ANSWER')
        assert.match(error.message, /^Host "h1" sent an invalid response to "\w+" \(/)
        assert.doesNotMatch(error.message, obeyed)
        assert.ok(error.message.length < 1000)
        return true
      })
      assert.ok(!existsSync(join(folder, 'escaped')) && before === existsSync('/tmp/flambeau-escaped'))
      assert.ok(!existsSync(join(folder, 'fetched/results')))
    })

  test('leaves nothing beside the target', () => {
    assert.deepEqual(existsSync(join(folder, 'fetched')) ? readdirSync(join(folder, 'fetched')) : [], [])
  })

  test('a refusal with words that a terminal obeys shows them', async () => {
    const error = { code: '\u001b[1m', message: 'no\u001b]0;x\u0007\n::error::y' }
    await assert.rejects(
      withHost(answers({ error }), (host) => host.exists('.')),
      (error) => {
        assert.ok(isFlambeauError(error))
        assert.equal(error.code, 'HOST_REFUSED')
        assert.doesNotMatch(error.message, obeyed)
        return true
      },
    )
  })

  test('a run that is under way has an id and no command', async () => {
    const hostility = answers({ error: { code: 'RUN_ACTIVE', message: 'x"; rm -rf ~; "' } })
    await assert.rejects(
      withHost(hostility, (host) => run(host).cancel()),
      { code: 'HOST_REFUSED' },
    )
  })

  test('a file of a run with words that a terminal obeys shows them', async () => {
    const { file } = await withHost(answers({ reply: { ...status, file: '\u001b[2Jx' } }), (host) =>
      run(host).status(),
    )
    assert.equal(file, '\\u001b[2Jx')
  })
})

describe('a host that does not stop', () => {
  const endless: Record<string, [use: Use, hostility: Hostility, code: string]> = {
    'a line without an end': [(host) => host.exists('.'), { kind: 'endless', text: 'x' }, 'HOST_BAD_ANSWER'],
    'lines without an end before its greeting': [
      (host) => host.exists('.'),
      { kind: 'endless', text: 'x', greets: false },
      'HOST_SHELL_NOISY',
    ],
    'lines before its greeting': [
      (host) => host.exists('.'),
      { kind: 'endless', text: 'welcome\n', greets: false },
      'HOST_SHELL_NOISY',
    ],
    'a file without an end': [
      (host) => host.get('a'),
      { kind: 'endless', text: `${piece(60_000)}\n${'x'.repeat(60_000)}` },
      'HOST_FILE_TOO_LARGE',
    ],
    'nothing after its greeting': [(host) => host.exists('.'), { kind: 'silent' }, 'HOST_LOST'],
    'nothing but that it is at work': [
      (host) => host.exists('.'),
      { kind: 'silent', alive: true },
      'HOST_LOST',
    ],
    'nothing, and errors without an end': [
      (host) => host.exists('.'),
      { kind: 'endless', text: 'error\u001b[1m\n', stream: 'stderr' },
      'HOST_LOST',
    ],
    'nothing of a log': [read, { kind: 'silent' }, 'HOST_LOST'],
    'half of a file': [(host) => host.get('a'), answers(`${piece(10)}\nxxx`), 'HOST_LOST'],
    'half of a tree': [fetchTree, answers(given(file('a', 10)), piece(10), '\nxxx'), 'HOST_LOST'],
  }
  for (const [what, [use, hostility, code]] of Object.entries(endless))
    test(`with ${what} is given up`, async () => {
      await assert.rejects(withHost(hostility, use), (error) => {
        assert.ok(error instanceof ClusterError, String(error))
        assert.equal(error.code, code)
        assert.match(error.message, /"h1"/)
        assert.doesNotMatch(error.message, obeyed)
        return true
      })
    })

  test('with many tiny pieces of output takes no more memory than their bytes', async () => {
    const lines = [`${piece(1)}\nx`, { reply: { exitCode: 0, signal: null } }]
    const { stdout } = await withHost(
      { kind: 'answers', lines, times: 100_000 },
      (host) => host.exec(['true']),
      20_000,
    )
    assert.equal(stdout.length, 100_000)
  })

  test('with nothing that it reads is given up', async () => {
    const big = join(folder, 'big')
    mkdirSync(big)
    for (let at = 0; at < 20; at++)
      writeFileSync(join(big, `${at}`), Buffer.alloc(1 << 20, String(Math.random())))
    const wanted = { wanted: Array.from({ length: 20 }, (_, at) => at) }
    const hostility: Hostility = { kind: 'deaf', first: JSON.stringify(wanted) }
    await assert.rejects(
      withHost(hostility, (host) => host.sync(big, 'there'), 100),
      { code: 'HOST_LOST' },
    )
  })

  test('a real host that works for longer than it may be silent is waited for', async () => {
    // Longer than an agent waits before it says that it is at work.
    class Impatient extends LocalHost {
      override readonly silenceMs = 15_000
    }
    await using host = new Impatient('local', join(folder, 'real'))
    const { exitCode } = await host.exec(['sleep', '16'])
    assert.equal(exitCode, 0)
  })
})

/** A cluster of hosts of any kind. */
class OwnCluster extends Cluster {
  override readonly options = { name: 'test' }
  constructor(readonly members: Members) {
    super()
  }
  protected override connect(): Members {
    return this.members
  }
}

function clusterOf(orchestrator: LocalHost, factory: LocalHost): OwnCluster {
  const member = (host: LocalHost, role: 'orchestrator' | 'factory', address: string) => {
    const connection = { kind: 'local', name: host.name, folder: host.folder } as const
    return { host, role, address, connection }
  }
  return new OwnCluster({
    orchestrator: member(orchestrator, 'orchestrator', '10.0.0.1'),
    factories: [member(factory, 'factory', '10.0.0.2')],
  })
}

describe('what a host says is pasted into no file that others trust', () => {
  const keys = {
    'two lines': `${key} flambeau:test\n${key}`,
    'two lines, the second of the cluster': `${key}\n${key} flambeau:test`,
    options: `command="id" ${key} flambeau:test`,
    'no key': 'x',
  }
  for (const [what, publicKey] of Object.entries(keys))
    test(`an orchestrator's key of ${what}`, async () => {
      const at = join(folder, `trust${++number}`)
      const hostility: Hostility = { kind: 'patch', path: ['reply', 'publicKey'], value: publicKey }
      const orchestrator = new HostileHost('bad', join(at, 'o'), hostility, 20_000)
      await using cluster = clusterOf(orchestrator, new LocalHost('good', join(at, 'f')))
      await assert.rejects(cluster.up(), {
        code: 'HOST_BAD_ANSWER',
        message: /"bad".*"reply.publicKey" is not one line/,
      })
      assert.ok(!existsSync(join(at, 'f/.ssh/authorized_keys')))
    })

  for (const [what, line] of Object.entries({
    'two lines': `${key}\n10.0.0.9 ${key}`,
    'a name before it': `10.0.0.9 ${key}`,
    'an authority': `@cert-authority * ${key}`,
  }))
    test(`a factory's host key with ${what}`, async () => {
      const at = join(folder, `trust${++number}`)
      const hostility: Hostility = { kind: 'patch', path: ['reply', 'hostKeys'], value: [line] }
      const factory = new HostileHost('bad', join(at, 'f'), hostility, 20_000)
      await using cluster = clusterOf(new LocalHost('good', join(at, 'o')), factory)
      await assert.rejects(cluster.up(), { code: 'HOST_BAD_ANSWER', message: /"bad".*hostKeys/ })
      const known = join(at, 'o/.flambeau/clusters/test/known_hosts')
      assert.doesNotMatch(existsSync(known) ? readFileSync(known, 'utf8') : '', /10\.0\.0\.9|cert-authority/)
    })
})

describe('real answers that were changed', () => {
  const uses: Record<string, (host: AgentHost, local: string) => Promise<unknown>> = {
    exists: (host) => host.exists('.'),
    resources: (host) => host.resources(),
    exec: (host) => host.exec(['echo', 'hello']),
    get: (host) => host.get('tree/a.txt'),
    put: (host) => host.put('b', 'b'),
    fetch: (host, local) => host.fetch('tree', local),
    sync: (host) => host.sync(join(folder, 'source'), 'synced'),
    inspect: (host) => host.ask('inspect', { cluster: 'test', trees: ['00'], makeKey: true }),
    runs: (host) => host.ask('runs', { cluster: 'test' }),
    // Not by the run itself, which goes on trying when a connection is lost.
    wait: (host) => host.ask('wait', { cluster: 'test', id: 'r1' }),
    logs: (host) => read(host),
  }

  before(() => {
    for (const tree of ['source', 'mutated/tree/deep']) mkdirSync(join(folder, tree), { recursive: true })
    writeFileSync(join(folder, 'source/s.txt'), 's')
    writeFileSync(join(folder, 'mutated/tree/a.txt'), 'a'.repeat(1000))
    writeFileSync(join(folder, 'mutated/tree/deep/b.txt'), 'b')
  })

  /** Each ends as it should, or as an error that can be understood. */
  async function tryOut(host: AgentHost, seed: number): Promise<boolean> {
    const local = join(folder, 'targets', String(seed), 'target')
    mkdirSync(join(local, '..'), { recursive: true })
    let good = 0
    for (const [name, use] of Object.entries(uses))
      await use(host, local).then(
        () => good++,
        (error) => {
          assert.ok(isFlambeauError(error), `seed ${seed}, ${name}: ${error?.stack}`)
          assert.doesNotMatch(error.message, obeyed)
        },
      )
    assert.deepEqual(
      readdirSync(join(local, '..')).filter((each) => each !== 'target'),
      [],
      `seed ${seed}`,
    )
    assert.ok(!existsSync(join(folder, 'targets/escaped')) && !existsSync('/tmp/escaped'), `seed ${seed}`)
    return good > 0
  }

  test('end in a result or a typed error, and write into the target alone', {
    timeout: 240_000,
  }, async () => {
    let good = 0
    for (let seed = 1; seed <= 5; seed++) {
      const host = new HostileHost('h1', join(folder, 'mutated'), { kind: 'mutate', seed })
      if (await tryOut(host, seed)) good++
      await host.close()
    }
    assert.ok(good > 0)
  })

  test('do so over SSH, too', { skip: noHosts, timeout: 120_000 }, async () => {
    const hosts = await SshHosts.start(1)
    try {
      const [machine] = hosts.all
      mkdirSync(join(machine!.home, 'tree'))
      writeFileSync(join(machine!.home, 'tree/a.txt'), 'a')
      class Silenced extends SSHHost {
        override readonly silenceMs = 1000
      }
      for (let seed = 101; seed <= 102; seed++) {
        const node = join(machine!.home, 'node')
        writeFileSync(node, hostileNode({ kind: 'mutate', seed }), { mode: 0o755 })
        const host = new Silenced({ ...hosts.options(machine!), node })
        await tryOut(host, seed)
        await host.close()
      }
    } finally {
      await hosts.end()
    }
  })
})
