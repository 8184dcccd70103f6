import { lstatSync, statSync } from 'node:fs'
import { mkdir, open, readFile, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ResourceError } from '../errors.js'
import { absolutePath, expandHome, packageRoot, realPath } from '../util/paths.js'
import { commandLine } from '../util/shell.js'
import { version } from '../version.js'
import type { Command } from './commander.js'
import { commandOf } from './commands.js'
import { withExamples } from './help.js'
import { printLine } from './output.js'

/** The files of a new project, in `template/`, and what they are. */
const files: Readonly<Record<string, string>> = {
  'package.json': 'scripts, dependencies, and the modules that flambeau imports',
  'tsconfig.json': 'settings of TypeScript and editors',
  'src/greet.ts': 'the classes "!Greet" and "!Polite"',
  'greet.yaml': 'the file that flambeau runs',
  'src/greet.test.ts': 'tests of the classes',
}

interface InitFlags {
  readonly package: string
}

/** `flambeau init [FOLDER]`. */
export function initCommand(): Command {
  const command = commandOf('init').option(
    '--package <spec>',
    'where "npm install" finds flambeau: a version, or a tarball, folder or URL',
    `^${version}`,
  )
  return withExamples(command, 'flambeau init hello').action(init)
}

async function init(folder: string, { package: spec }: InitFlags): Promise<void> {
  refuseToOverwrite(folder)
  const templates = await readTemplates()
  const created: string[] = []
  try {
    await createFolder(resolve(folder), created)
    const dependency = dependencyOf(spec, realPath(folder))
    for (const [name, template] of templates) {
      const content = name === 'package.json' ? manifestOf(template, { folder, dependency }) : template
      await createFolder(resolve(folder, dirname(name)), created)
      await createFile(join(folder, name), content, created)
    }
  } catch (error) {
    await removeAll(created)
    throw isSystemError(error) ? unwritable(folder, error) : error
  }
  printLine(introduction(folder))
}

/**
 * Refuses files that exist, all at once, before anything is written.
 *
 * @throws {@link ResourceError} that names them.
 */
function refuseToOverwrite(folder: string): void {
  const taken = Object.keys(files).filter((name) => exists(join(folder, name)))
  if (taken.length === 0) return
  const isProject = taken.includes('package.json')
  const existing = isProject ? ', or type "npm install flambeau" to use it in the project that is there' : ''
  const names = taken.map((name) => `"${name}"`).join(', ')
  const where = `${taken.length > 1 ? 'exist' : 'exists'} in ${shown(folder)}`
  const message = `${names} ${where}, and "flambeau init" overwrites nothing: name a new folder, as in "flambeau init hello"${existing}`
  throw new ResourceError(message, { code: 'FILES_EXIST' })
}

