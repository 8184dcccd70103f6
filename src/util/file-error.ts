import { codeOf, messageOf } from './thrown.js'

const noSpace = 'free some space, or name a path on another disk'
const noAccess = 'this user may not write there: change its owner or mode, or name another path'

const writeRemedies: Readonly<Record<string, readonly [reason: string, remedy: string]>> = {
  ENOSPC: ['its disk is full', noSpace],
  EDQUOT: ['the quota of this user is used up', noSpace],
  EACCES: ['access is denied', noAccess],
  EPERM: ['access is denied', noAccess],
  EROFS: ['its file system is read-only', 'name a path on another one'],
  EISDIR: ['it is a folder', 'name a file in it, or another path'],
  ENOTDIR: ['a part of the path is a file', 'name a path below a folder'],
  EEXIST: ['a file with the name of one of its folders exists', 'move that file, or name another path'],
  ENOENT: ['its folder does not exist', 'create the folder, or name another path'],
}

/** Says why a file cannot be written, and what to do: `its disk is full (ENOSPC): free some space, ...`. */
export function explainWriteError(cause: unknown): string {
  const code = codeOf(cause) ?? ''
  const [reason, remedy] = writeRemedies[code] ?? []
  return reason === undefined ? messageOf(cause).split('\n', 1)[0]! : `${reason} (${code}): ${remedy}`
}

/** Says why a file cannot be read, and what to do: `cannot be read (EACCES): ...`. */
export function explainReadError(cause: unknown): string {
  const code = codeOf(cause)
  const isDenied = code === 'EACCES' || code === 'EPERM'
  const remedy = isDenied ? ': this user may not read it, so change its owner or mode' : ''
  return `cannot be read (${code ?? messageOf(cause)})${remedy}`
}
