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

/** Packs a folder, or fetches what an npm spec names, into the new folder `into`. */
export async function pack(
  spec: string,
  { into, scripts = false, ...options }: ToolOptions & { into: string; scripts?: boolean },
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

/** The hash of something, as npm writes it. */
export function integrityOf(bytes: Uint8Array): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`
}

/** Installs what a folder needs to be built, with the scripts of its packages. */
export async function installForBuild(folder: string, options: ToolOptions): Promise<void> {
  await runTool('npm', ['install', ...quiet], { ...options, cwd: folder })
}

/** Where {@link installInto} puts a package. */
export const packageFolder = join('node_modules', 'extension')

/**
 * Installs a tarball and what it depends on into the new folder `folder`.
 *
 * A peer dependency on flambeau is met by this very copy, so that its classes are the same ones.
 */
export async function installInto(
  folder: string,
  tarball: Tarball,
  options: ToolOptions & { tried: string; scripts: boolean; project: string },
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const dependencies = { extension: `file:${tarball.path}`, flambeau: `file:${packageRoot()}` }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }, null, 2))
  const flags = ['--omit=dev', `--ignore-scripts=${!options.scripts}`, `--prefix=${folder}`]
  const install = () => runTool('npm', ['install', ...quiet, ...flags], { ...options, cwd: folder })
  await withSettingsOf(options.project, folder, () => explainingToolErrors(options.tried, install))
  await linkOwn(join(folder, 'node_modules', 'flambeau'))
}

// npm's own link is relative, and would lead astray once the folder is moved to its place.
async function linkOwn(link: string): Promise<void> {
  await unlink(link)
  await symlink(packageRoot(), link, 'junction')
}

// A project may say in its .npmrc which registry has its packages, and how to log in there. A link, and only for as
// long as npm needs it: no credentials stay in the folder.
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
