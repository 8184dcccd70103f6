import { readFileSync } from 'node:fs'

/** A file with one mistake, and where and how it must be reported. */
export interface BrokenFile {
  readonly title: string
  readonly places: readonly string[]
  readonly words: readonly (readonly string[])[]
  readonly text: string
}

const shown: Readonly<Record<string, string>> = { '⇥': '\t', '⍽': '\u00a0', '␍': '\r', '⌁': '\ufeff' }

/** The files of `test/data/broken-yaml.txt`. */
export function brokenFiles(): BrokenFile[] {
  const [, ...parts] = readFileSync('test/data/broken-yaml.txt', 'utf8').split(/^=== /m)
  return parts.map((part) => {
    const [title = '', expected = '', ...lines] = part.split('\n')
    const [, places = '', words = ''] = /^@ (\S+) (.*)$/.exec(expected)!
    const text = lines.join('\n').replace(/[⇥⍽␍⌁]/g, (sign) => shown[sign]!)
    return { title, places: places.split('|'), words: words.split(', ').map((word) => word.split('|')), text }
  })
}
