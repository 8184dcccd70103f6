import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../project.js'
import { absolutePath, isPersonal, projectRoot, realPath } from '../util/paths.js'

/** Where runs are recorded. */
export interface RunsFolder {
  /** The folder of the records. */
  readonly path: string
  /** The project whose runs these are. */
  readonly project: string
}

/**
 * The folder of the records: that of the setting of the project, else `.flambeau/runs` beside the nearest `package.json` at or above
 * the current folder. Returns nothing outside of a project, and where the setting turns records off.
 */
export function runsFolder(project: Project | undefined): RunsFolder | undefined {
  if (project?.runs === false) return undefined
  const folder = project?.folder ?? nearestProject()
  if (folder === undefined) return undefined
  return { path: absolutePath(project?.runs ?? join('.flambeau', 'runs'), folder), project: folder }
}

function nearestProject(): string | undefined {
  const folder = projectRoot(realPath(process.cwd()))
  return !isPersonal(folder) && existsSync(join(folder, 'package.json')) ? folder : undefined
}
