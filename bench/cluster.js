/**
 * `npm run bench:cluster`: what bringing clusters up costs, on real SSH hosts that this makes for itself. Needs Linux
 * and root; the ratios are to what ran in the same process just before. `node bench/cluster.js --quick` counts what is
 * sent, and times whole commands for few hosts.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SSHCluster, SSHHost } from 'flambeau/cluster'
import { noMachines, SshHosts } from '../build/test/legacy/support/ssh-hosts.js'
import { delayed } from './delayed.js'

if (noMachines) {
  console.error(`Hosts cannot be made here: it ${noMachines}`)
  process.exit(1)
}

const quick = process.argv.includes('--quick')
/** How many hosts a cluster has. */
const counted = quick ? [1, 5] : [1, 20, 100]
/** How long whole commands may take, to `ssh HOST node -e 0` for the same hosts. */
const limits = { one: { first: 2, unchanged: 1.6 }, many: { first: 1.5, unchanged: 1.15 } }

function clusterOf(hosts, count, options = {}) {
  const [first, ...others] = hosts.all.slice(0, count).map(({ name }) => name)
  const all = { orchestratorIp: first, factoriesIps: others, sshConfig: hosts.config, connectTimeout: 5 }
  return new SSHCluster({ name: 'bench', ...all, ...options })
}

/** Brings a cluster up with connections of its own; returns the seconds. */
async function timeUp(cluster) {
  const start = performance.now()
  const error = await cluster.up().then(
    () => undefined,
    (thrown) => thrown,
  )
  const seconds = (performance.now() - start) / 1000
  await cluster.close()
  return { seconds, error }
}

function report(what, value, limit) {
  const held = limit === undefined ? '' : `  at most ${limit}${value <= limit ? '' : '  EXCEEDED'}`
  console.log(`  ${what.padEnd(58)} ${value.toFixed(2).padStart(8)}${held}`)
}

async function counts(hosts) {
  const [host] = hosts.all
  const seen = () => host.counts()
  for (const [what, most] of [
    ['first', 3],
    ['unchanged', 1],
  ]) {
    const before = seen()
    await timeUp(clusterOf(hosts, 1))
    const after = seen()
    report(`handshakes a host, ${what}`, after.handshakes - before.handshakes, 1)
    report(`executions a host, ${what}`, after.executions - before.executions, most)
  }
}

/** An empty project with the packed package, as a user has it; the path of its command line. */
function installed(folder) {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const args = ['install', '--silent', '--prefer-offline', join(folder, filename)]
  execFileSync('npm', args, { cwd: folder, stdio: 'ignore' })
  return join(folder, 'node_modules/flambeau/dist/cli/main.js')
}

function clusterFile(folder, hosts, count) {
  const [first, ...others] = hosts.all.slice(0, count).map(({ name }) => name)
  const path = join(folder, `cluster-${count}.yaml`)
  const options = { name: 'bench', orchestrator_ip: first, factories_ips: others, ssh_config: hosts.config }
  writeFileSync(path, `!SSHCluster ${JSON.stringify(options)}\n`)
  return path
}

/** Whole commands, as a user waits for them: `flambeau up` for hosts that have nothing, and once more. */
async function growth(hosts) {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-bench-'))
  const flambeau = installed(folder)
  await sent(hosts, flambeau, folder)
  const best = {}
  for (let round = 0; round < (quick ? 4 : 2); round++)
    for (const count of counted) {
      const file = clusterFile(folder, hosts, count)
      await timed(flambeau, 'down', file)
      const taken = {
        first: await timed(flambeau, 'up', file),
        unchanged: await timed(flambeau, 'up', file),
        bare: await timeBare(hosts, count),
      }
      console.log(`  ${inWords(count, taken)}`)
      for (const [kind, seconds] of Object.entries(taken))
        best[`${kind} ${count}`] = Math.min(seconds, best[`${kind} ${count}`] ?? Infinity)
    }
  rmSync(folder, { recursive: true })
  reportGrowth(best)
}

/** What a host gets of this package, source maps aside. */
async function sent(hosts, flambeau, folder) {
  await timed(flambeau, 'up', clusterFile(folder, hosts, 1))
  const packages = join(hosts.all[0].folder, 'home/.flambeau/packages')
  const entries = readdirSync(packages, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !/^\.flambeau-tree|\.map$/.test(entry.name))
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
  report('files that are sent', files.length, 60)
  report('megabytes that are sent', bytes / 1e6, 1.5)
}

