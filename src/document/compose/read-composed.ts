import { isApplicationTag, type Node } from '../../node.js'
import { currentRegistry } from '../../registry/default-registry.js'
import type { Overrides } from '../edit/override.js'
import { type ParsedOverrides, parseOverrides } from '../edit/parse-overrides.js'
import { importTags } from '../import-tags.js'
import { includeNodes, includesFile } from '../include-spec.js'
import { partsOf } from '../nodes.js'
import { nodeProblem } from '../problems.js'
import { parse, type ReadOptions } from '../read/parse.js'
import type { Environment, ParsedText } from '../read/parsed.js'
import { readText } from '../read/read-text.js'
import { compose, isComposed, type NoFiles } from './compose.js'
import { IncludedFiles } from './files.js'

/** What a text may take from elsewhere. */
export interface ComposeOptions {
  /** Changes to the document, made before anything is checked or constructed. */
  set?: Overrides | undefined
  /** The environment variables that `!env` sees: a record, or `false` for none. */
  env?: Environment | undefined
}

/** What a file may take from elsewhere. */
export interface ComposeFileOptions extends ComposeOptions {
  /** Whether the file may include others with `!include` and `!extends`; default `true`. Set it to `false` for files of strangers. */
  include?: boolean | undefined
  /**
   * The folder outside which no file is included; when absent, the folder of the nearest `package.json` above the file,
   * or that of the file.
   */
  includeRoot?: string | URL | undefined
}

/** @internal Files that no file may include, such as the secrets file. */
export interface ForbiddenFiles {
  forbidden?: readonly string[] | undefined
}

/** @internal What replaces the content of a file. */
export interface GivenText {
  /** The text of the file, if it was read already, as from standard input. */
  text?: string | undefined
  /** Whether the text is being typed, and so probably broken. */
  isDraft?: boolean | undefined
}

/** Options of reading a text. */
type TextOptions = ComposeOptions & Pick<ReadOptions, 'registry'>

/** Parses a text, which includes no files and sees no environment variables unless `env` has some. */
export function parseComposed(text: string, filename: string, options: TextOptions): ParsedText {
  const parsed = parse(text, filename)
  if (options.set === undefined && !isComposed(parsed)) return parsed
  const changes = overridesFor(parsed, options)
  return composed(parsed, 'text', { ...changes, env: options.env ?? false })
}

/** What {@link readComposed} takes; `filename` replaces the path in messages. */
type FileOptions = ComposeFileOptions &
  ForbiddenFiles &
  GivenText &
  Pick<ReadOptions, 'filename' | 'registry'>

/**
 * Reads and parses a file and those that it includes.
 *
 * @throws {@link ResourceError} when the file does not exist or is not text.
 */
export async function readComposed(file: string | URL, options: FileOptions): Promise<ParsedText> {
  const composed = await readFiles(file, options)
  const { registry = currentRegistry() } = options
  if (registry.lazyTags) await importTags(composed, registry)
  return composed
}

async function readFiles(file: string | URL, options: FileOptions): Promise<ParsedText> {
  const { env = process.env, include = true, includeRoot, forbidden } = options
  const { text, filename: path } = await textOf(file, options)
  const parsed = parse(text, options.filename ?? path, { isDraft: options.isDraft })
  if (options.set === undefined && !isComposed(parsed)) return parsed
  const changes = overridesFor(parsed, options)
  const nodes = [...includeNodes(parsed), ...changes.overrides.flatMap(({ value }) => includesIn(value))]
  // Most files include nothing.
  const files =
    include && nodes.length > 0
      ? await IncludedFiles.read({ parsed, path }, nodes, { includeRoot, forbidden })
      : 'turned off'
  return composed(parsed, files, { ...changes, env })
}

async function textOf(file: string | URL, { text }: GivenText): Promise<{ text: string; filename: string }> {
  return text === undefined ? readText(file) : { text, filename: String(file) }
}

function composed(
  parsed: ParsedText,
  files: IncludedFiles | NoFiles,
  { overrides, problems, env }: ParsedOverrides & { env: Environment },
): ParsedText {
  const whole = compose(parsed, { files, overrides })
  const all = problems.length > 0 ? [...whole.problems, ...problems] : whole.problems
  return { ...whole, problems: all, environment: env }
}

const noOverrides: ParsedOverrides = { overrides: [], problems: [] }

function overridesFor(
  parsed: ParsedText,
  { set, registry = currentRegistry() }: TextOptions,
): ParsedOverrides {
  if (set === undefined) return noOverrides
  const { overrides, problems } = parseOverrides(set, registry)
  const second = parsed.documents[1]
  const isRunnable = parsed.documents.length === 2 && isApplicationTag(second?.root.tag)
  if (overrides.length === 0 || !second || isRunnable) return { overrides, problems }
  const message = `Overrides change one document, but this is the second of ${parsed.documents.length}: split the file`
  return {
    overrides: [],
    problems: [...problems, nodeProblem(second.root, parsed.source, 'SEVERAL_DOCUMENTS', message)],
  }
}

function includesIn(node: Node | undefined): readonly Node[] {
  if (!node) return []
  const own = includesFile(node) ? [node] : []
  return [...own, ...partsOf(node).flatMap(includesIn)]
}
