import { join } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'
import type { BundlePart } from './bundle.js'
import { ignoreFile } from './ignore.js'
import type { PackageFile } from './package-files.js'

/** What goes to each host without being asked for, at most. */
const maxBytes = 100e6
const maxFiles = 10_000

/** So many of the largest parts are named. */
const maxNamedParts = 5

const units: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 }

/** The size of `max_size` in a cluster file: `2 GB`, or a number of megabytes. */
export const sizePattern = /^(\d+(?:\.\d+)?)\s*([kmgt]?b)$/i

/** A part of what is sent: what lies in a folder of a package, a file beside those, or a package that it needs. */
export interface ContentPart {
  /** Within the package, with `/` at the end of a folder. */
  readonly path: string
  readonly files: number
  readonly bytes: number
}

/** The parts of a package, the largest first. */
export function partsBySize(files: readonly PackageFile[]): ContentPart[] {
  const parts = new Map<string, ContentPart>()
  for (const { path, size } of files) {
    const [part = path] = /^(?:node_modules\/(?:@[^/]+\/)?)?[^/]+\/?/.exec(path) ?? []
    const known = parts.get(part)
    parts.set(part, { path: part, files: (known?.files ?? 0) + 1, bytes: (known?.bytes ?? 0) + size })
  }
  return [...parts.values()].toSorted((a, b) => shareOfLimit(b) - shareOfLimit(a))
}

// A folder of a million small files weighs as well.
function shareOfLimit({ files, bytes }: Pick<ContentPart, 'files' | 'bytes'>): number {
  return Math.max(bytes / maxBytes, files / maxFiles)
}

/** What would go to each host of a folder that a run needs. */
export interface ContentPlan {
  /** What messages call it. */
  readonly name: string
  readonly folder: string
  readonly files: number
  readonly bytes: number
  /** The largest first. */
  readonly parts: readonly ContentPart[]
  /** What stays here since it is private, as paths within the folder. */
  readonly withheld: readonly string[]
}

/** The plan of a shipment. */
export function contentPlanOf({ name, folder, files, withheld }: BundlePart): ContentPlan {
  return { name, folder, files: files.length, bytes: totalBytes(files), parts: partsBySize(files), withheld }
}

/** The largest parts, in words, one a line. */
export function describeLargest(parts: readonly ContentPart[]): string[] {
  const lines = parts.slice(0, maxNamedParts).map((part) => `${part.path} (${describeSize(part)})`)
  return parts.length > maxNamedParts ? [...lines, `and ${parts.length - maxNamedParts} more`] : lines
}

/** @throws `ClusterConfigurationError` when more would go than the cluster allows. */
export function checkSize(shipments: readonly BundlePart[], maxSize: string | number | undefined): void {
  const files = shipments.flatMap((shipment) => shipment.files)
  const bytes = totalBytes(files)
  const isTooMuch =
    maxSize === undefined ? bytes > maxBytes || files.length > maxFiles : bytes > bytesOf(maxSize)
  if (!isTooMuch) return
  const most =
    maxSize === undefined
      ? '100 MB and 10000 files'
      : `max_size, ${describeSize({ bytes: bytesOf(maxSize) })}`
  const largest = shipments.toSorted((a, b) => totalBytes(b.files) - totalBytes(a.files))[0]!
  const message = [
    `Too much would be sent to each host: ${describeSize({ files: files.length, bytes })}, more than ${most}`,
    '',
    ...shipments.flatMap(({ name, files }) => [
      `  ${name}: ${describeSize({ files: files.length, bytes: totalBytes(files) })}`,
      ...describeLargest(partsBySize(files)).map((line) => `    ${line}`),
    ]),
    '',
    advice(largest, bytes),
  ]
  throw new ClusterConfigurationError(message.join('\n'), { code: 'TOO_MUCH_TO_SEND' })
}

function advice({ folder, files }: BundlePart, bytes: number): string {
  const allow = `write "max_size: ${Math.ceil(bytes / 1e6)} MB" into the cluster file`
  const part = partsBySize(files).find(
    ({ path }) => !path.startsWith('node_modules/') && path !== 'package.json',
  )
  if (!part) return `To send it all the same, ${allow}`
  return `To keep the largest here, write "/${part.path}" into "${join(folder, ignoreFile)}"; to send all, ${allow}`
}

/** Files and bytes, in words. */
export function describeSize({ files, bytes }: { readonly files?: number; readonly bytes: number }): string {
  const size = bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
  return files === undefined ? size : `${files} ${files === 1 ? 'file' : 'files'}, ${size}`
}

/** The bytes of files together. */
export function totalBytes(files: readonly PackageFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}

function bytesOf(maxSize: string | number): number {
  if (typeof maxSize === 'number') return maxSize * 1e6
  const [, count, unit = ''] = sizePattern.exec(maxSize)!
  return Number(count) * units[unit.toLowerCase()]!
}
