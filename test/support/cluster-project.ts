// A user's package with one runnable, `!Job`, that does what its `code` says; and the command line in its folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ClusterRunnable } from 'flambeau'
import { SafeExecutionContext } from 'flambeau'
import type { SshHosts } from './ssh-hosts.js'
import { type CommandEnd, endOf, UserPackage } from './user-package.js'

const jobModule = `
import * as processes from 'node:child_process'
import { once } from 'node:events'
import * as files from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterRunnable, registrable } from 'flambeau'

const AsyncFunction = (async () => {}).constructor

class Job extends ClusterRunnable {
  constructor(options) {
    super(options)
    this.options = options
  }

  async setup(options) {
    await this.does(this.options.prepare ?? '', options)
  }

  run(options) {
    return this.does(this.options.code ?? '', options)
  }

  does(code, options) {
    const run = new AsyncFunction('options', 'processes', 'once', 'files', 'delay', code)
    return run.call(this, options, processes, once, files, delay)
  }
}

registrable('!Job')(Job)
`

/** A user's package, which is removed with {@link Project.end}. */
export class Project extends UserPackage {
  /** The module that registers `!Job`. */
  readonly module = pathToFileURL(this.file('jobs.js', jobModule))

  constructor() {
    super('jobs')
  }

  /** A `!Job`, as the file has it. */
  async job(code: string, { secrets, prepare = '' }: { secrets?: string; prepare?: string } = {}) {
    await import(this.module.href)
    const context = new SafeExecutionContext(this.jobFile(code, prepare))
    const { runnable } = await context.preprocess(secrets === undefined ? {} : { secrets })
    return runnable as ClusterRunnable
  }

  jobFile(code: string, prepare = ''): string {
    return this.file(
      'job.yaml',
      `# Kept as it is written.\n!Job\ncode: ${JSON.stringify(code)}\nprepare: ${JSON.stringify(prepare)}\n`,
    )
  }

  /** A file of a cluster of SSH hosts: the first is the orchestrator. */
  sshClusterFile(hosts: SshHosts, { connectTimeout = 10, extra = '' } = {}): string {
    const [orchestrator, ...factories] = hosts.all.map(({ name }) => name)
    const content = `!SSHCluster
name: test
orchestrator_ip: ${orchestrator}
factories_ips: [${factories.join(', ')}]
ssh_config: ${hosts.config}
connect_timeout: ${connectTimeout}
${extra}`
    return this.file('cluster.yaml', content)
  }

  /** Starts the command line; with `group` in a process group of its own. */
  start(...args: readonly string[]): ChildProcess {
    const cli = join(process.cwd(), 'dist/cli/main.js')
    const env = { ...process.env, NO_COLOR: '1' }
    return spawn(process.execPath, [cli, ...args], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  /** Runs the command line. */
  async flambeau(...args: readonly string[]): Promise<CommandEnd> {
    return endOf(this.start(...args))
  }
}
