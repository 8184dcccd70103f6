const mostNested = 10

/** The finite numbers in a value, by path; the value itself is named `value`. */
export function numbersOf(value: unknown): Record<string, number> {
  const found: Record<string, number> = {}
  const visit = (part: unknown, path: string, depth: number): void => {
    if (typeof part === 'number' && Number.isFinite(part)) found[path === '' ? 'value' : path] = part
    else if (isObject(part) && depth < mostNested)
      for (const [name, each] of Object.entries(part))
        visit(each, path === '' ? name : `${path}.${name}`, depth + 1)
  }
  visit(value, '', 0)
  return found
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
