import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What counts here of a `package.json`. */
export interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly main?: unknown
  readonly exports?: unknown
  readonly imports?: unknown
  readonly files?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** The `package.json` of a folder; empty where there is none. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
  return JSON.parse(text)
}

/** The files and folders by which a package is used: `main`, and the targets of `exports`, `imports` and `files`. */
export function entriesOf({ main, exports, imports, files }: Manifest): string[] {
  const targets = [main ?? 'index.js', ...targetsOf(exports), ...targetsOf(imports), ...targetsOf(files)]
  return targets.filter((target) => typeof target === 'string').flatMap((target) => baseOf(target) ?? [])
}

function targetsOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(targetsOf) : [value]
}

// Of a pattern, the folder in which all that it names lies; of one that may be anywhere, nothing.
function baseOf(target: string): string | undefined {
  const parts = target.replace(/^\.?\//, '').split('/')
  const pattern = parts.findIndex((part) => /[*?[{!]/.test(part))
  const base = (pattern < 0 ? parts : parts.slice(0, pattern)).filter((part) => part !== '' && part !== '.')
  return base.length === 0 || base.includes('..') ? undefined : base.join('/')
}
