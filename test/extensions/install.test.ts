// Extensions from real sources: git repositories, a registry, tarballs; all on this machine, with nothing else in reach.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { basename, join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Ended, ExtensionLab, type Files, seeing } from '../support/extension-lab.js'
import { type GitServer, serveOverHttp, serveOverSsh } from '../support/git-servers.js'
import { NpmRegistry } from '../support/npm-registry.js'
import { until } from '../support/until.js'

const install = '--install-extensions'

describe('extensions that are installed', () => {
  let lab: ExtensionLab
  let registry: NpmRegistry
  before(async () => {
    lab = new ExtensionLab()
    registry = await NpmRegistry.start()
    await publish('vision', '1.0.0')
    await publish('vision', '1.1.0')
    await publish('vision', '2.0.0')
  })
  after(async () => {
    await registry.stop()
    lab.remove()
  })

  /** Packs a package as "npm pack" does, which would take a second for each. */
  async function packed(name: string, version: string, more: Files = {}): Promise<string> {
    const folder = `${name}-${version}`
    lab.write(`${folder}/package`, { ...seeing(`${name} ${version}`, { name, version }), ...more })
    const { code, stderr } = await lab.run('tar', ['-czf', `${folder}.tgz`, '-C', folder, 'package'])
    assert.equal(code, 0, stderr)
    return join(lab.folder, `${folder}.tgz`)
  }

  async function publish(name: string, version: string, more: Files = {}): Promise<string> {
    const manifest = {
      name,
      version,
      peerDependencies: { flambeau: '*' },
      ...JSON.parse(more['extra'] ?? '{}'),
    }
    const { extra: _, ...files } = more
    const text = { 'package.json': JSON.stringify({ type: 'module', exports: './index.js', ...manifest }) }
    return registry.publish(manifest, await packed(name, version, { ...text, ...files }))
  }

  let jobs = 0
  function job(source: string, name = `job-${++jobs}.yaml`): string {
    writeFileSync(join(lab.folder, name), `x: ${source}\n---\n!x.See\n`)
    return name
  }

  const online = (): NodeJS.ProcessEnv => ({ npm_config_registry: registry.url })

  async function runs(file: string, expected: string, ...flags: string[]): Promise<Ended> {
    const ended = await lab.flambeau(['run', file, ...flags], online())
    assert.equal(ended.stdout, `${expected}\n`, ended.stderr)
    assert.equal(ended.code, 0)
    return ended
  }

  async function refuses(file: string, message: RegExp, ...flags: string[]): Promise<string> {
    const ended = await lab.flambeau(['run', file, ...flags], online())
    assert.equal(ended.code, 22, ended.stderr)
    assert.equal(ended.stdout, '')
    assert.match(ended.stderr, message)
    assert.doesNotMatch(ended.stderr, /^\s+at .*node:/m)
    return ended.stderr
  }

  describe('from a registry', () => {
    test('in the newest version of the range, only when it is asked for, and once', async () => {
      const file = job('vision@^1.0.0')
      await refuses(file, /"x" is not installed: add "--install-extensions"/)
      assert.deepEqual(registry.asked.length, 0)
      const { stderr } = await runs(file, 'vision 1.1.0', install)
      assert.match(stderr, /^[\d:]+ info {2}Installing extension "x" from "vision@\^1\.0\.0"\n$/)
      const asked = registry.asked.length
      assert.equal((await runs(file, 'vision 1.1.0', install)).stderr, '')
      await runs(file, 'vision 1.1.0')
      assert.equal(registry.asked.length, asked, 'the second run needs no network')
      const offline = await lab.flambeau(['run', file, install])
      assert.equal(offline.stdout, 'vision 1.1.0\n', offline.stderr)
      const { stderr: said } = await lab.flambeau(['check', file])
      assert.equal(said, 'No problems in the file\n')
    })

    test('with what they depend on', async () => {
      await publish('left', '1.0.0', {
        'index.js':
          "import { registrable } from 'flambeau'\nexport const left = registrable('!Left')(class Left {}).name",
      })
      const index = seeing('')['index.js']!
      await publish('needy', '1.0.0', {
        extra: '{"dependencies":{"left":"^1.0.0"}}',
        'index.js': `import { left } from 'left'\n${index.replace('return ""', 'return left')}`,
      })
      const host = "import { registrable } from 'flambeau'\nregistrable('!Left')(class OfTheHost {})"
      lab.write('.', { 'host.mjs': host })
      await runs(job('needy'), 'Left', install, '--import', './host.mjs')
    })

    test('with no install script run, unless it is allowed by name', async () => {
      const index = seeing('')['index.js']!
      await publish('scripted', '1.0.0', {
        extra: `{"scripts":{"install":"echo built > built.txt"},"hasInstallScript":true}`,
        'index.js': `import { existsSync } from 'node:fs'\n${index.replace('return ""', "return existsSync(new URL('built.txt', import.meta.url))")}`,
      })
      const file = job('scripted')
      await runs(file, 'false', install)
      await runs(file, 'false', install, '--allow-scripts', 'y')
      await runs(file, 'true', install, '--allow-scripts', 'x')
    })

    test('that asks who is there', async () => {
      const file = job('vision@2.0.0')
      registry.token = 'npm-t0ken'
      const host = new URL(registry.url).host
      try {
        const said = await refuses(
          file,
          /access to "vision@2.0.0" was refused; log in \(npm: "npm login"/,
          install,
        )
        assert.doesNotMatch(said, /t0ken/)
        lab.write('.', { 'package.json': '{"private":true}' })
        writeFileSync(join(lab.folder, '.npmrc'), `//${host}/:_authToken=${registry.token}\n`)
        await runs(file, 'vision 2.0.0', install)
        assert.deepEqual(filesWith('npm-t0ken'), [])
      } finally {
        registry.token = undefined
        for (const name of ['.npmrc', 'package.json']) rmSync(join(lab.folder, name), { force: true })
      }
    })

    test('that does not have them, has no such version, or is not there', async () => {
      await refuses(
        job('unheard-of'),
        /nothing was found at "unheard-of"|has no package "unheard-of/,
        install,
      )
      await refuses(
        job('vision@^9'),
        /has no version that matches "vision@\^9": "npm view vision versions"/,
        install,
      )
      await publish('wanting', '1.0.0', { extra: '{"dependencies":{"vision":"^9"}}' })
      await refuses(
        job('wanting@^1'),
        /from "wanting@\^1": it needs "vision@\^9", and no version matches: "npm view vision versions"/,
        install,
      )
      const offline = await lab.flambeau(['run', job('vision@1.0.0'), install])
      assert.match(offline.stderr, /cannot be fetched from "vision@1.0.0": it cannot be reached/)
      await refuses(job('vision@1.0.0'), /downloads are turned off/, install, '--no-download-extensions')
    })
  })

  describe('as a lock says', () => {
    test('are installed again elsewhere, though the range gives more by now', async () => {
      const file = job('pinned@^1')
      await publish('pinned', '1.0.0')
      await lock(file)
      await publish('pinned', '1.2.0')
      await runs(file, 'pinned 1.0.0', install, '--frozen')
      assert.match(
        readFileSync(join(lab.folder, lockOf(file)), 'utf8'),
        /version: 1\.0\.0\n +integrity: sha512-/,
      )
    })

    test('are refused with both hashes when the package is another one', async () => {
      const file = job('swapped@^1')
      const before = await publish('swapped', '1.0.0')
      await lock(file)
      const after = await publish('swapped', '1.0.0', { 'evil.js': 'evil' })
      assert.notEqual(before, after)
      const said = await refuses(file, /is refused: "swapped@\^1" has the hash/, install)
      assert.ok(said.includes(before) && said.includes(after), said)
    })

    test('are refused when the registry gives other bytes than it says', async () => {
      const integrity = await publish('cracked', '1.0.0')
      const other = await packed('cracked', '1.0.1')
      registry.tamper('cracked', other)
      const said = await refuses(job('cracked@^1'), /is refused/, install)
      assert.ok(said.includes(integrity), said)
      assert.equal(new Set(said.match(/sha512-[\w+/=]+/g)).size, 2)
    })

    function lockOf(file: string): string {
      return file.replace('.yaml', '.lock.yaml')
    }

    async function lock(file: string): Promise<void> {
      const { code, stderr } = await lab.flambeau(['lock', file], online())
      assert.equal(code, 0, stderr)
      assert.equal(stderr, `Wrote "${lockOf(file)}"\n`)
    }
  })

  test('from a tarball on this machine and behind a URL', async () => {
    const tarball = await packed('balled', '1.0.0')
    await runs(job(`./${basename(tarball)}`), 'balled 1.0.0', install)
    registry.publish({ name: 'balled', version: '1.0.0' }, tarball)
    await runs(job(`${registry.url}balled/-/1.0.0.tgz?token=hidden`), 'balled 1.0.0', install)
    assert.deepEqual(filesWith('hidden'), [])
  })

  test('from a folder whose dependencies are not there, which stays as it was', async () => {
    const folder = lab.write('unlinked', seeing('from a copy'))
    const before = readdirSync(folder)
    await runs(job('./unlinked'), 'from a copy', install)
    assert.deepEqual(readdirSync(folder), before)
    writeFileSync(join(folder, 'index.js'), seeing('changed')['index.js']!)
    await runs(job('./unlinked'), 'changed', install)
  })

  describe('from a git repository', () => {
    let first: string
    before(async () => {
      const folder = lab.write('work', seeing('from main'))
      lab.write('work/sub/dir', seeing('from a folder'))
      await git(folder, 'init', '--quiet', '--initial-branch=main')
      await git(folder, 'add', '.')
      await git(folder, 'commit', '--quiet', '-m', 'first')
      first = (await git(folder, 'rev-parse', 'HEAD')).trim()
      await git(folder, 'switch', '--quiet', '-c', 'feature/new')
      writeFileSync(join(folder, 'index.js'), seeing('from a branch')['index.js']!)
      writeFileSync(join(folder, 'sub/dir/index.js'), seeing('from a folder of a branch')['index.js']!)
      await git(folder, 'commit', '--quiet', '-am', 'second')
      await git(folder, 'tag', '-a', 'v1', '-m', 'tagged')
      await git(folder, 'switch', '--quiet', 'main')
      mkdirSync(join(lab.folder, 'served'))
      await git(lab.folder, 'clone', '--quiet', '--bare', 'work', 'served/repo.git')
    })

    async function git(cwd: string, ...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await lab.run('git', ['-C', cwd, ...args])
      assert.equal(code, 0, stderr)
      return stdout
    }

    const served = () => `file://${lab.folder}/served/repo.git`

    test('by branch, tag, commit, folder, and none of these', async () => {
      await runs(job(served()), 'from main', install)
      await runs(job(`git+${served()}#feature/new`), 'from a branch', install)
      await runs(job(`${served()}#v1`), 'from a branch', install)
      await runs(job(`${served()}#${first}`), 'from main', install)
      await runs(job(`${served()}#${first.slice(0, 9)}`), 'from main', install)
      await runs(job('file:served/repo.git#main'), 'from main', install)
      await runs(job(`${served()}#v1::path:sub/dir`), 'from a folder of a branch', install)
      await runs(job(`${served()}#::path:sub/dir`), 'from a folder', install)
    })

    test('by the address of a page that shows a folder of it; with a password that shows nowhere', async () => {
      const server = await serveOverHttp(join(lab.folder, 'served'), 'bob:s3cret')
      const address = server.url.replace('//', '//bob:s3cret@')
      try {
        await runs(job(`${address}/repo.git/tree/main/sub/dir`), 'from a folder', install)
        const said = await runs(
          job(`${address}/repo.git/tree/feature/new/sub/dir`),
          'from a folder of a branch',
          install,
        )
        assert.doesNotMatch(said.stderr, /s3cret/)
        const wrong = server.url.replace('//', '//bob:wr0ng@')
        const refused = await refuses(job(`${wrong}/repo.git`), /access to ".*" was refused/, install)
        assert.doesNotMatch(refused, /wr0ng/)
        const file = job(`${address}/repo.git#v1`)
        const locked = await lab.flambeau(['lock', file])
        assert.equal(locked.code, 0, locked.stderr)
        assert.deepEqual(filesWith('s3cret', file.replace('.yaml', '.lock.yaml')), [])
      } finally {
        await server.stop()
      }
    })

    test('as the whole of a commit in a lock, when the file has the beginning of its name', async () => {
      const file = job(`${served()}#${first.slice(0, 9)}::path:sub/dir`)
      const { code, stderr } = await lab.flambeau(['lock', file])
      assert.equal(code, 0, stderr)
      const lock = readFileSync(join(lab.folder, file.replace('.yaml', '.lock.yaml')), 'utf8')
      assert.ok(lock.includes(`commit: ${first}\n`), lock)
      await runs(file, 'from a folder', install, '--frozen')
    })

    test('over ssh', { skip: !existsSync('/usr/sbin/sshd') && 'there is no ssh server here' }, async () => {
      mkdirSync('/run/sshd', { recursive: true })
      const server: GitServer & { ssh: string } = await serveOverSsh(join(lab.folder, 'ssh'))
      const env = { GIT_SSH_COMMAND: server.ssh }
      const address = `${server.url}${lab.folder}/served/repo.git`
      try {
        for (const source of [`git+${address}#${first}`, `${address}#main`]) {
          const ended = await lab.flambeau(['run', job(source), install], env)
          assert.equal(ended.stdout, 'from main\n', ended.stderr)
        }
        const { hostname, port, username } = new URL(server.url)
        const home = relative(userInfo().homedir, `${lab.folder}/served/repo.git`)
        const byPath = { GIT_SSH_COMMAND: `${server.ssh} -p ${port}` }
        const asInFlambe = await lab.flambeau(
          ['run', job(`ssh://${username}@${hostname}:${home}`), '-i'],
          byPath,
        )
        assert.equal(asInFlambe.stdout, 'from main\n', asInFlambe.stderr)
        const stranger = {
          GIT_SSH_COMMAND:
            'ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -i /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null',
        }
        const refused = await lab.flambeau(['run', job(`${address}#v1`), install], stranger)
        assert.match(refused.stderr, /access to ".*" was refused/)
      } finally {
        await server.stop()
      }
    })

    test('from the cache when nothing changed, though the repository is gone', async () => {
      const folder = await lab.run('cp', ['-r', join(lab.folder, 'served'), join(lab.folder, 'gone')])
      assert.equal(folder.code, 0)
      const file = job(`file://${lab.folder}/gone/repo.git#main`)
      await runs(file, 'from main', install)
      rmSync(join(lab.folder, 'gone'), { recursive: true })
      await runs(file, 'from main', install)
    })

    test('that is not there, or has no such branch or folder', async () => {
      await refuses(
        job(`file://${lab.folder}/served/none.git`),
        /nothing was found at "file:.*none\.git"/,
        install,
      )
      await refuses(
        job(`${served()}#feature/now`),
        /has no branch, tag or commit "feature\/now": did you mean "feature\/new"\?/,
        install,
      )
      await refuses(
        job(`${served()}#zzz`),
        /has no branch, tag or commit "zzz": it has feature\/new, main, v1/,
        install,
      )
      await refuses(job(`${served()}#0123456789`), /has no branch, tag or commit "0123456789"/, install)
      await refuses(job(`${served()}#::path:sub/dim`), /its repository has no folder "sub\/dim"/, install)
      await refuses(job(`${served()}#::path:../..`), /its repository has no folder "\.\.\/\.\."/, install)
    })

    test('and built, when that is allowed', async () => {
      const folder = lab.write('source', {
        ...seeing('', {
          exports: './dist/index.js',
          scripts: { prepare: 'mkdir -p dist && cp index.js dist/' },
          peerDependencies: {},
          files: ['dist'],
        }),
        'index.js': "import { test } from 'node:test'\nexport const built = test\n",
      })
      await git(folder, 'init', '--quiet')
      await git(folder, 'add', '.')
      await git(folder, 'commit', '--quiet', '-m', 'sources')
      const file = job(`file://${folder}`)
      await refuses(file, /"exports" names no file\)/, install)
      await refuses(file, /exports only "built"; put/, install, '--allow-scripts', 'x')
      const manifest = { scripts: { prepare: 'echo fatal: the schema does not exist; exit 1' } }
      lab.write('source', seeing('', { ...manifest, peerDependencies: {} }))
      await git(folder, 'commit', '--quiet', '-am', 'broken')
      const broken = job(`file://${folder}#HEAD`)
      await refuses(
        broken,
        /could not be prepared from ".*": npm failed with/,
        install,
        '--allow-scripts',
        'x',
      )
    })
  })

  describe('in the store', () => {
    const storeOf = (at: string) => join(lab.home, '.flambeau/extensions', at)

    /** Installs a package of its own; gives its file, its lock being written, and its folder. */
    async function stored(name: string): Promise<{ file: string; folder: string }> {
      await publish(name, '1.0.0', { 'more.js': 'export const more = 1\n' })
      const before = new Set(lab.stored('at-'))
      const file = job(`${name}@1`)
      assert.equal((await lab.flambeau(['lock', file], online())).code, 0)
      await runs(file, `${name} 1.0.0`, install)
      const [at] = lab.stored('at-').filter((one) => !before.has(one))
      return { file, folder: storeOf(at!) }
    }

    const alterations: Record<string, [said: RegExp, alter: (folder: string) => void]> = {
      'a changed module': [
        /"node_modules\/extension\/index\.js" was changed/,
        (folder) => appendFileSync(join(folder, 'node_modules/extension/index.js'), '//'),
      ],
      'an empty file': [
        /"node_modules\/extension\/package\.json" was changed/,
        (folder) => writeFileSync(join(folder, 'node_modules/extension/package.json'), ''),
      ],
      'a module in place of another': [
        /"node_modules\/extension\/more\.js" was changed/,
        (folder) => {
          rmSync(join(folder, 'node_modules/extension/more.js'))
          symlinkSync('/dev/null', join(folder, 'node_modules/extension/more.js'))
        },
      ],
      'an additional file': [
        /"node_modules\/extra\/index\.js" was added/,
        (folder) => {
          mkdirSync(join(folder, 'node_modules/extra'))
          writeFileSync(join(folder, 'node_modules/extra/index.js'), '')
        },
      ],
      'no node_modules': [
        /"node_modules\/.*" is missing/,
        (folder) => rmSync(join(folder, 'node_modules'), { recursive: true }),
      ],
      'a broken note': [
        /"extension\.json" is missing or broken/,
        (folder) => writeFileSync(join(folder, 'extension.json'), '{'),
      ],
      'an empty folder': [
        /"extension\.json" is missing or broken/,
        (folder) => {
          rmSync(folder, { recursive: true })
          mkdirSync(folder)
        },
      ],
    }

    test('is refused when it was altered, and installed anew when that is allowed', async () => {
      const { file, folder } = await stored('altered')
      for (const [name, [said, alter]] of Object.entries(alterations)) {
        alter(folder)
        const told = await refuses(file, said)
        assert.match(told, /was changed after it was installed: .*"--install-extensions"/, name)
        await refuses(file, said, '--frozen')
        await runs(file, 'altered 1.0.0', install, '--frozen')
        await runs(file, 'altered 1.0.0', '--frozen')
      }
      assert.deepEqual(lab.stored('work-'), [])
    })

    test('is compared byte for byte with --frozen, though size and time are the same', async () => {
      const { file, folder } = await stored('forged')
      const module = join(folder, 'node_modules/extension/index.js')
      const { atime, mtime, mtimeMs } = statSync(module)
      writeFileSync(module, readFileSync(module, 'utf8').replace('1.0.0', '6.6.6'))
      utimesSync(module, atime, mtime)
      if (statSync(module).mtimeMs !== mtimeMs) utimesSync(module, atime, mtimeMs / 1000)
      await refuses(file, /index\.js" was changed/, '--frozen')
    })

    test('cannot be written by others whatever the umask, and is refused when it can', async () => {
      await publish('open', '1.0.0')
      const file = job('open@1')
      const home = join(lab.folder, 'open-home')
      mkdirSync(home)
      const env = { ...online(), HOME: home }
      const command = `umask 000; exec "${process.execPath}" "${join(process.cwd(), 'dist/cli/main.js')}" run ${file} ${install}`
      const ended = await lab.run('sh', ['-c', command], env)
      assert.equal(ended.stdout, 'open 1.0.0\n', ended.stderr)
      const store = join(home, '.flambeau/extensions')
      const writable = await lab.run('find', [home, '!', '-type', 'l', '-perm', '/022'])
      // Of npm's own cache and logs.
      const ours = writable.stdout.split('\n').filter((path) => path.startsWith(join(home, '.flambeau')))
      assert.deepEqual(ours, [])
      chmodSync(store, 0o775)
      const refused = await lab.flambeau(['run', file], env)
      assert.equal(refused.code, 22)
      const [, typed] = /run "(chmod go-w .*?)"/.exec(refused.stderr) ?? assert.fail(refused.stderr)
      await lab.run('sh', ['-c', typed!], env)
      assert.equal((await lab.flambeau(['run', file], env)).stdout, 'open 1.0.0\n')
    })

    test('that cannot be written is a message, and a lock of folders needs none', async () => {
      const env = { ...online(), HOME: '/dev/null' }
      const run = await lab.flambeau(['run', job('vision@1'), install], env)
      assert.equal(run.code, 22)
      assert.match(
        run.stderr,
        /"\/dev\/null\/\.flambeau\/extensions" cannot be written \(ENOTDIR\): .*set HOME/,
      )
      lab.write('plain', seeing('plain'))
      const { code, stderr } = await lab.flambeau(['lock', job('./plain')], env)
      assert.equal(code, 0, stderr)
    })

    test('takes no package whose module lies outside it, and no link that leads out when frozen', async () => {
      const evil = lab.write('evil', seeing('evil'))
      const main = `${'../'.repeat(20)}${evil.slice(1)}/index.js`
      const manifest = { name: 'leaving', version: '1.0.0', type: 'module', main }
      await publish('leaving', '1.0.0', { 'package.json': JSON.stringify(manifest) })
      await refuses(job('leaving@1'), /its module ".*" is outside the package|names no file/, install)
      const { file, folder } = await stored('led')
      const contents = JSON.parse(readFileSync(join(folder, 'extension.json'), 'utf8'))
      symlinkSync(evil, join(folder, 'node_modules/helper'))
      contents.contents['node_modules/helper'] = evil
      writeFileSync(join(folder, 'extension.json'), JSON.stringify(contents))
      await refuses(file, /"node_modules\/helper" links to another folder, which is not pinned/, '--frozen')
    })
  })

  describe('whatever happens meanwhile', () => {
    test('five processes at once all run, and leave one', async () => {
      await publish('raced', '1.0.0')
      const before = lab.stored('at-').length
      const file = job('raced@1')
      const ended = await Promise.all(
        Array.from({ length: 5 }, () => lab.flambeau(['run', file, install], online())),
      )
      for (const { stdout, stderr } of ended) assert.equal(stdout, 'raced 1.0.0\n', stderr)
      assert.equal(lab.stored('at-').length, before + 1)
      assert.deepEqual(lab.stored('work-'), [])
    })

    test('a kill at any moment leaves nothing, or all; the next run goes on', async () => {
      await publish('killed', '1.0.0')
      const file = job('killed@1')
      const before = lab.stored('at-').length
      for (let wait = 200; wait <= 1000; wait += 400) {
        const child = lab.spawn(
          process.execPath,
          [join(process.cwd(), 'dist/cli/main.js'), 'run', file, install],
          online(),
        )
        await delay(wait)
        if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        const listed = await lab.flambeau(['extensions', 'list', file, '--json'], online())
        const [{ tags, problem }] = JSON.parse(listed.stdout)
        assert.ok(tags.length === 1 || /is not installed/.test(problem), listed.stdout)
      }
      await runs(file, 'killed 1.0.0', install)
      assert.equal(lab.stored('at-').length, before + 1)
      await lab.flambeau(['extensions', 'prune'])
      assert.deepEqual(lab.stored('work-'), [])
    })

    test('an interrupt ends npm, too, and leaves nothing', async () => {
      await publish('interrupted', '1.0.0', {
        extra: '{"scripts":{"install":"sleep 20"},"hasInstallScript":true}',
      })
      const file = job('interrupted')
      const child = lab.spawn(
        process.execPath,
        [join(process.cwd(), 'dist/cli/main.js'), 'run', file, install, '--allow-scripts', 'x'],
        online(),
      )
      let said = ''
      child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
      await until(() => said.includes('Installing'))
      process.kill(-child.pid!, 'SIGINT')
      const [code] = await once(child, 'close')
      assert.equal(code, 130, said)
      assert.match(said, /Interrupted/)
      assert.deepEqual(lab.stored('work-'), [])
    })
  })

  test('an interrupt ends a lock that waits for an answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const file = job(`http://127.0.0.1:${port}/repo.git`)
    const child = lab.spawn(process.execPath, [join(process.cwd(), 'dist/cli/main.js'), 'lock', file])
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    await once(silent, 'connection')
    process.kill(-child.pid!, 'SIGINT')
    const [code] = await once(child, 'close')
    silent.close()
    assert.equal(code, 130, said)
    assert.match(said, /^Interrupted: waiting for git and npm/)
    assert.doesNotMatch(said, /^\s+at /m)
    assert.ok(!existsSync(join(lab.folder, file.replace('.yaml', '.lock.yaml'))))
  })

  test('of more than 100 MB say so', async () => {
    const lines = Array.from({ length: 1_000_000 }, (_, line) => String(line).padStart(100, '-'))
    const tarball = await packed('large', '1.0.0', { 'lines.txt': lines.join('\n') })
    const { stderr } = await runs(job(`./${basename(tarball)}`), 'large 1.0.0', install)
    assert.match(stderr, /Extension "x" takes 101 MB with its dependencies: "flambeau extensions prune"/)
  })

  test('are pruned when nobody uses them any more', async () => {
    const old = new Date(Date.now() - 40 * 24 * 60 * 60 * 1000)
    const [first, ...others] = lab.stored('at-')
    utimesSync(join(lab.home, '.flambeau/extensions', first!, 'extension.json'), old, old)
    const pruned = await lab.flambeau(['extensions', 'prune'])
    assert.match(pruned.stdout, /^Removed 1 extension, [\d.]+ MB\n$/)
    assert.deepEqual(lab.stored('at-'), others)
    await lab.flambeau(['extensions', 'prune', '--all'])
    assert.deepEqual(lab.stored(), [])
    await runs(job('vision@^1.0.0'), 'vision 1.1.0', install)
  })

  test('are pruned without what a user has put beside them', async () => {
    const store = join(lab.home, '.flambeau/extensions')
    const mine = ['at-home', 'work-mine', 'source-files', 'work-1']
    for (const name of mine) {
      mkdirSync(join(store, name), { recursive: true })
      writeFileSync(join(store, name, 'thesis.txt'), 'mine')
    }
    await lab.flambeau(['extensions', 'prune', '--all'])
    for (const name of mine) {
      assert.equal(readFileSync(join(store, name, 'thesis.txt'), 'utf8'), 'mine')
      rmSync(join(store, name), { recursive: true })
    }
  })

  test('are pruned once each by several prunes at once', async () => {
    await lab.flambeau(['extensions', 'prune', '--all'])
    const files = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`${at}/extension.json`, '{}']))
    const nameOf = (at: number) => `at-${String(at).padStart(32, '0')}`
    for (let at = 0; at < 20; at++) lab.write(`home/.flambeau/extensions/${nameOf(at)}`, files)
    const ended = await Promise.all(
      Array.from({ length: 4 }, () => lab.flambeau(['extensions', 'prune', '--all'])),
    )
    for (const { code, stderr } of ended) assert.equal(code, 0, stderr)
    const counts = ended.map(({ stdout }) => Number(/^Removed (\d+) /.exec(stdout)![1]))
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      20,
    )
    assert.deepEqual(lab.stored(), [])
  })

  /** The files of the store, and of `also`, that have a text in them. */
  function filesWith(text: string, ...also: string[]): string[] {
    const store = join(lab.home, '.flambeau')
    const names = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    const paths = [
      ...names.map((entry) => join(entry.parentPath, entry.name)),
      ...also.map((name) => join(lab.folder, name)),
    ]
    return paths.filter((path) => readFileSync(path).includes(text))
  }
})
