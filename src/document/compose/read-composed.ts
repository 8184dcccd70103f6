import type { Overrides } from '../edit/override.js'
import { parse } from '../read/parse.js'
import type { Environment, ParsedText } from '../read/parsed.js'
import { readText } from '../read/read-text.js'
import { compose } from './compose.js'
import { IncludedFiles } from './files.js'
import { includeNodes } from './include-spec.js'

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

/** Parses a text, which includes no files and sees no environment variables unless `env` has some. */
export function parseComposed(text: string, filename: string, { env = false }: ComposeOptions): ParsedText {
  return { ...compose(parse(text, filename), 'text'), environment: env }
}

/** What {@link readComposed} takes; `filename` replaces the path in messages. */
type ReadComposedOptions = ComposeFileOptions & ForbiddenFiles & { filename?: string | undefined }

/**
 * Reads and parses a file and those that it includes.
 *
 * @throws {@link ResourceError} when the file does not exist or is not text.
 */
export async function readComposed(file: string | URL, options: ReadComposedOptions): Promise<ParsedText> {
  const { env = process.env, include = true, includeRoot, forbidden } = options
  const { text, filename: path } = await readText(file)
  const parsed = parse(text, options.filename ?? path)
  const nodes = includeNodes(parsed)
  // Most files include nothing.
  const files =
    include && nodes.length > 0
      ? await IncludedFiles.read({ parsed, path }, nodes, { includeRoot, forbidden })
      : 'turned off'
  return { ...compose(parsed, files), environment: env }
}
