// Machines as people have them: Node wherever a tool put it, login shells that talk, ask or go away, folders with spaces.
import assert from 'node:assert/strict'
import { execSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, describe, test } from 'node:test'
import { type ClusterError, isFlambeauError } from 'flambeau'
import { SSHCluster, SSHHost, type SSHHostOptions } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import type { NamespaceHost } from '../../support/namespace-host.js'
import { makeKey, noHosts, noMachines, SshHosts } from '../../support/ssh-hosts.js'

describe('Node on a host', { skip: noMachines }, () => {
  let hosts: SshHosts
  let one: NamespaceHost
  let node: string
  before(async () => {
    hosts = await SshHosts.start(1)
    one = hosts.all[0] as NamespaceHost
    node = join(hosts.folder, 'real/node')
    mkdirSync(dirname(node))
    copyFileSync(process.execPath, node)
    one.hideNode()
  })
  after(() => hosts.end())
  const placed: string[] = []
  afterEach(() => {
    for (const path of placed.splice(0)) rmSync(join(one.home, path), { recursive: true, force: true })
  })

  /** Puts a file into the home folder until the test is over. */
  const put = (path: string, content: string): string => {
    const full = join(one.home, path)
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, content, { mode: 0o755 })
    placed.push(path.split('/')[0]!)
    return full
  }
  const link = (path: string): string => {
    const full = put(path, '')
    rmSync(full)
    symlinkSync(node, full)
    return full
  }
  /** A program that says that it is another version than it is. */
  const as = (path: string, version: string): string =>
    put(
      path,
      `#!/bin/sh\n[ "$1" = -v ] && echo ${version} && exit\nexport AS=${version}\nexec "${node}" "$@"\n`,
    )
  const versionUsed = async (options: Partial<SSHHostOptions> = {}): Promise<string> => {
    await using host = new SSHHost({ ...hosts.options(one), ...options })
    const found = await host.exec(['node', '-p', 'process.env.AS ?? process.version'])
    return found.stdout.toString().trim()
  }

  const places = {
    nvm: '.nvm/versions/node/v20.19.0/bin/node',
    fnm: '.local/share/fnm/node-versions/v20.19.0/installation/bin/node',
    'an old fnm': '.fnm/node-versions/v20.19.0/installation/bin/node',
    mise: '.local/share/mise/installs/node/20.19.0/bin/node',
    asdf: '.asdf/installs/nodejs/20.19.0/bin/node',
    nodenv: '.nodenv/versions/20.19.0/bin/node',
    volta: '.volta/tools/image/node/20.19.0/bin/node',
    n: 'n/bin/node',
    'a user': '.local/bin/node',
  }
  for (const [tool, path] of Object.entries(places))
    test(`is found where ${tool} puts it`, async () => {
      link(path)
      assert.equal(await versionUsed(), process.version)
    })

  test('is found where only a login shell looks', async () => {
    link('tools/bin/node')
    put('.profile', 'echo welcome; PATH=$HOME/tools/bin:$PATH; printf "no end of line"\n')
    assert.equal(await versionUsed(), process.version)
  })

  test('is the highest version, by number and not by name', async () => {
    for (const version of ['v20.9.0', 'v9.11.2', 'v20.19.1', 'v22.3.0', 'v22.12.0', 'v6.17.1'])
      as(`.nvm/versions/node/${version}/bin/node`, version)
    assert.equal(await versionUsed(), 'v22.12.0')
  })

  test('is not the first on PATH where that is too old, for programs as well', async () => {
    const old = join(hosts.folder, 'old-node')
    writeFileSync(old, '#!/bin/sh\necho v18.20.4\n', { mode: 0o755 })
    one.cover({ [process.execPath]: old })
    as('.asdf/installs/nodejs/22.3.0/bin/node', 'v22.3.0')
    try {
      assert.equal(await versionUsed(), 'v22.3.0')
      rmSync(join(one.home, '.asdf'), { recursive: true })
      await assert.rejects(versionUsed(), {
        code: 'HOST_OLD_NODE',
        message: /"h1" has an old Node \(.*v18\.20\.4.*install Node 20\.19 or newer/,
      })
    } finally {
      one.cover({ [process.execPath]: '/dev/null' })
    }
  })

  test('is not taken from a shim that knows no version', async () => {
    put('.asdf/shims/node', '#!/bin/sh\necho "No version is set for command node" >&2\nexit 126\n')
    put('.profile', 'PATH=$HOME/.asdf/shims:$PATH\n')
    as('.asdf/installs/nodejs/20.19.2/bin/node', 'v20.19.2')
    assert.equal(await versionUsed(), 'v20.19.2')
  })

  test('may be named below the home folder, and no other is taken then', async () => {
    as('my tools/node', 'v21.0.0')
    as('.nvm/versions/node/v22.12.0/bin/node', 'v22.12.0')
    assert.equal(await versionUsed({ node: '~/my tools/node' }), 'v21.0.0')
    await assert.rejects(versionUsed({ node: '~/nothing/node' }), {
      code: 'HOST_NO_NODE',
      message: /no Node at "~\/nothing\/node": check the path at "node"/,
    })
  })

  test('that is nowhere is said to be missing', async () => {
    await assert.rejects(versionUsed(), {
      code: 'HOST_NO_NODE',
      message: /"h1" has no Node: install Node 20/,
    })
  })
})

