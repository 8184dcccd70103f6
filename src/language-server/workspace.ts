import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Connection, Range } from 'vscode-languageserver/node'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import { isFlambeauError, type Problem } from '../errors.js'
import { isApplicationTag } from '../node.js'
import { isInProject, readProject } from '../project.js'
import { isCompositionTag } from '../registry/tag.js'
import type { Span } from '../source.js'
import { absolutePath, isPersonal } from '../util/paths.js'
import { printable } from '../util/printable.js'
import { diagnosticOf, pointOf, type ShownProblem, shownProblems } from './diagnostics.js'
import type { CheckResult } from './messages.js'
import { type Outline, outlineOf } from './outline.js'
import { rangeIn } from './positions.js'
import { builtInTags, checkWithoutModules, ProjectChecker } from './project-checker.js'
import { TagKnowledge } from './tag-knowledge.js'
import { FileWatch } from './watch.js'

/** In UTF-16 units. */
const largestText = 2_000_000

/** A file that is open in the editor. */
export class OpenFile {
  readonly path: string
  /** What is shown of it. */
  shown: readonly ShownProblem[] = []
  project: ProjectChecker | undefined
  /** The tags of a file with extensions. */
  ownTags: TagKnowledge | undefined
  included: readonly string[] = []
  /** Whether its project was searched. */
  isLocated = false
  /** Whether a check is under way, and whether its text has changed since. */
  isChecking = false
  isStale = false
  isClosed = false
  #outline: Outline | undefined

  constructor(public document: TextDocument) {
    this.path = pathOf(document.uri)
  }

  get outline(): Outline {
    const text = this.document.getText()
    if (this.#outline?.text !== text) this.#outline = outlineOf(text)
    return this.#outline
  }

  get isTooLarge(): boolean {
    return this.document.getText().length > largestText
  }

  get tags(): TagKnowledge {
    return this.ownTags ?? this.project?.tags ?? builtInTags()
  }

  rangeOf(span: Span): Range {
    return rangeIn(this.document, span)
  }

  /**
   * Whether the file is one of this package: it has a tag at the top, a tag that is known, or a tag that was written as a key. Other
   * YAML files have other tools.
   */
  get isOurs(): boolean {
    const { outline, tags } = this
    const root = outline.roots.at(-1)
    if (isApplicationTag(root?.tag?.text)) return true
    if (outline.tagged.some(({ tag }) => isKnown(tag!.text, tags))) return true
    const [entry, ...others] = root?.entries ?? []
    return root?.kind === 'mapping' && others.length === 0 && tags.has(`!${entry?.key?.text}`)
  }
}

/** Whether a tag, or the class of its factory, is known. */
function isKnown(tag: string, tags: TagKnowledge): boolean {
  return tags.has(tag) || isCompositionTag(tag) || tags.has(tag.slice(0, tag.lastIndexOf('.')))
}

function pathOf(uri: string): string {
  try {
    return fileURLToPath(uri)
  } catch {
    // An unsaved file, whose paths start at the current folder.
    return join(process.cwd(), 'untitled.yaml')
  }
}

/** The open files, and the projects that they are in. */
export class Workspace {
  readonly #files = new Map<string, OpenFile>()
  readonly #projects = new Map<string, ProjectChecker>()
  /** The files for which problems of modules are shown, by project. */
  readonly #moduleFiles = new Map<string, ReadonlySet<string>>()
  readonly #includes = new FileWatch(() => this.refresh())
  readonly #settings = new FileWatch(() => void this.#findProjects())

  constructor(readonly connection: Connection) {}

  /** An open file; `undefined` for one that is too large to be read at each key stroke. */
  file(uri: string): OpenFile | undefined {
    const file = this.#files.get(uri)
    return file?.isTooLarge ? undefined : file
  }

  open(document: TextDocument): void {
    const file = new OpenFile(document)
    this.#files.set(document.uri, file)
    void this.#findProject(file).then(() => this.#check(file))
  }

  change(document: TextDocument): void {
    const file = this.#files.get(document.uri)
    if (!file) return
    file.document = document
    void this.#check(file)
  }

  closeFile(uri: string): void {
    const file = this.#files.get(uri)
    if (!file) return
    file.isClosed = true
    this.#files.delete(uri)
    this.#publish(uri, [])
    this.#dropUnused()
    this.#watchIncludes()
    this.#watchSettings()
  }

  /** Checks all files again. */
  refresh(): void {
    for (const file of this.#files.values()) void this.#check(file)
  }

  close(): void {
    for (const project of this.#projects.values()) project.close()
    this.#projects.clear()
    this.#includes.close()
    this.#settings.close()
  }

  async #findProjects(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => this.#findProject(file)))
    this.#dropUnused()
    this.refresh()
  }

  async #findProject(file: OpenFile): Promise<void> {
    const folder = await this.#projectFolder(file.path)
    // Nobody would end the process of its project.
    if (file.isClosed) return
    file.ownTags = undefined
    file.project = folder === undefined ? undefined : this.#projectIn(folder)
    file.isLocated = true
    this.#watchSettings()
  }

  // The setting may have mistakes: then the process of its folder reports them.
  async #projectFolder(path: string): Promise<string | undefined> {
    try {
      const project = await readProject(dirname(path))
      return project && isInProject(project, path) ? project.folder : undefined
    } catch (error) {
      const [problem] = isFlambeauError(error) ? error.problems : []
      return problem && dirname(absolutePath(problem.file))
    }
  }

