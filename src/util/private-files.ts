import { fstatSync, type Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { absolutePath, realPath } from './paths.js'
import { isPrivateKey, isPrivateName, largestPrivateKey } from './private-names.js'
import { fileId } from './read-regular.js'

const code = /^\.(?:[cm]?[jt]sx?|map|node|wasm)$/

/** The files that are never sent, whichever package contains them. */
export class PrivateFiles {
  readonly #ids = new Set<string>()
  readonly #paths = new Set<string>()
  readonly #contents: Buffer[] = []

  /**
   * `paths` are files and folders of the user, such as keys; links are resolved. Files to which this process writes
   * its output are private as well.
   */
  static async of(paths: readonly string[]): Promise<PrivateFiles> {
    const files = new PrivateFiles()
    for (const path of paths) await files.#add(absolutePath(path))
    for (const descriptor of [1, 2]) files.#addOutput(descriptor)
    return files
  }

  /** Whether the name marks a file as private. */
  isNamed(path: string): boolean {
    return isPrivateName(path)
  }

  /** Whether a path is that of one of the private files, which may be removed. */
  isAt(path: string): boolean {
    return this.#paths.has(path)
  }

  /** Whether it is one of the private files, under any name. */
  has(stats: Stats): boolean {
    return this.#ids.has(fileId(stats))
  }

  /** Whether the content of a file is a private key, or equals that of a private file. */
  async isLike(path: string, size: number): Promise<boolean> {
    const same = this.#contents.filter(({ length }) => length === size)
    const maybeKey = size > 0 && size <= largestPrivateKey && !code.test(extname(path))
    if (same.length === 0 && !maybeKey) return false
    const bytes = await readFile(path)
    return (
      same.some((content) => content.equals(bytes)) || (maybeKey && isPrivateKey(bytes.toString('latin1')))
    )
  }

  /** Whether a text from a file contains a private key. Code may contain one as an example. */
  isPrivateText(path: string, text: string): boolean {
    return !code.test(extname(path)) && isPrivateKey(text)
  }

  async #add(path: string): Promise<void> {
    this.#paths.add(join(realPath(dirname(path)), basename(path)))
    const stats = await stat(path).catch(() => undefined)
    if (!stats) return
    this.#ids.add(fileId(stats))
    if (!stats.isFile() || stats.size === 0 || stats.size > largestPrivateKey) return
    const content = await readFile(path).catch(() => undefined)
    if (content) this.#contents.push(content)
  }

  #addOutput(descriptor: number): void {
    try {
      const stats = fstatSync(descriptor)
      if (stats.isFile()) this.#ids.add(fileId(stats))
    } catch {
      // The descriptor is closed.
    }
  }
}
