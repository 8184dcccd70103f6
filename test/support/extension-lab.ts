/** A folder with a home of its own, in which extensions are written, served, installed and run. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = process.cwd()
const commandLine = join(root, 'dist', 'cli', 'main.js')

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Files of a folder: the text of each by its path. */
export type Files = Readonly<Record<string, string>>

export class ExtensionLab {
  readonly folder: string
  readonly home: string
  /** What every process is given: this home, and no network besides what a test starts. */
  readonly env: NodeJS.ProcessEnv

  constructor() {
    mkdirSync(join(root, 'build'), { recursive: true })
    this.folder = mkdtempSync(join(root, 'build', 'extensions-'))
    this.home = join(this.folder, 'home')
    mkdirSync(this.home)
    this.env = { ...processEnv(), ...nowhere, HOME: this.home, NO_COLOR: '1' }
  }

  /** Writes files; returns the path of their folder. */
  write(name: string, files: Files): string {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.folder, name, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    return join(this.folder, name)
  }

  /** Lets every folder below `name` find flambeau and zod, as after "npm install". */
  link(name: string): void {
    const modules = join(this.folder, name, 'node_modules')
    mkdirSync(modules, { recursive: true })
    symlinkSync(root, join(modules, 'flambeau'), 'junction')
    symlinkSync(join(root, 'node_modules', 'zod'), join(modules, 'zod'), 'junction')
  }

  /** Runs the command line. */
  flambeau(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.run(process.execPath, [commandLine, ...args], env)
  }

  /** Runs a program in this folder; it is bounded in time. */
  async run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const child = this.spawn(program, args, env)
    let [stdout, stderr] = ['', '']
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, stdout, stderr }
  }

  /** Starts a program in this folder, as the leader of a group of its own. */
  spawn(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    return spawn(program, args, {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
      detached: true,
    })
  }

  /** What lies in the store of this home. */
  stored(prefix = ''): string[] {
    try {
      return readdirSync(join(this.home, '.flambeau', 'extensions')).filter((name) => name.startsWith(prefix))
    } catch {
      return []
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

// Nothing listens on port 1.
const nowhere = {
  npm_config_registry: 'http://127.0.0.1:1/',
  npm_config_fetch_retries: '0',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
}

function processEnv(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, NODE_OPTIONS: __, NODE_TEST_CONTEXT: ___, ...env } = process.env
  const kept = Object.entries(env).filter(([name]) => !/^npm_/i.test(name))
  return Object.fromEntries(kept)
}

/** The files of an extension with one runnable, `!See`, which gives `text`. */
export function seeing(text: string, manifest: object = {}): Files {
  return {
    'package.json': JSON.stringify({
      name: 'vision',
      version: '1.0.0',
      type: 'module',
      exports: './index.js',
      peerDependencies: { flambeau: '*' },
      ...manifest,
    }),
    'index.js': `
      import { Runnable, registrable } from 'flambeau'
      export class See extends Runnable { run() { return ${JSON.stringify(text)} } }
      registrable('!See')(See)
    `,
  }
}
