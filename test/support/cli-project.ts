// A project with the setting "flambeau", in which flambeau is installed, and the shells that run what is typed in it.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CommandEnd, endOf, UserPackage } from './user-package.js'

const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...plainEnv } = process.env
const main = join(process.cwd(), 'dist/cli/main.js')

/** Registers `!Show`, which returns its options as JSON, `!Fail`, and reports on standard error that it was imported. */
const tasksModule = `
import { Runnable, registrable } from 'flambeau'
console.error('the modules of the project are imported')

class Show extends Runnable {
  constructor(options) { super(options); this.options = options }
  run() { return JSON.stringify(this.options) }
}
registrable('!Show')(Show)

class Fail extends Runnable {
  constructor(options) { super(options); this.options = options }
  run() { throw new Error('it failed') }
}
registrable('!Fail')(Fail)

class Secret extends Runnable {
  run() { return this.config.get('A', 'KEY') }
}
registrable('!Secret')(Secret)
`

/** What `tasks.js` prints when it is imported. */
export const importedLine = 'the modules of the project are imported'

export class CliProject extends UserPackage {
  /** A home folder, which is empty. */
  readonly home = mkdtempSync(join(tmpdir(), 'flambeau-home-'))

  /** `setting` is the value of "flambeau" in its `package.json`. */
  constructor(setting?: object) {
    super('cli')
    mkdirSync(join(this.folder, 'node_modules/.bin'))
    symlinkSync(main, join(this.folder, 'node_modules/.bin/flambeau'))
    this.file('tasks.js', tasksModule)
    if (setting) this.setting(setting)
  }

  override file(name: string, content: string): string {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true })
    return super.file(name, content)
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }

  /** Writes its `package.json`. */
  setting(setting: object | string): void {
    const value = typeof setting === 'string' ? setting : JSON.stringify(setting)
    writeFileSync(join(this.folder, 'package.json'), `{\n  "type": "module",\n  "flambeau": ${value}\n}\n`)
  }

  get env(): NodeJS.ProcessEnv {
    return { ...plainEnv, HOME: this.home, npm_config_update_notifier: 'false' }
  }

  flambeau(...args: string[]): Promise<CommandEnd> {
    return this.flambeauIn('.', ...args)
  }

  flambeauIn(folder: string, ...args: string[]): Promise<CommandEnd> {
    return this.#run(process.execPath, [main, ...args], folder)
  }

  /** Runs a command as it would be pasted into a shell. */
  paste(command: string, folder = '.'): Promise<CommandEnd> {
    return this.#run('sh', ['-c', command], folder)
  }

  #run(program: string, args: readonly string[], folder: string): Promise<CommandEnd> {
    const child = spawn(program, args, {
      cwd: join(this.folder, folder),
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    })
    return endOf(child)
  }

  override end(): void {
    super.end()
    rmSync(this.home, { recursive: true, force: true })
  }
}
