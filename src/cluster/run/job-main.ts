import { openSync, writeFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { dump } from '../../document/write/dump.js'
import { ClusterConfigurationError } from '../../errors.js'
import { RunLogger } from '../../logger.js'
import { importModules } from '../../modules/import-modules.js'
import type { RunListener } from '../../records/events.js'
import { SafeExecutionContext } from '../../runnable/context.js'
import type { Runnable } from '../../runnable/runnable.js'
import { maskData, maskOutput, printCrashes, type Redact, redactorFor } from '../../runnable/secrets/mask.js'
import { deserializeSecrets } from '../../runnable/secrets/serialize-secrets.js'
import { flushSpans, withSpan } from '../../tracing/tracing.js'
import { resultLostCode } from '../../util/exit-codes.js'
import { toJson } from '../../util/json.js'
import { explainNotSent } from '../../util/not-sent.js'
import { printable } from '../../util/printable.js'
import { identify, type ProcessIdentity } from '../../util/process-identity.js'
import { setCall, sourceOfUser } from '../../util/repeat-command.js'
import { codeOf, messageOf } from '../../util/thrown.js'
import { recordLoss, writeReserved } from '../agent/reserved-file.js'
import { beginRun } from '../agent/run-begin.js'
import { isClusterRunnable } from '../cluster-runnable.js'
import { type RunFile, runFiles } from '../protocol/layout.js'
import { allocationEnvironment } from './allocation.js'
import { type Connections, type RunProgram, type RunSecrets, readRunFile } from './run-folder.js'

/**
 * The process of a run on the orchestrator: `node run-job.js RUN_FOLDER SUPERVISOR`. It loads the runnable of the run folder
 * with its imports, extensions and secrets, and runs it as it would run locally.
 */

const folder = process.argv[2]!
// This file is in node_modules/flambeau/dist/cluster of the package that the run uses.
const packageFolder = fileURLToPath(new URL('../../../..', import.meta.url))

// Without a listener, a failed write to the log on a full disk would crash the run.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', ({ code = 'EIO' }: NodeJS.ErrnoException) => void recordLoss(folder, { log: code }))
process.exitCode = (await begin()) ? await runJob() : 0
// A timer or server that is still open must not keep the process alive.
process.exit()

/** Returns `false` when another process was faster: the run has begun there, or was cancelled. */
async function begin(): Promise<boolean> {
  const supervisor: ProcessIdentity = JSON.parse(process.argv[3]!)
  const runner = await identify(process.pid)
  const hasBegun = await beginRun(basename(folder), {
    supervisor,
    runner,
    startedAt: new Date().toISOString(),
  })
  if (hasBegun) await rm(join(folder, runFiles.environment), { force: true })
  return hasBegun
}

async function runJob(): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => interrupted.abort())
  const program: RunProgram = JSON.parse(await read('program'))
  const folders = program.sent.map(({ path, folder: there, sources }) => ({
    here: join(packageFolder, path),
    there,
    sources,
  }))
  setCall(program.call, { id: basename(folder), folders })
  const secrets = deserializeSecrets(JSON.parse(await read('secrets')) as RunSecrets)
  await rm(join(folder, runFiles.secrets))
  maskOutput(redactorFor(secrets))
  printCrashes()
  const context = new SafeExecutionContext(
    { content: await jobOf(program), filename: program.file },
    { userProvider: () => program.localUser },
  )
  const { verbose, debug } = program.flags
  const onEvent = eventWriter(join(folder, runFiles.events), redactorFor(secrets))
  const logger = new RunLogger(verbose || debug ? 'debug' : 'info')
  const outcome = await context.run(
    async (options) => {
      const imports = program.imports.map((module) => pathToFileURL(join(packageFolder, module)).href)
      await importModules(imports, { from: packageFolder, option: '--import' }).catch(explainImport)
      const { runnable } = await context.preprocess({ secrets })
      await useAllocation(runnable)
      runnable.injectContent(await read('content'))
      runnable.injectExtensions(program.declared)
      const attributes = { 'flambeau.run.id': basename(folder), 'flambeau.file': program.file }
      const complete = { ...options, imports }
      return withSpan('flambeau.run', { attributes, parent: program.trace }, async () =>
        runnable.run(complete),
      )
    },
    { ...program.flags, logger, signal: interrupted.signal, onEvent },
  )
  await flushSpans()
  if (outcome.ok) return writeResult(outcome.value)
  const hint = explainNotSent(outcome.error)
  if (hint !== undefined) console.error(printable(hint))
  return outcome.exitCode
}

// Which nodes a job has is known only now.
async function useAllocation(runnable: Runnable<unknown, any>): Promise<void> {
  if (!isClusterRunnable(runnable) || !runnable.env) return
  const { isAllocation } = await readRunFile<Connections>(folder, 'connection')
  if (isAllocation) runnable.setSerializableAttr('env', await allocationEnvironment(runnable.env))
}

// On a full disk, events are lost, and the run goes on.
function eventWriter(path: string, redact: Redact): RunListener {
  let file: number | undefined
  let start = ''
  return (event) => {
    try {
      file ??= openSync(path, 'a', 0o600)
      writeFileSync(file, `${start}${toJson(maskData(event, redact))}\n`)
      start = ''
    } catch {
      // A part of the line may have been written.
      start = '\n'
    }
  }
}

function explainImport(error: Error): never {
  const reason = messageOf(error.cause)
  const [, missing, module = ''] = /^Cannot find package '([^']+)' imported from (.*)/.exec(reason) ?? []
  if (missing === undefined) throw error
  const message = `Package "${missing}", which "${basename(sourceOfUser(module) ?? module)}" imports, was not sent: name it in "dependencies" of its package.json`
  throw new ClusterConfigurationError(message, { code: 'PACKAGE_NOT_SENT', cause: error.cause })
}

async function jobOf({ extensions }: RunProgram): Promise<string> {
  const job = await read('job')
  const paths = Object.entries(extensions).map(([name, path]) => [name, join(packageFolder, path)])
  if (paths.length === 0) return job
  // A runnable that had extensions starts with the separator already.
  return dump(Object.fromEntries(paths)) + (job.startsWith('---') ? '' : '---\n') + job
}

function read(file: RunFile): Promise<string> {
  return readFile(join(folder, runFiles[file]), 'utf8')
}

// A result that JSON cannot represent must not fail a run that succeeded.
async function writeResult(value: unknown): Promise<number> {
  let json: string | undefined
  try {
    json = toJson(value)
  } catch {
    return 0
  }
  return json === undefined ? 0 : keepResult(JSON.stringify({ json }))
}

async function keepResult(result: string): Promise<number> {
  try {
    await writeReserved(join(folder, runFiles.result), result)
    return 0
  } catch (error) {
    await recordLoss(folder, { result: codeOf(error) ?? 'EIO' })
    return resultLostCode
  }
}
