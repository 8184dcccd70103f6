import type { Logger } from '../logger.js'
import { isInProject } from '../project.js'
import type { RecordedCall, Recording } from '../records/recording.js'
import { completeNeeds, type Needs, needsText } from '../runnable/needs.js'
import { absolutePath } from '../util/paths.js'
import type { FileInput } from './input.js'
import type { EnvFileFlags } from './options.js'
import { runsFolder } from './runs-folder.js'
import type { Settings } from './settings.js'

/** The flags that a record keeps, or that turn it off. */
export interface RecordFlags extends EnvFileFlags {
  /** `false` for `--no-record`. */
  readonly record: boolean
  readonly set?: readonly string[]
  readonly seed?: number
  readonly needs?: Needs
  /** The run that is repeated, and its file. */
  readonly rerun?: { readonly id: string; readonly file: string }
}

/** What the record of a run is made from. */
export interface RecordSource {
  readonly input: FileInput
  readonly flags: RecordFlags
  readonly settings: Settings
  readonly logger: Logger
  /** The URLs of the modules that are imported. */
  readonly imports: readonly string[]
  readonly cluster?: RecordedCall['cluster']
}

/** The record of a run of this command; none outside of a project, and where a flag or the project turns it off. */
export async function recordingOf(source: RecordSource): Promise<Recording | undefined> {
  const { input, flags, settings, logger } = source
  const runs = flags.record ? runsFolder(settings.project) : undefined
  if (!runs || (input.text === undefined && !isInProject({ folder: runs.project }, input.path)))
    return undefined
  const { Recording } = await import('../records/recording.js')
  return new Recording({
    runs: runs.path,
    project: runs.project,
    call: callOf(source),
    logger,
    hasOutput: true,
  })
}

function callOf({ input, flags, settings, imports, cluster }: RecordSource): RecordedCall {
  const { secrets, secretsDialect } = settings
  return {
    file: flags.rerun?.file ?? input.path,
    rerunOf: flags.rerun?.id,
    argv: process.argv.slice(2),
    folder: process.cwd(),
    set: flags.set ?? [],
    seed: flags.seed,
    needs: flags.needs && needsText(completeNeeds(flags.needs)),
    imports,
    secrets: isPath(secrets) ? absolutePath(secrets) : secrets,
    secretsDialect,
    envFiles: flags.envFile.map((file) => absolutePath(file)),
    cluster,
  }
}

function isPath(secrets: Settings['secrets']): secrets is string {
  return typeof secrets === 'string' && secrets !== '-' && !secrets.startsWith('env:')
}
