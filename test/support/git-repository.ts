import { execFileSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

// Not public: what `run.json` has of it is.
const { snapshotCode } = (await import(join(process.cwd(), 'build/js/records/code.js'))) as {
  snapshotCode(source: {
    folder: string
    modules: readonly string[]
    privateFiles: readonly string[]
  }): Promise<any>
}

const folders: string[] = []

/** Removes all repositories of this file. */
export function removeRepositories(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

/** A git repository, or a folder that is none. */
export class Repository {
  readonly folder: string

  constructor({ isRepository = true, prefix = 'flambeau-code-' } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), prefix))
    folders.push(this.folder)
    if (isRepository) this.git('init', '-q', '-b', 'main')
  }

  git(...args: string[]): string {
    return this.gitIn('.', ...args)
  }

  gitIn(folder: string, ...args: string[]): string {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false']
    return execFileSync('git', [...identity, ...args], { cwd: join(this.folder, folder), encoding: 'utf8' })
  }

  file(name: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true })
    writeFileSync(join(this.folder, name), content)
  }

  remove(name: string): void {
    rmSync(join(this.folder, name), { recursive: true, force: true })
  }

  kindOf(name: string): 'folder' | 'other' | undefined {
    const stats = lstatSync(join(this.folder, name), { throwIfNoEntry: false })
    return stats && (stats.isDirectory() ? 'folder' : 'other')
  }

  commit(): void {
    this.git('add', '-A')
    this.git('commit', '-qm', 'change', '--allow-empty')
  }

  snapshot(privateFiles: readonly string[] = [], modules: readonly string[] = []): Promise<any> {
    return snapshotCode({ folder: this.folder, modules, privateFiles })
  }

  /** Every file of the repository itself, so that nothing in it changes. */
  inside(): Record<string, string> {
    const root = join(this.folder, '.git')
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
    const files = names.map((name) => join(root, name)).filter((path) => lstatSync(path).isFile())
    return Object.fromEntries(files.map((path) => [path, readFileSync(path, 'base64')]))
  }

  /** The files of the work tree that git does not ignore: their kinds and contents. */
  tree(): Record<string, string> {
    const listed = this.git('ls-files', '-z', '--cached', '--others', '--exclude-standard')
    const names = [...new Set(listed.split('\0').filter(Boolean))].sort()
    return Object.fromEntries(names.flatMap((name) => this.#contentOf(name).map((text) => [name, text])))
  }

  // A path behind a link, or below what is a file now, is not part of the tree.
  #contentOf(name: string): string[] {
    const parents = name.split('/').map((_, index, parts) => parts.slice(0, index).join('/'))
    if (!parents.every((parent) => this.kindOf(parent) === 'folder')) return []
    const path = join(this.folder, name)
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats?.isSymbolicLink()) return [`link ${readlinkSync(path)}`]
    const kind = stats && (stats.mode & 0o111) !== 0 ? 'program' : 'file'
    return stats?.isFile() ? [`${kind} ${readFileSync(path, 'base64')}`] : []
  }

  /** The work tree of a clone to which a patch was applied. */
  patched(patch: Buffer | undefined): Record<string, string> {
    const clone = new Repository({ isRepository: false })
    execFileSync('git', ['clone', '-q', this.folder, clone.folder])
    if (patch) execFileSync('git', ['apply', '--whitespace=nowarn', '-'], { cwd: clone.folder, input: patch })
    return clone.tree()
  }
}
