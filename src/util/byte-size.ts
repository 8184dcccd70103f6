const units: Readonly<Record<string, number>> = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 }

/** The format of a size in YAML, such as `2 GB`. */
export const sizePattern = /^(\d+(?:\.\d+)?)\s*([kmgt]?b)$/i

/** The number of bytes that a text such as `2 GB` or a number of megabytes means; `undefined` for another text. */
export function parseByteSize(size: string | number): number | undefined {
  if (typeof size === 'number') return size >= 0 && Number.isFinite(size) ? size * 1e6 : undefined
  const [, count, unit = ''] = sizePattern.exec(size.trim()) ?? []
  return count === undefined ? undefined : Number(count) * units[unit.toLowerCase()]!
}
