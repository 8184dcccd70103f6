import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { packageRoot } from '../util/paths.js'
import { explainingToolErrors, runTool, type ToolOptions } from './tool.js'

/** An npm package as one file. */
export interface Tarball {
  readonly path: string
  readonly version: string
  /** Its hash, as npm writes it: `sha512-...`. */
  readonly integrity: string
}

const quiet = ['--loglevel=error', '--no-audit', '--no-fund', '--no-update-notifier']

/** Packs a folder, or fetches the package of an npm spec, into the new folder `into`. */
export async function pack(
  spec: string,
  { into, scripts, ...options }: ToolOptions & { into: string; scripts: boolean },
): Promise<Tarball> {
  await mkdir(into, { recursive: true })
  const flags = [
    `--ignore-scripts=${!scripts}`,
    '--foreground-scripts=false',
    '--json',
    `--pack-destination=${into}`,
  ]
  const printed = await runTool('npm', ['pack', ...quiet, ...flags, '--', spec], options)
  const [{ filename, version }] = JSON.parse(printed) as [{ filename: string; version: string }]
  const path = join(into, filename)
  return { path, version, integrity: integrityOf(await readFile(path)) }
}

/** The hash of a file, as npm writes it. */
export function integrityOf(bytes: Uint8Array): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
}

/** Installs all dependencies of a folder, and runs the scripts that build it. */
export async function installForBuild(folder: string, signal: AbortSignal | undefined): Promise<void> {
  await runTool('npm', ['install', ...quiet], { cwd: folder, signal })
}

/** The folder, within the one of {@link installInto}, of the installed package. */
export const packageFolder = join('node_modules', 'extension')

/** How a package is installed. */
interface InstallOptions {
  readonly displaySource: string
  /** The file that declares the extension. */
  readonly file: string | undefined
  /** The folder of the project whose `.npmrc` counts. */
  readonly project: string
  readonly scripts: boolean
  readonly signal: AbortSignal | undefined
}

/**
 * Installs a tarball and its dependencies into the new folder `folder`.
 *
 * This copy of flambeau satisfies a peer dependency on it, so that both use the same classes.
 */
export async function installInto(folder: string, tarball: Tarball, options: InstallOptions): Promise<void> {
  await mkdir(folder, { recursive: true })
  const dependencies = { extension: `file:${tarball.path}`, flambeau: `file:${packageRoot()}` }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }, null, 2))
  const flags = ['--omit=dev', `--ignore-scripts=${!options.scripts}`, `--prefix=${folder}`]
  const install = () =>
    runTool('npm', ['install', ...quiet, ...flags], { cwd: folder, signal: options.signal })
  await withSettingsOf(options.project, folder, () => explainingToolErrors(options, install))
  await linkOwn(join(folder, 'node_modules', 'flambeau'))
}

// npm makes a relative link, which would break when the folder is moved into the store.
async function linkOwn(link: string): Promise<void> {
  await unlink(link)
  await symlink(packageRoot(), link, 'junction')
}

// The .npmrc of a project may name the registry of its packages and have credentials for it. It is linked only while npm
// needs it, so that no credentials stay in the folder.
async function withSettingsOf<T>(project: string, folder: string, body: () => Promise<T>): Promise<T> {
  const settings = settingsOf(project)
  if (settings === undefined) return body()
  const link = join(folder, '.npmrc')
  await symlink(settings, link)
  try {
    return await body()
  } finally {
    await unlink(link)
  }
}

function settingsOf(folder: string): string | undefined {
  const here = join(folder, '.npmrc')
  if (existsSync(here)) return here
  const isRoot = existsSync(join(folder, 'package.json')) || dirname(folder) === folder
  return isRoot ? undefined : settingsOf(dirname(folder))
}
