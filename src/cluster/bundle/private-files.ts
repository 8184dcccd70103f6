import { fstatSync, type Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import ignore from 'ignore'
import { absolutePath } from '../../util/paths.js'

/** Names of files with passwords, tokens or private keys; docs/clusters.md lists them. */
const names = ignore().add([
  ...['.env*', '.npmrc', '.yarnrc.yml', '.netrc', '.pypirc', '.git-credentials', '*secret*.ini*'],
  ...['.ssh/', '.aws/', '.gnupg/', 'id_rsa', 'id_dsa', 'id_ecdsa', 'id_ed25519', 'id_*_sk'],
  ...['*.key', '*.p12', '*.pfx', '*.ppk'],
])

/** No private key is larger, in bytes. */
const largestKey = 1 << 18

/** The header of a private key in PEM, JSON or YAML with its first line: code may contain the header alone. */
const privateKey =
  /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\r|\\n)+(?:[A-Za-z0-9+/=]{16}|[A-Za-z-]+: )/
const puttyKey = /^PuTTY-User-Key-File-/
const code = /^\.(?:[cm]?[jt]sx?|map|node|wasm)$/

/** The files that are never sent, whichever package contains them. */
export class PrivateFiles {
  readonly #ids = new Set<string>()
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
    return names.ignores(path)
  }

  /** Whether it is one of the private files, under any name. */
  has(stats: Stats): boolean {
    return this.#ids.has(idOf(stats))
  }

  /** Whether the content of a file is a private key, or equals that of a private file. */
  async isLike(path: string, size: number): Promise<boolean> {
    const same = this.#contents.filter(({ length }) => length === size)
    const maybeKey = size > 0 && size <= largestKey && !code.test(extname(path))
    if (same.length === 0 && !maybeKey) return false
    const bytes = await readFile(path)
    return (
      same.some((content) => content.equals(bytes)) || (maybeKey && isPrivateKey(bytes.toString('latin1')))
    )
  }

  async #add(path: string): Promise<void> {
    const stats = await stat(path).catch(() => undefined)
    if (!stats) return
    this.#ids.add(idOf(stats))
    if (!stats.isFile() || stats.size === 0 || stats.size > largestKey) return
    const content = await readFile(path).catch(() => undefined)
    if (content) this.#contents.push(content)
  }

  #addOutput(descriptor: number): void {
    try {
      const stats = fstatSync(descriptor)
      if (stats.isFile()) this.#ids.add(idOf(stats))
    } catch {
      // The descriptor is closed.
    }
  }
}

function idOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}

function isPrivateKey(text: string): boolean {
  return privateKey.test(text) || puttyKey.test(text)
}
