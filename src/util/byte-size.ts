const units: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
}

/** What a size must be, as the end of a message. */
export const sizeMessage = 'a size such as "8 GB" or "8 GiB", or a number of megabytes'

// No "8 G": it is 8 GB for Kubernetes, and 8 GiB for Slurm.

/** The format of a size in YAML, such as `2 GB`, `2 GiB` or `2Gi`. */
export const sizePattern = /^(\d+(?:\.\d+)?)\s*(?:([kmgt]?b)|([kmgt]i)b?)$/i

/** A size as people write it, which means exactly so many bytes: `8 GB`, `1536 MB`, `512 MiB`. */
export function sizeText(bytes: number): string {
  const [gibibytes, mebibytes] = [bytes / 2 ** 30, bytes / 2 ** 20]
  const binary = Number.isInteger(gibibytes) ? `${gibibytes} GiB` : `${Math.trunc(mebibytes)} MiB`
  const texts = [roundedSize(bytes), binary, `${bytes / 1e6} MB`]
  return texts.find((text) => Math.round(parseByteSize(text) ?? 0) === bytes) ?? `${bytes} B`
}

/** A size with one digit after the point, rounded down: a host has at least so much. */
export function roundedSize(bytes: number): string {
  const [tenths, unit] = bytes < 1e9 ? [bytes / 1e5, 'MB'] : [bytes / 1e8, 'GB']
  return `${Math.floor(tenths) / 10} ${unit}`
}

/** The number of bytes that a text such as `2 GB` or a number of megabytes means; `undefined` for another text. */
export function parseByteSize(size: string | number): number | undefined {
  if (typeof size === 'number') return size >= 0 && Number.isFinite(size) ? size * 1e6 : undefined
  const [, count, decimal, binary = ''] = sizePattern.exec(size.trim()) ?? []
  return count === undefined ? undefined : Number(count) * units[(decimal ?? binary).toLowerCase()]!
}
