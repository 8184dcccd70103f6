// A user's package with two runnables: `!Trial`, which notes where it runs, and `!Trials`, a ClusterRunnable that maps
// them over a pool; and the command line in its folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Runnable } from 'flambeau'
import { type CommandEnd, endOf, UserPackage } from './user-package.js'

const trialsModule = `
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterRunnable, Runnable, registrable } from 'flambeau'
import { openPool } from 'flambeau/pool'

export class Trial extends Runnable {
  constructor(options = {}) { super(options); this.options = options }

  async run({ signal, taskId, seed, ...options }) {
    const { rate = 1, layers = 1, ms = 0, notes, busy, needs, says, exits, counts, holds = 0 } = this.options
    if (needs) this.config.get('AWS', needs)
    if (notes) appendFileSync(notes, [taskId, process.pid, process.ppid, process.env.SLURMD_NODENAME ?? process.env.HOME].join(' ') + '\\n')
    if (says) console.log(says)
    if (exits) process.exit(9)
    this.held = Buffer.alloc(holds * 1e6, 1)
    if (busy) spawn('sleep', ['600'], { stdio: 'ignore' })
    while (busy) Math.random()
    await delay(ms, undefined, { signal })
    if (this.options.epochs) return learn(this.options, { signal, ...options })
    if (counts) return { score: rate * layers, count: countIn(options.folder, counts), seed }
    return { score: rate * layers }
  }
}
registrable('!Trial')(Trial)

// Fails when it should go on, and its folder is empty.
async function learn({ rate, epochs }, { signal, progress, folder, resume }) {
  const file = join(folder, 'epoch.txt')
  if (resume && !existsSync(file)) throw new Error('the folder is empty')
  for (let epoch = resume ? Number(readFileSync(file, 'utf8')) + 1 : 1; epoch <= epochs; epoch++) {
    signal.throwIfAborted()
    writeFileSync(file, String(epoch))
    progress({ epoch, score: rate * epoch })
    await delay(150)
  }
  return { score: rate * epochs }
}

// Fails until it has been called so often with the same folder.
function countIn(folder, wanted) {
  const file = join(folder, 'count.txt')
  const count = existsSync(file) ? Number(readFileSync(file, 'utf8')) + 1 : 1
  writeFileSync(file, String(count))
  if (count < wanted) throw new Error('the count is ' + count)
  return count
}

export class Trials extends ClusterRunnable {
  constructor(options = {}) { super(options); this.options = options }

  setup() {}

  async run({ signal, logger, resume, force }) {
    const pool = await openPool({ ...this.given({ signal, logger }), ...this.options.pool })
    const done = []
    try {
      const onEvent = ({ type, id }) => type === 'retry' && logger.info(id + ' is tried again')
      const options = { taskId: (_, index) => 't' + index, resume, force, onEvent, ...this.options.map }
      for await (const { id } of pool.map(this.trials(), options)) done.push(id)
    } finally {
      await pool.close()
    }
    return done
  }

  given(options) {
    return { env: this.env, extensions: this.extensions, secrets: this.config, ...options }
  }

  // So many, or as long as there is no file "until".
  async *trials() {
    const { trial, count, until } = this.options
    for (let made = 0; until ? !existsSync(until) : made < count; made++) {
      yield new Trial(trial)
      await delay(until ? 100 : 0)
    }
  }
}
registrable('!Trials')(Trials)
`

/** A line that a trial wrote as it began. */
export interface Note {
  readonly id: string
  readonly pid: number
  /** The program that started its process. */
  readonly parent: number
  /** The home folder of the host; the name of a node of Slurm, which share one. */
  readonly home: string
}

/** The package; {@link TrialProject.end} removes it. */
export class TrialProject extends UserPackage {
  /** Where trials take notes: no part of the package, and every host can write there. */
  readonly notes = mkdtempSync(join(tmpdir(), 'flambeau-notes-'))
  readonly module = pathToFileURL(this.file('trials.js', trialsModule))
  #files = 0

  constructor() {
    super('trials')
  }

  /** A path at which there is nothing yet. */
  fresh(): string {
    return join(this.notes, String(++this.#files))
  }

  async trials(options: object): Promise<Runnable<any, any>> {
    const { Trials } = await import(this.module.href)
    return new Trials(options)
  }

  /** Runs the command line, for three minutes at most. */
  async flambeau(...args: readonly string[]): Promise<CommandEnd> {
    return this.flambeauIn({}, ...args)
  }

  /** The same, with other variables in its environment. */
  async flambeauIn(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<CommandEnd> {
    return endOf(this.start(args, env))
  }

  /** Starts the command line. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const cli = join(process.cwd(), 'dist/cli/main.js')
    return spawn(process.execPath, [cli, ...args], {
      cwd: this.folder,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 180_000,
    })
  }

  override end(): void {
    super.end()
    rmSync(this.notes, { recursive: true, force: true })
  }
}

/** What trials have noted in a file. */
export function notesIn(file: string): Note[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  return lines.map((line) => {
    const [id = '', pid, parent, home = ''] = line.split(' ')
    return { id, pid: Number(pid), parent: Number(parent), home }
  })
}
