// A user's package written in TypeScript, and the command line in its folder, on any release of Node.
import { spawn } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type CommandEnd, endOf, UserPackage } from './user-package.js'

const cli = resolve('dist/cli/main.js')

/** How a command is run: on which Node, in which folder, with which variables. */
interface CommandOptions {
  readonly node?: string
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** The package; {@link UserPackage.end} removes it. */
export class TypeScriptProject extends UserPackage {
  constructor({ tsx = true } = {}) {
    super('typescript')
    if (tsx) symlinkSync(resolve('node_modules/tsx'), join(this.folder, 'node_modules/tsx'))
  }

  /** Writes files, in folders that are made. */
  files(files: Readonly<Record<string, string>>): this {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true })
      this.file(name, content)
    }
    return this
  }

  flambeau(args: readonly string[], options: CommandOptions = {}): Promise<CommandEnd> {
    return this.node([cli, ...args], options)
  }

  node(args: readonly string[], { node = process.execPath, cwd = this.folder, env }: CommandOptions = {}) {
    const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, FORCE_COLOR: ___, ...own } = process.env
    const child = spawn(node, args, {
      cwd,
      env: { ...own, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return endOf(child)
  }
}
