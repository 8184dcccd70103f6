import { relative, resolve, sep } from 'node:path'
import { realPath } from './paths.js'
import { commandLine } from './shell.js'
import { codeOf, propertyOf } from './thrown.js'

/** Names, in the environment of a run on a host, the folder there that stands for the project. */
export const projectVariable = 'FLAMBEAU_PROJECT_FOLDER'

/**
 * Explains, in a run on a host, an error or one of its causes that reports a missing file of the project: the file may exist
 * on the machine that submitted the run. Returns nothing for other errors, and outside of such a run.
 */
export function explainNotSent(thrown: unknown): string | undefined {
  const project = process.env[projectVariable]
  const path = project === undefined ? undefined : missingPath(thrown)
  if (project === undefined || path === undefined) return undefined
  const within = relative(realPath(project), resolve(path))
  if (within === '' || within === '..' || within.startsWith(`..${sep}`)) return undefined
  const name = relative(process.cwd(), resolve(path))
  return `"${name}" was not sent to this host: name it in the static "files" of its class, in "files" of "flambeau" in package.json, or with "${commandLine(['--send', name])}"; if the run itself writes it, create its folder first`
}

/** How many causes of an error are looked at: they may form a cycle. */
const maxCauses = 10

function missingPath(thrown: unknown): string | undefined {
  let error = thrown
  for (let depth = 0; depth < maxCauses && error !== undefined; depth++) {
    const path = propertyOf(error, 'path')
    // The path of a program that could not be started is its name.
    const isProgram = String(propertyOf(error, 'syscall')).startsWith('spawn')
    if (codeOf(error) === 'ENOENT' && typeof path === 'string' && !isProgram) return path
    error = propertyOf(error, 'cause')
  }
  return undefined
}
