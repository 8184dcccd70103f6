import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/**
 * The keys of a host in a file in the format of `known_hosts`, such as `ssh-ed25519 AAAA...`, as `ssh-keygen -F` finds
 * them: a process for each host would take longer than all else that is done here for a host that is ready.
 */
export async function keysIn(file: string, name: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    const [, names = '', type = '', blob = ''] = /^\s*([^#@\s]\S*)\s+(\S+)\s+([\w+/]+=*)/.exec(line) ?? []
    return isKey(type, blob) && matches(name, names) ? [`${type} ${blob}`] : []
  })
}

// The blob starts with the type, after its length.
function isKey(type: string, blob: string): boolean {
  const bytes = Buffer.from(blob, 'base64')
  return (
    type !== '' && bytes.length > type.length + 4 && bytes.toString('latin1', 4, 4 + type.length) === type
  )
}

function matches(name: string, names: string): boolean {
  const [, salt, hash] = /^\|1\|([^|]+)\|(.+)$/.exec(names) ?? []
  return salt !== undefined
    ? hashOf(name, salt) === hash
    : matchesPatterns(name.toLowerCase(), names.toLowerCase())
}

function hashOf(name: string, salt: string): string {
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64')
}

// A name that matches a pattern with "!" does not match the line.
function matchesPatterns(name: string, patterns: string): boolean {
  const all = patterns.split(',')
  const excluded = all.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1))
  const included = all.filter((pattern) => !pattern.startsWith('!'))
  const isMatch = (pattern: string): boolean => globOf(pattern).test(name)
  return included.some(isMatch) && !excluded.some(isMatch)
}

function globOf(pattern: string): RegExp {
  const source = pattern.replace(
    /[\\^$.*+?()[\]{}|]/g,
    (character) => wildcards[character] ?? `\\${character}`,
  )
  return new RegExp(`^${source}$`)
}

const wildcards: Readonly<Record<string, string>> = { '*': '.*', '?': '.' }