describe('a login shell', { skip: noHosts }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(1)
  })
  after(() => hosts.end())
  const rc = (name: string): string => join(hosts.all[0]!.home, name)
  afterEach(() => rmSync(rc('.bashrc'), { force: true }))

  const failure = async (options: Partial<SSHHostOptions> = {}): Promise<ClusterError> => {
    await using host = new SSHHost({ ...hosts.options(hosts.all[0]!), ...options })
    const error = await host.exec(['echo', 'heard']).then(
      ({ stdout }) => assert.fail(`it said "${stdout}"`),
      (thrown) => thrown,
    )
    assert.ok(isFlambeauError(error), String(error))
    return error as ClusterError
  }
  const heard = async (): Promise<string> => {
    await using host = new SSHHost(hosts.options(hosts.all[0]!))
    return (await host.exec(['echo', 'heard'])).stdout.toString()
  }

  test('may ask something, and gets no answer', async () => {
    writeFileSync(rc('.bashrc'), 'echo "Which one?"; read -r one; echo "And now?"; read -r two\n')
    assert.equal(await heard(), 'heard\n')
  })

  test('that reads all its input is given up, and the message says why', async () => {
    writeFileSync(rc('.bashrc'), 'cat >/dev/null\n')
    const { code, message } = await failure({ connectTimeout: 1 })
    assert.equal(code, 'HOST_SILENT')
    assert.match(message, /"h1" was silent.*~\/\.bashrc.*reads standard input.*\[\[ \$- == \*i\* \]\]/)
  })

  for (const shell of ['sh', 'bash', 'zsh'])
    test(`that is replaced by ${shell} is said to be`, {
      skip: !existsSync(`/usr/bin/${shell}`),
    }, async () => {
      writeFileSync(rc('.bashrc'), `exec ${shell}\n`)
      const { code, message } = await failure()
      assert.equal(code, 'HOST_SHELL_REPLACED')
      assert.match(message, /on host "h1", such as ~\/\.bashrc, starts another shell/)
    })

  test('that ends early is named, with what it said', async () => {
    writeFileSync(rc('.bashrc'), 'echo "Permission denied: the machine is closed" >&2; exit 3\n')
    const { code, message } = await failure()
    assert.equal(code, 'HOST_SHELL_ENDED')
    assert.match(message, /"h1" exited with code 3 .*\(Permission denied: the machine is closed\)/)
  })

  test('that never stops talking is not listened to for ever', async () => {
    writeFileSync(rc('.bashrc'), 'yes\n')
    assert.equal((await failure()).code, 'HOST_SHELL_NOISY')
  })

  test('that is none is named', { skip: noMachines }, async () => {
    const [one] = hosts.all as [NamespaceHost]
    one.addUser({ name: 'closed', uid: 0, shell: '/usr/sbin/nologin' })
    const { code, message } = await failure({ user: 'closed' })
    assert.equal(code, 'HOST_NO_SHELL')
    assert.match(message, /"closed" on host "h1" may not run commands .*sudo chsh -s \/bin\/sh closed"\)$/)
  })
})

