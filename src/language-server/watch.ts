import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { readSafely } from '../util/thrown.js'

/** Milliseconds without a change after which the changes of a build, or of an editor, count as complete. */
const quietMs = 100

/** In place of a name: that of each module. */
const anyModule = '*'
const moduleName = /\.(?:[cm]?[jt]sx?|json)$/
const mostFolders = 500

/** The folders of a project that may have modules. */
export function moduleFolders(folder: string): string[] {
  const found = [folder]
  for (let index = 0; index < found.length && found.length < mostFolders; index++) {
    const items = readSafely(() => readdirSync(found[index]!, { withFileTypes: true }), [])
    for (const item of items)
      if (item.isDirectory() && !item.name.startsWith('.') && item.name !== 'node_modules')
        found.push(join(found[index]!, item.name))
  }
  return found
}

/** Watches a set of files, also those that are replaced or do not exist yet. */
export class FileWatch {
  /** The watchers of folders, and the names that count in each. */
  readonly #folders = new Map<string, { watcher: FSWatcher | undefined; names: Set<string> }>()
  #timer: NodeJS.Timeout | undefined

  constructor(readonly onChange: () => void) {}

  /** Replaces the files that are watched, and the folders in which all modules are. */
  set(files: Iterable<string>, folders: readonly string[] = []): void {
    const wanted = new Map<string, Set<string>>(folders.map((folder) => [folder, new Set([anyModule])]))
    for (const file of files) {
      const folder = dirname(file)
      wanted.set(folder, (wanted.get(folder) ?? new Set()).add(basename(file)))
    }
    for (const [folder, { watcher }] of this.#folders)
      if (!wanted.has(folder)) {
        watcher?.close()
        this.#folders.delete(folder)
      }
    for (const [folder, names] of wanted) {
      const known = this.#folders.get(folder)
      if (known) known.names = names
      else this.#folders.set(folder, { watcher: this.#watch(folder), names })
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.set([])
  }

  // A folder that cannot be watched, since it does not exist or the system has no more watches, is left out.
  #watch(folder: string): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => this.#noteChange(folder, name))
      watcher.on('error', () => watcher.close())
      return watcher
    } catch {
      return undefined
    }
  }

  #noteChange(folder: string, name: string | null): void {
    const names = this.#folders.get(folder)?.names
    const isModule = names?.has(anyModule) && moduleName.test(name ?? '')
    if (name !== null && !isModule && !names?.has(name)) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.onChange(), quietMs)
    this.#timer.unref()
  }
}