  #projectIn(folder: string): ProjectChecker {
    const known = this.#projects.get(folder)
    if (known) return known
    const project = new ProjectChecker(folder, {
      onRefresh: () => this.#refreshProject(project),
      onModuleProblems: (problems) => this.#showModuleProblems(folder, problems),
      onTrouble: (message) => this.#showMessage(message),
      // Standard error may have no reader, and would then block.
      onOutput: (text) => this.#notify('window/logMessage', { type: 4, message: printable(text.trimEnd()) }),
    })
    this.#projects.set(folder, project)
    return project
  }

  #dropUnused(): void {
    const used = new Set([...this.#files.values()].map(({ project }) => project))
    for (const [folder, project] of this.#projects)
      if (!used.has(project)) {
        project.close()
        this.#projects.delete(folder)
        this.#showModuleProblems(folder, [])
      }
  }

  #refreshProject(project: ProjectChecker): void {
    for (const file of this.#files.values())
      if (file.project === project) {
        file.ownTags = undefined
        void this.#check(file)
      }
  }

  // A file may be in another project when a package.json above it gets the setting.
  #watchSettings(): void {
    this.#settings.set([...this.#files.values()].flatMap(({ path }) => manifestsAbove(dirname(path))))
  }

  #watchIncludes(): void {
    this.#includes.set([...this.#files.values()].flatMap(({ included }) => included))
  }

  // One check of a file at a time: the texts between are of no interest.
  async #check(file: OpenFile): Promise<void> {
    file.isStale = true
    if (file.isChecking || !file.isLocated) return
    file.isChecking = true
    try {
      while (file.isStale && !file.isClosed) {
        file.isStale = false
        await this.#checkOnce(file)
      }
    } finally {
      file.isChecking = false
    }
  }

  async #checkOnce(file: OpenFile): Promise<void> {
    const { document, path, project } = file
    const text = document.getText()
    const version = document.version
    if (file.isTooLarge || !file.isOurs) return this.#show(file, [], version)
    const result = await checked(project, path, text)
    if (file.isClosed) return
    file.ownTags = result.catalog && new TagKnowledge(result.catalog)
    if (String(file.included) !== String(result.included)) {
      file.included = result.included
      this.#watchIncludes()
    }
    // Positions count in the text that was checked.
    if (document.version !== version || document.getText() !== text) return
    this.#show(file, this.#shown(file, result), version)
  }

  #shown(file: OpenFile, { problems, warnings }: CheckResult): ShownProblem[] {
    const { document, path } = file
    const found = [
      ...shownProblems(problems, { document, file: path, severity: 'error' }),
      ...shownProblems(warnings, { document, file: path, severity: 'warning' }),
    ]
    const outside = file.project ? undefined : noProject(file)
    if (!outside) return found
    return [...found, ...shownProblems([outside], { document, file: path, severity: 'information' })]
  }

  #show(file: OpenFile, shown: readonly ShownProblem[], version: number): void {
    file.shown = shown
    this.#publish(
      file.document.uri,
      shown.map(({ diagnostic }) => diagnostic),
      version,
    )
  }

  #publish(uri: string, diagnostics: ShownProblem['diagnostic'][], version?: number): void {
    const params = { uri, diagnostics }
    void this.connection.sendDiagnostics(version === undefined ? params : { ...params, version })
  }

  // "window.showErrorMessage" would ask for an answer, which not every editor gives.
  #showMessage(message: string): void {
    this.#notify('window/showMessage', { type: 1, message: printable(message) })
  }

  #notify(method: string, params: object): void {
    void this.connection.sendNotification(method, params)
  }

  #showModuleProblems(folder: string, problems: readonly Problem[]): void {
    const files = new Set(problems.map(({ file }) => file))
    for (const file of new Set([...(this.#moduleFiles.get(folder) ?? []), ...files])) {
      const own = problems.filter((problem) => problem.file === file)
      const diagnostics = own.map((problem) => {
        const { start } = pointOf(problem)
        const { start: end } = pointOf({ line: problem.endLine, column: problem.endColumn })
        return diagnosticOf(problem, { start, end }, 'error')
      })
      this.#publish(pathToFileURL(file).href, diagnostics)
    }
    this.#moduleFiles.set(folder, files)
  }
}

async function checked(
  project: ProjectChecker | undefined,
  path: string,
  text: string,
): Promise<CheckResult> {
  try {
    return await (project ? project.check(path, text) : checkWithoutModules(path, text))
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return { problems: error.problems, warnings: [], included: [] }
  }
}

/** The package.json files at and above a folder. */
function manifestsAbove(folder: string): string[] {
  const found: string[] = []
  for (let each = folder; !isPersonal(each); each = dirname(each)) {
    const file = join(each, 'package.json')
    if (existsSync(file) || each === folder) found.push(file)
    if (dirname(each) === each) break
  }
  return found
}

// Without modules, no tag of a class is known.
function noProject(file: OpenFile): Problem | undefined {
  const node = file.outline.tagged.find(({ tag }) => {
    const name = tag!.text
    return isApplicationTag(name) && !isCompositionTag(name) && !file.tags.has(name)
  })
  if (!node?.tag) return undefined
  const { start, end } = file.rangeOf(node.tag)
  const message = `No package.json above this file names the modules that register "${node.tag.text}", so tags are not checked: add "flambeau": { "imports": ["./src/index.js"] } to it`
  return {
    code: 'NO_MODULES',
    message,
    file: file.path,
    line: start.line + 1,
    column: start.character + 1,
    endLine: end.line + 1,
    endColumn: end.character + 1,
    frame: '',
  }
}