describe("ssh's configuration", { skip: noHosts }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(1)
  })
  after(() => hosts.end())
  const config = (lines: string): string => {
    const path = join(hosts.folder, 'own_config')
    writeFileSync(path, `Include ${hosts.config}\nHost *\n${lines}`, { mode: 0o600 })
    return path
  }
  const options = (lines: string): SSHHostOptions => ({
    ...hosts.options(hosts.all[0]!),
    sshConfig: config(lines),
  })

  const settings = [
    'RemoteCommand tmux attach',
    'StdinNull yes',
    'ForkAfterAuthentication yes',
    'RequestTTY force',
    'SessionType none',
    'SessionType subsystem',
    'PermitLocalCommand yes\nLocalCommand echo hello',
    'Tunnel yes',
    'LogLevel QUIET',
    'LogLevel DEBUG3',
    'ControlMaster yes\nControlPath /nonexistent/%h\nControlPersist yes',
    'LocalForward 1 localhost:1\nExitOnForwardFailure yes',
    'ForwardX11 yes\nForwardAgent yes',
    'BatchMode no',
  ]
  for (const lines of settings)
    test(`does no harm with ${lines.replaceAll('\n', ', ')}`, async () => {
      await using host = new SSHHost(options(lines))
      const { stdout, stderr } = await host.exec(['cat'], { input: 'heard' })
      assert.deepEqual([stdout.toString(), stderr.toString()], ['heard', ''])
    })

  test('that keeps ssh silent does not keep the reason from its user', async () => {
    const key = join(hosts.folder, 'stranger')
    makeKey(key)
    const { address, port } = hosts.all[0]!
    const lines = `UserKnownHostsFile "${hosts.knownHosts}"\nLogLevel QUIET\n`
    writeFileSync(join(hosts.folder, 'quiet'), lines, { mode: 0o600 })
    await using host = new SSHHost({ address, port, key, sshConfig: join(hosts.folder, 'quiet') })
    await assert.rejects(host.exists('.'), { code: 'HOST_LOGIN_REFUSED' })
  })

  test('that is wrong or open to others is named with the reason', async () => {
    await using wrong = new SSHHost(options('Prot 22\n'))
    await assert.rejects(wrong.exists('.'), { code: 'BAD_SSH_CONFIG', message: /own_config.*prot/i })
  })

  test('a key that others can read is named with what to type', async () => {
    const key = join(hosts.folder, "ada's key")
    copyFileSync(hosts.key, key)
    chmodSync(key, 0o644)
    const { address, port } = hosts.all[0]!
    const sshConfig = join(hosts.folder, 'no_keys')
    writeFileSync(sshConfig, `UserKnownHostsFile "${hosts.knownHosts}"\n`, { mode: 0o600 })
    await using host = new SSHHost({ address, port, key, sshConfig })
    await assert.rejects(host.exists('.'), ({ code, message }: ClusterError) => {
      assert.equal(code, 'BAD_KEY_FILE')
      assert.match(message, /mode is 0644.*type "chmod 600 '.*\/ada'\\''s key'"$/)
      return true
    })
  })

  test('an old key of a host is forgotten with what the message says', async () => {
    const { address, port } = hosts.all[0]!
    const known = join(hosts.folder, 'old known hosts')
    const other = join(hosts.folder, 'other')
    makeKey(other)
    const name = port === 22 ? address : `[${address}]:${port}`
    writeFileSync(known, `${name} ${readFileSync(`${other}.pub`, 'utf8')}`)
    const file = join(hosts.folder, 'old_config')
    writeFileSync(
      file,
      `Host alias\n  HostName ${address}\n  Port ${port}\n  IdentityFile "${hosts.key}"\nHost *\n  UserKnownHostsFile "${known}"\n  GlobalKnownHostsFile /dev/null\n`,
      { mode: 0o600 },
    )
    await using host = new SSHHost({ address: 'alias', sshConfig: file })
    const { message, code } = await host.exists('.').then(
      () => assert.fail('it was let in'),
      (error: ClusterError) => error,
    )
    assert.equal(code, 'HOST_KEY_CHANGED')
    const [, command] = /"(ssh-keygen -R .*)"; if not/.exec(message) ?? []
    execSync(command!, { stdio: 'ignore' })
    assert.equal(await host.exists('.'), true)
  })
})

describe('folders with spaces', { skip: noHosts }, () => {
  const usual = process.env['TMPDIR']
  const folder = mkdtempSync(join(tmpdir(), "flambeau 100% ada's "))
  let hosts: SshHosts
  let project: Project
  before(async () => {
    hosts = await SshHosts.start(2, 'flambeau hosts of ada ')
    project = new Project()
    process.env['TMPDIR'] = folder
  })
  after(async () => {
    if (usual === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = usual
    project.end()
    await hosts.end()
    rmSync(folder, { recursive: true, force: true })
  })

  test('do no harm, here and on the hosts', async () => {
    const key = join(folder, 'my key')
    copyFileSync(hosts.key, key)
    await using cluster = new SSHCluster({
      name: 'test',
      orchestratorIp: 'h1',
      factoriesIps: ['h2'],
      sshConfig: hosts.config,
      key,
    })
    const code = `const { connectToFactories } = await import('flambeau/cluster')
      const [factory] = await connectToFactories(this.env)
      return String((await factory.exec(['pwd'])).stdout)`
    const run = await cluster.submit(await project.job(code), { imports: [project.module] })
    const { value, state } = await run.wait()
    const log = (await buffer(run.logs())).toString()
    assert.deepEqual([state, value], ['succeeded', `${hosts.all[1]!.home}\n`], log)
  })
})
