import { join } from 'node:path'
import { checkParsedAsync, reported } from '../document/check/check.js'
import { inFileOrder } from '../document/problems.js'
import type { Problem } from '../errors.js'
import { currentRegistry } from '../registry/default-registry.js'
import { RunnableText } from '../runnable/runnable-file.js'
import { deferred, settledWithin } from '../util/concurrency.js'
import { catalogOf } from './catalog.js'
import { CheckerChild, type ImportResult } from './checker-child.js'
import { includedFiles } from './included-file.js'
import type { CheckResult } from './messages.js'
import { TagKnowledge } from './tag-knowledge.js'
import { FileWatch, moduleFolders } from './watch.js'

/** What a project reports. */
export interface ProjectListener {
  /** The tags, or what is wrong with the modules, have changed: all texts are checked again. */
  onRefresh(): void
  /** The problems of the modules and of the setting, which replace those before. */
  onModuleProblems(problems: readonly Problem[]): void
  /** What the user has to know. */
  onTrouble(message: string): void
  /** What the modules print. */
  onOutput(text: string): void
}

let builtIn: TagKnowledge | undefined

/** The tags of this package. */
export function builtInTags(): TagKnowledge {
  builtIn ??= new TagKnowledge(catalogOf(currentRegistry()))
  return builtIn
}

/** Milliseconds for which the first check waits for the modules. */
const firstImportMs = 10_000
/** A process that ends sooner counts as a failure: after some of these, the next one is started later. */
const shortLifeMs = 60_000
const mostFailures = 3
const pauseMs = 30_000

/**
 * What the modules of one project say about its files. While a new version of the modules is imported, and when it cannot be,
 * the version before it is used.
 */
export class ProjectChecker {
  tags: TagKnowledge = builtInTags()
  #current: CheckerChild | undefined
  #incoming: CheckerChild | undefined
  readonly #watch = new FileWatch(() => this.restart())
  #moduleFiles: readonly string[] = []
  readonly #reported = new Set<string>()
  #failures = 0
  #startedAt = 0
  #pause: NodeJS.Timeout | undefined
  #isClosed = false
  /** Settles when the modules were imported for the first time, or could not be. */
  readonly #first = deferred()

  constructor(
    readonly folder: string,
    readonly listener: ProjectListener,
  ) {
    this.#start({ isRetry: false })
  }

  /** Imports the modules again, since they have changed. */
  restart(): void {
    this.#failures = 0
    this.#start({ isRetry: false })
  }

  #start({ isRetry }: { isRetry: boolean }): void {
    clearTimeout(this.#pause)
    if (this.#isClosed) return
    this.#incoming?.close()
    const checker = new CheckerChild(this.folder, (text) => this.listener.onOutput(text))
    this.#incoming = checker
    checker.imported.then(
      (result) => {
        // Only what was mended can break anew.
        if (result.type === 'ready' && !isRetry) this.#reported.clear()
        this.#use(checker, result)
      },
      (reason: Error) => this.#giveUp(checker, reason.message),
    )
    checker.imported.catch(() => {}).finally(() => this.#first.resolve())
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#pause)
    this.#watch.close()
    this.#current?.close()
    this.#incoming?.close()
  }

  /**
   * Checks a text with the modules; without their process, only the YAML itself and what it is composed of are checked.
   */
  async check(file: string, text: string): Promise<CheckResult> {
    if (!this.#current) await settledWithin(this.#first.promise, firstImportMs)
    const checker = this.#current
    if (!checker || checker.hasExited) return checkWithoutModules(file, text)
    try {
      return await checker.check(file, text)
    } catch {
      return checkWithoutModules(file, text)
    }
  }

  #use(checker: CheckerChild, result: ImportResult): void {
    if (this.#isClosed || this.#incoming !== checker) {
      checker.close()
      return
    }
    this.#incoming = undefined
    this.#watchFiles(result)
    if (result.type === 'failed') {
      checker.close()
      this.listener.onModuleProblems(result.problems)
      this.#report(`The modules of "${this.folder}" cannot be imported: ${result.problems[0]?.message}`)
      this.listener.onRefresh()
      return
    }
    this.#current?.close()
    this.#current = checker
    this.#startedAt = Date.now()
    // Also between two checks, by a timer or an unhandled rejection of a module.
    void checker.exited.then((reason) => this.#replace(checker, reason))
    this.tags = new TagKnowledge(result.catalog)
    this.listener.onModuleProblems([])
    this.listener.onRefresh()
  }

  // Files that only the version before had may be what is missing now.
  #watchFiles({ type, files }: ImportResult): void {
    this.#moduleFiles = type === 'ready' ? files : [...new Set([...this.#moduleFiles, ...files])]
    this.#watch.set(this.#moduleFiles)
  }

  // The process has ended while it imported: only a change of the modules can help.
  #giveUp(checker: CheckerChild, reason: string): void {
    if (this.#isClosed || this.#incoming !== checker) return
    this.#incoming = undefined
    // Which module it was is not known.
    this.#watch.set([...this.#moduleFiles, join(this.folder, 'package.json')], moduleFolders(this.folder))
    this.#report(`The modules of "${this.folder}" cannot be imported: ${reason}`)
    this.listener.onRefresh()
  }

  #replace(checker: CheckerChild, reason: string): void {
    if (this.#isClosed || this.#current !== checker) return
    this.#current = undefined
    this.#report(`The process with the modules of "${this.folder}" has ended: ${reason}`)
    this.#failures = Date.now() - this.#startedAt < shortLifeMs ? this.#failures + 1 : 1
    if (this.#failures < mostFailures) this.#start({ isRetry: true })
    else this.#pause = setTimeout(() => this.#start({ isRetry: true }), pauseMs).unref()
  }

  #report(message: string): void {
    if (this.#reported.has(message)) return
    this.#reported.add(message)
    this.listener.onTrouble(message)
  }
}

const moduleCodes = new Set(['UNKNOWN_TAG', 'UNKNOWN_FACTORY'])

/** What is wrong with the YAML of a text, and with what it is composed of, where the tags of its classes are not known. */
export async function checkWithoutModules(file: string, text: string): Promise<CheckResult> {
  const registry = currentRegistry()
  const { parsed } = await RunnableText.read(file, { text, isDraft: true })
  const { problems, warnings } = reported(await checkParsedAsync(parsed, registry), parsed, registry)
  return {
    problems: problems.filter(({ code }) => !moduleCodes.has(code)),
    warnings: inFileOrder(warnings),
    included: includedFiles(parsed),
  }
}
