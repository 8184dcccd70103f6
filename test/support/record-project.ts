// A project whose runs are recorded: runnables that report progress, wait, fail and exit.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { CliProject } from './cli-project.js'

const main = join(process.cwd(), 'dist/cli/main.js')

const runnables = `
import { setTimeout as delay } from 'node:timers/promises'
import { registrable, Runnable } from 'flambeau'
import { z } from 'zod'
import { base } from './base.js'

const options = z.object({
  rate: z.number().default(0.1),
  steps: z.number().default(3),
  waitMs: z.number().default(0),
  then: z.string().optional(),
  text: z.string().optional(),
})

class Train extends Runnable.with(options) {
  async run({ progress, logger, signal }) {
    const { rate, steps, waitMs, then, text } = this.options
    for (let step = 1; step <= steps; step++) {
      logger.info('step', step)
      progress({ step, total: steps, loss: rate / step, note: text })
      await delay(waitMs, undefined, { signal })
    }
    console.log('printed by the run')
    if (then === 'fail') throw new Error('it diverged ' + (text ?? ''))
    if (then === 'exit') process.exit(7)
    return { loss: rate / steps, base, text, secret: this.config?.has('AWS', 'KEY') ? this.config.get('AWS', 'KEY') : undefined }
  }
}
registrable('!Train')(Train)
`

/** `run.json` of a record. */
export type RecordJson = Record<string, any>

export class RecordProject extends CliProject {
  constructor(setting: object = {}) {
    super({ imports: ['./train.js'], ...setting })
    this.file('base.js', 'export const base = 1\n')
    this.file('train.js', runnables)
    this.file('train.yaml', '!Train {}\n')
  }

  /** Links the package that the runnables import. */
  useZod(): void {
    symlinkSync(join(process.cwd(), 'node_modules/zod'), join(this.folder, 'node_modules/zod'))
  }

  get runs(): string {
    return join(this.folder, '.flambeau/runs')
  }

  /** The ids of the records, the latest first. */
  get ids(): string[] {
    if (!existsSync(this.runs)) return []
    return readdirSync(this.runs)
      .filter((name) => /^\d/.test(name) && !name.includes('.'))
      .sort()
      .reverse()
  }

  /** The path of a file of a record. */
  path(id: string, name = 'run.json'): string {
    return join(this.runs, id, name)
  }

  /** Whether the latest record has a file. */
  has(name: string): boolean {
    return existsSync(this.path(this.ids[0]!, name))
  }

  /** The files below the folder of the records that contain a text. */
  filesWith(text: string): string[] {
    const names = readdirSync(this.runs, { recursive: true, encoding: 'utf8' })
    const files = names.filter((name) => statSync(join(this.runs, name)).isFile())
    return files.filter((name) => readFileSync(join(this.runs, name)).includes(text))
  }

  record(id = this.ids[0]!): RecordJson {
    return JSON.parse(readFileSync(this.path(id), 'utf8'))
  }

  textOf(name: string, id = this.ids[0]!): string {
    return readFileSync(this.path(id, name), 'utf8')
  }

  /** The values of the lines of a file of a record. */
  lines(name: string, id = this.ids[0]!): any[] {
    return this.textOf(name, id)
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  /** Starts a command whose process the test ends. */
  start(...args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [main, ...args], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
  }

  /** Runs a command and gives the one JSON value that it prints. */
  async json(...args: string[]): Promise<any> {
    const { stdout, stderr } = await this.flambeau(...args)
    try {
      return JSON.parse(stdout)
    } catch {
      throw new Error(`no JSON: ${stdout}${stderr}`)
    }
  }

  get realFolder(): string {
    return realpathSync(this.folder)
  }
}
