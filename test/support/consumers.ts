// Projects that use the package as it is published: packed, and installed from the tarball.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The releases of Node that consumers run on: the oldest that is promised, and those that are maintained. */
export const nodes = { '20': '20.19.0', '22': '22.23.3', '24': '24.21.0' }

/** The other programs that run the package. */
export type Runtime = 'bun' | 'deno'

const consumers = resolve('test/consumers')
const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--ignore-scripts']

/** The projects of `test/consumers`, copied to where the package and the tools are installed. */
export class Consumers {
  private constructor(
    readonly folder: string,
    readonly tools: string,
    readonly tarball: string,
  ) {}

  static async install(): Promise<Consumers> {
    const tools = await installedTools()
    // Below the tools: what a project has not, it finds there.
    const folder = await mkdtemp(join(tools, 'projects-'))
    const tarball = join(folder, (await npm(['pack', '--pack-destination', folder], '.')).trim())
    const zod = JSON.parse(await readFile('package.json', 'utf8')).devDependencies.zod
    const manifest = { private: true, type: 'module', dependencies: { flambeau: `file:${tarball}`, zod } }
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    await npm(['install', ...quiet], folder)
    await cp(consumers, folder, {
      recursive: true,
      filter: (source) => source !== join(consumers, 'package.json'),
    })
    return new Consumers(folder, tools, tarball)
  }

  /** Runs a tool in a project, and returns what it prints. */
  tool(name: string, args: readonly string[], project = '.'): Promise<string> {
    return this.node([join(this.tools, 'node_modules', name), ...args], project)
  }

  /** Runs a script in a project, and returns what it prints. */
  node(args: readonly string[], project = '.', node = process.execPath): Promise<string> {
    return run(node, args, join(this.folder, project))
  }

  /** The program of another release of Node. */
  release(version: keyof typeof nodes): string {
    return nodeOf(this.tools, version)
  }

  /** Runs a script with Bun or Deno in a project, and returns what it prints. */
  async runtime(name: Runtime, args: readonly string[], project: string): Promise<string> {
    const [flags, program] = name === 'bun' ? [[], 'bin/bun'] : [['run', '--allow-all'], 'deno']
    // The package of this system: the scripts that would link it do not run.
    const scope = join(this.tools, 'node_modules', name === 'bun' ? '@oven' : '@deno')
    const [system = ''] = await readdir(scope)
    return run(join(scope, system, program!), [...flags!, ...args], join(this.folder, project))
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

/** The program of a release of Node in the folder of the tools. */
export function nodeOf(tools: string, version: keyof typeof nodes): string {
  return join(tools, `node_modules/node${version}/bin/node`)
}

/** A folder with the tools of `test/consumers/package.json`; made once, since it takes a minute and 700 MB. */
export async function installedTools(): Promise<string> {
  const manifest = await manifestOfTools()
  const hash = createHash('sha256').update(manifest).digest('hex').slice(0, 12)
  const folder = join(tmpdir(), `flambeau-consumers-${hash}`)
  if (existsSync(folder)) return folder
  const made = await mkdtemp(join(tmpdir(), 'flambeau-consumers-new-'))
  await writeFile(join(made, 'package.json'), manifest)
  try {
    await npm(['install', ...quiet], made)
  } catch (error) {
    await rm(made, { recursive: true, force: true })
    throw error
  }
  // Another process may have been faster.
  await rename(made, folder).catch(() => rm(made, { recursive: true, force: true }))
  return folder
}

async function manifestOfTools(): Promise<string> {
  const { dependencies, ...rest } = JSON.parse(await readFile(join(consumers, 'package.json'), 'utf8'))
  const os = process.platform === 'win32' ? 'win' : process.platform
  const releases = Object.entries(nodes).map(([major, version]) => [
    `node${major}`,
    `npm:node-${os}-${process.arch}@${version}`,
  ])
  return JSON.stringify({ ...rest, dependencies: { ...dependencies, ...Object.fromEntries(releases) } })
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  return run('npm', args, cwd).catch((error: Error) => {
    const [command] = args
    throw new Error(
      `"npm ${command}" failed, which the consumers need: is the registry there? ${error.message}`,
    )
  })
}

/** What a program prints on standard output; all that it says is in the error when it fails. */
function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, FORCE_COLOR: ___, ...env } = process.env
  const options = { cwd, env: { ...env, NO_COLOR: '1' }, timeout: 900_000, maxBuffer: 1 << 26 }
  return new Promise((done, fail) => {
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error) fail(new Error(`${error.message}\n${stdout}\n${stderr}`))
      else done(stdout)
    })
  })
}