// One by one: where a system refuses a folder with ENOENT, as in /proc, the recursive form of Node 20 never returns.
async function createFolder(path: string, created: string[]): Promise<void> {
  if (isFolder(path)) return
  await createFolder(dirname(path), created)
  await mkdir(path)
  created.push(path)
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function exists(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

// "wx" refuses a file that another process has created in the meantime.
async function createFile(path: string, content: string, created: string[]): Promise<void> {
  const file = await open(path, 'wx')
  created.push(path)
  try {
    await file.writeFile(content)
  } finally {
    await file.close()
  }
}

async function removeAll(created: readonly string[]): Promise<void> {
  // A folder stays if another process has written into it.
  for (const path of created.toReversed()) await (isFolder(path) ? rmdir(path) : rm(path)).catch(() => {})
}

async function readTemplates(): Promise<[name: string, text: string][]> {
  const read = (name: string) => readFile(join(packageRoot(), 'template', name), 'utf8')
  return Promise.all(Object.keys(files).map(async (name) => [name, await read(name)]))
}

function manifestOf(template: string, project: { folder: string; dependency: string }): string {
  const manifest = JSON.parse(template)
  manifest.dependencies.flambeau = project.dependency
  return `${JSON.stringify({ ...manifest, name: packageName(project.folder, manifest) }, null, 2)}\n`
}

interface Dependencies {
  readonly dependencies: object
  readonly devDependencies: object
}

/** The name of the folder as npm allows it; no name of a package that the project depends on. */
function packageName(folder: string, { dependencies, devDependencies }: Dependencies): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
    .slice(0, 200)
  const taken = ['', 'node_modules', ...Object.keys({ ...dependencies, ...devDependencies })]
  return taken.includes(name) ? `${name || 'flambeau'}-project` : name
}

/** The dependency on flambeau as package.json states it; `folder` has no symbolic links. */
function dependencyOf(spec: string, folder: string): string {
  const path = pathOf(spec)
  if (path === undefined) return versionOf(spec)
  const target = realPath(absolutePath(path))
  if (!exists(target))
    throw new ResourceError(`"${path}" does not exist: check "--package"`, { code: 'NO_FILE' })
  const fromFolder = isAbsolute(expandHome(path)) ? absolutePath(path) : relative(folder, target)
  return `file:${fromFolder.split(sep).join('/')}`
}

/** The path in a specification, if it is one for npm as well. */
function pathOf(spec: string): string | undefined {
  if (spec.startsWith('file:///')) return fileURLToPath(spec)
  if (spec.startsWith('file:')) return normalize(spec.slice('file:'.length))
  const isPath = /^(?:\.{1,2}$|(?:\.{1,2}|~)?[\\/]|[a-z]:[\\/])/i.test(spec)
  const isTarball = /\.(?:tgz|tar|tar\.gz)$/i.test(spec) && !/^[a-z+]+:/i.test(spec)
  return isPath || isTarball ? spec : undefined
}

function versionOf(spec: string): string {
  const [, own = spec] = /^flambeau@(.+)$/.exec(spec) ?? []
  const isRange = /^[\w.^~<>=|*+ -]+$/.test(own) && own !== 'flambeau'
  const isRemote = /^[a-z+]+:./i.test(own) || /^[\w.-]+\/[\w.#-]+$/.test(own)
  if (isRange || isRemote) return own
  const message = `"${spec}" does not say where flambeau comes from: pass a version, such as "latest", or the path or URL of a tarball or folder`
  throw new ResourceError(message, { code: 'BAD_PACKAGE' })
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'you have no permission to write there: name another folder',
  EPERM: 'you have no permission to write there: name another folder',
  EROFS: 'its file system is read-only: name another folder',
  ENOSPC: 'no space is left on its disk: free some, then type the command again',
  EDQUOT: 'your disk quota is used up: free some space, then type the command again',
  EEXIST: 'a file has this name: name another folder',
  ENOTDIR: 'a part of its path is a file: name another folder',
}

function unwritable(folder: string, cause: NodeJS.ErrnoException): ResourceError {
  const { code = '', path = folder } = cause
  const reason = reasons[code] ?? `the system refuses it (${code})`
  const message = `${shown(path)} cannot be created, and nothing was written: ${reason}`
  return new ResourceError(message, { code: 'NOT_CREATED', cause })
}

function shown(path: string): string {
  return path === '.' ? 'the current folder' : `"${path}"`
}

function introduction(folder: string): string {
  const width = Math.max(...Object.keys(files).map(({ length }) => length))
  const lines = Object.entries(files).map(([name, description]) => `  ${name.padEnd(width)}  ${description}`)
  const commands = commandsFor(folder).map((command) => `  ${command}`)
  return [`Created a project in ${shown(folder)}:`, '', ...lines, '', 'Type:', '', ...commands].join('\n')
}

/** Four commands, from the current folder on. */
function commandsFor(folder: string): string[] {
  const run = 'npx --no-install flambeau run greet.yaml'
  if (resolve(folder) === process.cwd()) return ['npm install', run, `${run} name=Grace`, 'npm test']
  const target = folder.startsWith('-') ? `./${folder}` : folder
  return [commandLine(['cd', target]), 'npm install', run, 'npm test']
}
