import { join } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'
import { parseByteSize } from '../../util/byte-size.js'
import type { BundlePart } from './bundle.js'
import { ignoreFile } from './ignore.js'

/** The most that may be sent to each host. */
export interface SizeLimit {
  readonly bytes: number
  readonly files: number
  /** The limit in messages. */
  readonly name: string
}

/** The limit of a cluster that sets no `max_size`. */
const defaultLimit: SizeLimit = { bytes: 100e6, files: 10_000, name: '100 MB and 10000 files' }

/** How many of the largest parts a message names. */
const maxNamedParts = 5

/** A part of a package that is sent: a folder, a file at the top, or a dependency. */
export interface ContentPart {
  /** Within the package, with `/` at the end of a folder. */
  readonly path: string
  readonly files: number
  readonly bytes: number
}

/** The parts of a package, the largest first; of the files of a run, each file is a part. */
function partsBySize({ files, isRunFiles = false }: BundlePart): ContentPart[] {
  const parts = new Map<string, ContentPart>()
  for (const { path, size } of files) {
    const [top = path] = /^(?:node_modules\/(?:@[^/]+\/)?)?[^/]+\/?/.exec(path) ?? []
    const part = isRunFiles ? path : top
    const known = parts.get(part)
    parts.set(part, { path: part, files: (known?.files ?? 0) + 1, bytes: (known?.bytes ?? 0) + size })
  }
  return [...parts.values()].toSorted((a, b) => shareOfLimit(b) - shareOfLimit(a))
}

// Many small files take as long as a few large ones.
function shareOfLimit({ files, bytes }: Pick<ContentPart, 'files' | 'bytes'>): number {
  return Math.max(bytes / defaultLimit.bytes, files / defaultLimit.files)
}

/** What would be sent to each host from a folder that a run needs. */
export interface ContentPlan {
  /** The name in messages. */
  readonly name: string
  readonly folder: string
  readonly files: number
  readonly bytes: number
  /** The largest first. */
  readonly parts: readonly ContentPart[]
  /** The private files that are not sent, as paths within the folder. */
  readonly withheld: readonly string[]
}

/** Summarizes a part. */
export function contentPlanOf(part: BundlePart): ContentPlan {
  const { name, folder, files, withheld } = part
  return { name, folder, files: files.length, bytes: totalBytes(files), parts: partsBySize(part), withheld }
}

/** The largest parts, one line each. */
export function describeLargest(parts: readonly ContentPart[]): string[] {
  const lines = parts.slice(0, maxNamedParts).map((part) => `${part.path} (${describeSize(part)})`)
  return parts.length > maxNamedParts ? [...lines, `and ${parts.length - maxNamedParts} more`] : lines
}

/** The limit that the option `max_size` sets. */
export function sizeLimitOf(maxSize: string | number | undefined): SizeLimit {
  if (maxSize === undefined) return defaultLimit
  const bytes = parseByteSize(maxSize)!
  return { bytes, files: Infinity, name: `max_size, ${describeSize({ bytes })}` }
}

/** @throws `ClusterConfigurationError` when more would be sent than the cluster allows. */
export function checkSize(parts: readonly BundlePart[], limit: SizeLimit): void {
  const files = parts.flatMap((part) => part.files)
  const bytes = totalBytes(files)
  if (bytes <= limit.bytes && files.length <= limit.files) return
  const largest = parts.toSorted((a, b) => totalBytes(b.files) - totalBytes(a.files))[0]!
  const message = [
    `Too much would be sent to each host: ${describeSize({ files: files.length, bytes })}, more than ${limit.name}`,
    '',
    ...parts.flatMap((part) => [
      `  ${part.name}: ${describeSize({ files: part.files.length, bytes: totalBytes(part.files) })}`,
      ...describeLargest(partsBySize(part)).map((line) => `    ${line}`),
    ]),
    '',
    advice(largest, bytes),
  ]
  throw new ClusterConfigurationError(message.join('\n'), { code: 'TOO_MUCH_TO_SEND' })
}

function advice(largest: BundlePart, bytes: number): string {
  const { folder, isRunFiles } = largest
  const allow = `write "max_size: ${Math.ceil(bytes / 1e6)} MB" into the cluster file`
  if (isRunFiles) return `To send less, name fewer files; to send everything, ${allow}`
  const part = partsBySize(largest).find(
    ({ path }) => !path.startsWith('node_modules/') && path !== 'package.json',
  )
  if (!part) return `To send everything, ${allow}`
  return `To leave out the largest part, write "/${part.path}" into "${join(folder, ignoreFile)}"; to send everything, ${allow}`
}

/** Formats a number of files and bytes. */
export function describeSize({ files, bytes }: { readonly files?: number; readonly bytes: number }): string {
  const size = bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
  return files === undefined ? size : `${files} ${files === 1 ? 'file' : 'files'}, ${size}`
}

/** The total size of files. */
export function totalBytes(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}
