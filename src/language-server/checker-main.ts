import { resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type FlambeauError, isFlambeauError, type Problem } from '../errors.js'
import { importModules } from '../modules/import-modules.js'
import { importProblem, type Project, readProject } from '../project.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Registry } from '../registry/registry.js'
import { checkText } from '../runnable/check-file.js'
import { RunnableText } from '../runnable/runnable-file.js'
// These register the built-in tags.
import '../cluster/index.js'
import '../index.js'
import '../pool/index.js'
import { inspectCode } from '../modules/class-locations.js'
import { type Catalog, catalogOf, classesOf } from './catalog.js'
import { includedFiles } from './included-file.js'
import type { CheckResult, FromChecker, ToChecker } from './messages.js'

// What a module sends to a process that it expects is no message of this one.
const send = process.send?.bind(process)
Reflect.deleteProperty(process, 'send')

/**
 * The process that has the user's modules and schemas: it imports the modules of one project, and checks texts with them. The
 * server ends it when it hangs, and starts another when a module changes.
 */
class Checker {
  /** The catalogs of files with extensions, by what they declare. */
  readonly #catalogs = new Map<string, Catalog>()

  async setup(folder: string): Promise<void> {
    process.chdir(folder)
    const files = new Set([resolve('package.json')])
    try {
      const project = await readProject(folder)
      const problems = project ? await importAll(project) : []
      const registry = currentRegistry()
      const code = inspectCode(classesOf(registry))
      for (const file of code.files) files.add(file)
      if (problems.length > 0) return post({ type: 'failed', problems, files: [...files] })
      const catalog = catalogOf(registry, (Class) => code.locations.get(Class))
      post({ type: 'ready', catalog, files: [...files] })
    } catch (error) {
      post({ type: 'failed', problems: problemsOf(error, resolve('package.json')), files: [...files] })
    }
  }

  async check({ id, file, text }: Extract<ToChecker, { type: 'check' }>): Promise<void> {
    const result = await this.#check(file, text).catch(
      (error): CheckResult => ({ problems: problemsOf(error, file), warnings: [], included: [] }),
    )
    post({ type: 'checked', id, ...result })
  }

  async #check(file: string, text: string): Promise<CheckResult> {
    const read = await RunnableText.read(file, { text, isDraft: true })
    const { problems, warnings, registry } = await checkText(read, { downloadExtensions: false })
    return {
      problems,
      warnings,
      included: includedFiles(read.parsed),
      catalog: registry === currentRegistry() ? undefined : this.#catalogOf(registry),
    }
  }

  // The tags of extensions seldom change while a file is edited.
  #catalogOf(registry: Registry): Catalog {
    const key = registry.tags().join(' ')
    const known = this.#catalogs.get(key)
    if (known) return known
    const { locations } = inspectCode(classesOf(registry))
    const catalog = catalogOf(registry, (Class) => locations.get(Class))
    this.#catalogs.set(key, catalog)
    return catalog
  }
}

/** Imports the modules of a project, and returns the problem of the first that cannot be imported. */
async function importAll(project: Project): Promise<readonly Problem[]> {
  for (const [index, module] of project.imports.entries()) {
    post({ type: 'importing', module })
    try {
      await importModules([module], { from: project.folder, option: 'imports' })
    } catch (error) {
      const {
        code = 'MODULE_FAILED',
        message = String(error),
        problems = [],
      } = error as Partial<FlambeauError>
      // The line of the module, and the line that names the module.
      const [sentence = ''] = message.split('\n')
      return [...problems, importProblem(project, index, { code, message: sentence })].map(withWholePath)
    }
  }
  return []
}

/** The problems of an error, with the whole paths of their files. */
function problemsOf(error: unknown, file: string): readonly Problem[] {
  const { problems = [], code = 'FLAMBEAU', message = String(error) } = error as Partial<FlambeauError>
  if (isFlambeauError(error) && problems.length > 0) return problems.map(withWholePath)
  return [{ code, message, file, line: 1, column: 1, endLine: 1, endColumn: 1, frame: '' }]
}

function withWholePath(problem: Problem): Problem {
  return { ...problem, file: resolve(problem.file) }
}

function post(message: FromChecker): void {
  send?.(message)
}

// A module in an endless loop does not see that the server has disappeared.
const watchdog = `
  const { ppid } = process
  setInterval(() => { if (process.ppid !== ppid) process.kill(-process.pid, 'SIGKILL') }, 1000)`
new Worker(watchdog, { eval: true }).unref()

const checker = new Checker()
process.on('message', (message: ToChecker) => {
  if (message.type === 'setup') void checker.setup(message.folder)
  else void checker.check(message)
})
process.on('disconnect', () => process.exit())