function reportGrowth(best) {
  const most = { 20: 6, 100: 20 }
  for (const kind of ['first', 'unchanged'])
    for (const count of counted.slice(1))
      report(`${count} hosts, ${kind}, to one`, best[`${kind} ${count}`] / best[`${kind} 1`], most[count])
  for (const count of counted)
    for (const [kind, most] of Object.entries(count === 1 ? limits.one : limits.many))
      report(
        `${count === 1 ? 'one host' : `${count} hosts`}, ${kind}, to ssh and an empty Node`,
        best[`${kind} ${count}`] / best[`bare ${count}`],
        most,
      )
}

function inWords(count, taken) {
  const [first, unchanged, bare] = Object.values(taken).map((seconds) => `${seconds.toFixed(2)} s`)
  return `${String(count).padStart(3)} hosts: ${first} first, ${unchanged} unchanged, ${bare} for ssh and an empty Node`
}

async function timed(...args) {
  const start = performance.now()
  await promisify(execFile)(process.execPath, args)
  return (performance.now() - start) / 1000
}

/** What no bring-up can be quicker than: `ssh HOST node -e 0` for all hosts at once, each with its handshake. */
async function timeBare(hosts, count) {
  const start = performance.now()
  const bare = ({ name }) => promisify(execFile)('ssh', ['-F', hosts.config, name, 'node', '-e', '0'])
  await Promise.all(hosts.all.slice(0, count).map(bare))
  return (performance.now() - start) / 1000
}

/** How many round trips a bring-up waits for: what longer ones add to it. */
async function roundTrips(hosts) {
  const best = {}
  for (let round = 0; round < 3; round++)
    for (const trip of [0.04, 0.14]) best[trip] = Math.min(await timeFar(hosts, trip), best[trip] ?? Infinity)
  report('seconds for the first bring-up with 40 ms round trip', best[0.04])
  // One more for the TCP connection, which the link answers at once.
  report('round trips that it waits for', (best[0.14] - best[0.04]) / 0.1 + 1, 15)
}

async function timeFar(hosts, trip) {
  const [host] = hosts.all
  await clusterOf(hosts, 1).down()
  const link = await delayed(host.address, host.port, (trip * 1000) / 2)
  const config = join(hosts.folder, 'far_config')
  writeFileSync(
    config,
    `Host h1\n  HostName 127.0.0.1\n  Port ${link.port}\n  HostKeyAlias far\n  IdentityFile ${hosts.key}\n  UserKnownHostsFile ${hosts.knownHosts}\n`,
  )
  const { seconds, error } = await timeUp(clusterOf(hosts, 1, { sshConfig: config }))
  link.close()
  if (error) throw error
  return seconds
}

async function smallFiles(hosts) {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-bench-'))
  for (let index = 0; index < 1000; index++) {
    const part = join(folder, `d${index % 20}`)
    mkdirSync(part, { recursive: true })
    writeFileSync(join(part, `${index}.txt`), `${index}\n`.repeat(100))
  }
  const [host] = hosts.all
  const ours = []
  const peers = []
  for (let round = 0; round < 5; round++) {
    const tar = performance.now()
    const remote = `mkdir -p t${round} && tar xf - -C t${round}`
    execFileSync('sh', ['-c', 'tar cf - -C "$0" . | ssh -F "$1" h1 "$2"', folder, hosts.config, remote])
    peers.push(performance.now() - tar)
    const start = performance.now()
    const ssh = new SSHHost(hosts.options(host))
    await ssh.sync(folder, `s${round}`)
    ours.push(performance.now() - start)
    await ssh.close()
  }
  rmSync(folder, { recursive: true })
  report(
    '1,000 small files, to tar | ssh, each with its handshake',
    Math.min(...ours) / Math.min(...peers),
    1.5,
  )
}

async function silent(hosts) {
  await timeUp(clusterOf(hosts, 20))
  const healthy = await timeUp(clusterOf(hosts, 20))
  for (const host of hosts.all.slice(15, 20)) host.cut()
  const { seconds, error } = await timeUp(clusterOf(hosts, 20))
  for (const host of hosts.all.slice(15, 20)) host.mend()
  report('5 of 20 silent: seconds beyond the healthy time', seconds - healthy.seconds, 5 + 1)
  report('silent hosts that were not named', 5 - error.findings.length, 0)
}

// Each real host has a disk of its own; on one that all share, files that were just removed hinder those that come.
if (existsSync('/dev/shm')) process.env.TMPDIR = '/dev/shm'
const hosts = await SshHosts.start(counted.at(-1))
try {
  console.log(`Node ${process.version}, SSH hosts on this machine`)
  if (!quick) {
    await counts(hosts)
    await roundTrips(hosts)
    await smallFiles(hosts)
  }
  await growth(hosts)
  if (!quick) await silent(hosts)
} finally {
  await hosts.end()
}
