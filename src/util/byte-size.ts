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

/** A size as a text that means exactly so many bytes: `8GB`, `512MiB`. */
export function sizeText(bytes: number): string {
  const unit = ['GB', 'GiB', 'MB', 'MiB'].find((each) => bytes % units[unitKey(each)]! === 0) ?? 'B'
  return `${bytes / units[unitKey(unit)]!}${unit}`
}

function unitKey(unit: string): string {
  return unit.toLowerCase().replace('ib', 'i')
}

/** The number of bytes that a text such as `2 GB` or a number of megabytes means; `undefined` for another text. */
export function parseByteSize(size: string | number): number | undefined {
  if (typeof size === 'number') return size >= 0 && Number.isFinite(size) ? size * 1e6 : undefined
  const [, count, decimal, binary = ''] = sizePattern.exec(size.trim()) ?? []
  return count === undefined ? undefined : Number(count) * units[(decimal ?? binary).toLowerCase()]!
}
