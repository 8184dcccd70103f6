import type { CompletionItem, CompletionItemKind, Range } from 'vscode-languageserver/node'
import { compositionTags } from '../registry/tag.js'
import type { Span } from '../source.js'
import { compositionHelp, isReferenceTag } from './composition-tags.js'
import { documentationOfOption, documentationOfTag } from './documentation.js'
import { includeCandidates, isIncludePath, openIncluded, splitIncludePath } from './included-file.js'
import { type Outline, type OutlineNode, outlineOf, type TextEnd } from './outline.js'
import { completePath, type NextStep, rootAt } from './outline-paths.js'
import {
  contentSchemas,
  counterpart,
  expectedSchemas,
  isInTemplate,
  isTemplate,
  writtenAt,
} from './positions.js'
import { keyOf, type OptionEntry, type TagKnowledge } from './tag-knowledge.js'

// The numbers of the protocol: the enum itself would load the library.
const kinds = {
  value: 12,
  property: 10,
  class: 7,
  file: 17,
  folder: 19,
  reference: 18,
  keyword: 14,
  deprecated: 1,
} as const

/** What a completion is asked for. */
export interface CompletionRequest {
  /** The whole text. */
  readonly outline: Outline
  readonly offset: number
  /** The path of the file. */
  readonly file: string
  readonly tags: TagKnowledge
}

/** A candidate, and the part of the text that it replaces. */
export interface Candidate {
  readonly label: string
  /** What is inserted, if it is not the label. */
  readonly text?: string
  readonly replaced: Span
  readonly kind: CompletionItemKind
  readonly detail?: string | undefined
  readonly documentation?: (() => string | undefined) | undefined
  readonly isDeprecated?: boolean
  /** Orders the groups of candidates. */
  readonly group: number
}

/** What may be written at an offset. */
export function completionsAt(request: CompletionRequest): Candidate[] {
  const before = outlineOf(request.outline.text.slice(0, request.offset))
  const { textEnd } = before
  return textEnd ? new Completer(request, before, textEnd).candidates() : []
}

class Completer {
  readonly #replaced: Span

  constructor(
    readonly request: CompletionRequest,
    readonly before: Outline,
    readonly textEnd: TextEnd,
  ) {
    const { outline, offset } = request
    const rest = /^[^\s,[\]{}#:"']*/.exec(outline.text.slice(offset, offset + 200))![0]
    const { start } = textEnd.word
    // A text of several words is replaced as a whole.
    const whole = textEnd.kind === 'plain' ? writtenAt(outline, offset)?.token : undefined
    this.#replaced = { start, end: whole?.start === start ? whole.end : offset + rest.length }
  }

  candidates(): Candidate[] {
    const { kind, mapping, value, word } = this.textEnd
    const path = value && this.#pathCandidates(value, word.text)
    if (path) return path
    if (kind === 'quoted') return []
    const keys = mapping && !this.#followsTag(mapping) ? this.#keys(mapping) : []
    const isContent = kind !== 'tag' && value?.tag !== undefined
    const all = value && !isContent ? [...keys, ...this.#values(value)] : keys
    // A tag or an alias that was begun is nothing else.
    const [first = ''] = word.text
    return first === '!' || first === '*' ? all.filter(({ label }) => label.startsWith(first)) : all
  }

  /** Whether a tag stands before the cursor on its line, where no key may follow. */
  #followsTag({ tag, style }: OutlineNode): boolean {
    return tag !== undefined && style !== 'flow' && !this.before.text.slice(tag.end).includes('\n')
  }

  #keys(mapping: OutlineNode): Candidate[] {
    const { outline, offset, tags } = this.request
    const schemas = contentSchemas(mapping, tags)
    const entries = counterpart(mapping, this.before, outline)?.entries ?? mapping.entries
    const present = new Set(
      entries
        .filter(
          ({ start, key }) =>
            start !== this.textEnd.word.start && !(key && key.start <= offset && offset <= key.end),
        )
        .map(({ key }) => key?.text),
    )
    const hasColon = /^\s*:/.test(outline.text.slice(this.#replaced.end, this.#replaced.end + 10))
    const injected = mapping.tag ? (tags.get(mapping.tag.text)?.injected ?? []) : []
    const options: OptionEntry[] = [
      ...tags.options(schemas),
      ...injected.map((name) => ({ name, schema: {}, isRequired: false })),
    ]
    return options
      .filter(({ name }) => !present.has(name))
      .map(
        (option): Candidate => ({
          label: option.name,
          text: hasColon ? keyOf(option.name) : `${keyOf(option.name)}: `,
          replaced: this.#replaced,
          kind: kinds.property,
          detail: `${tags.typeText(option.schema)}${option.isRequired ? ', required' : ''}`,
          documentation: () => documentationOfOption(option, tags),
          isDeprecated: option.schema['deprecated'] === true,
          group: option.isRequired ? 0 : 1,
        }),
      )
  }

  #values(node: OutlineNode): Candidate[] {
    const { tags } = this.request
    const { tags: accepted, values } = tags.accepted(expectedSchemas(node, tags))
    const all = tags.all.map(({ tag }) => tag)
    const isAny = !accepted || (node.entry && isTemplate(node.entry, tags))
    const placeholders = isInTemplate(node, tags) ? all.filter((tag) => tags.get(tag)?.isPlaceholder) : []
    const known = isAny ? all : [...new Set([...accepted, ...placeholders])]
    return [
      ...values.map((value): Candidate => this.#candidate(value, kinds.value, 2)),
      ...known.flatMap((tag) => this.#tag(tag)),
      ...[...compositionTags].map(
        (tag): Candidate => ({
          ...this.#candidate(tag, kinds.keyword, 5),
          detail: compositionHelp[tag]?.description,
          documentation: () => documentationOfTag(tag, tags),
        }),
      ),
      ...this.#aliases(),
    ]
  }

  #tag(tag: string): Candidate[] {
    const entry = this.request.tags.get(tag)
    if (!entry || entry.isAbstract) return []
    return [
      {
        ...this.#candidate(tag, kinds.class, entry.deprecated === undefined ? 3 : 6),
        detail: entry.description ?? `class ${entry.className}`,
        documentation: () => documentationOfTag(tag, this.request.tags),
        isDeprecated: entry.deprecated !== undefined,
      },
    ]
  }

  // Those of the anchors above, in this document; not of the collections around the cursor, which cannot contain themselves.
  #aliases(): Candidate[] {
    const document = this.before.roots.length - 1
    const around = this.#around()
    const names = this.before.anchors.filter(
      (anchor) => anchor.kind === 'anchor' && anchor.document === document && !around.includes(anchor.node),
    )
    return [...new Set(names.map(({ text }) => `*${text.slice(1)}`))].map((name) =>
      this.#candidate(name, kinds.reference, 4),
    )
  }

  /** The nodes around the cursor, from the inside. */
  #around(): OutlineNode[] {
    const found: OutlineNode[] = []
    const { value, mapping } = this.textEnd
    for (let node = value ?? mapping; node; node = node.entry?.parent) found.push(node)
    return found
  }

  #candidate(label: string, kind: CompletionItemKind, group: number): Candidate {
    return { label, replaced: this.#replaced, kind, group }
  }

  /** Completes the path of an `!include` or a `!ref`; `undefined` if there is none. */
  #pathCandidates(node: OutlineNode, word: string): Candidate[] | undefined {
    if (this.textEnd.kind === 'tag' || this.textEnd.kind === 'alias') return undefined
    if (isIncludePath(node)) return this.#includes(word)
    const tag = node.tag?.text
    if (isReferenceTag(tag)) return this.#path(word)
    if (tag !== '!format') return undefined
    const open = word.lastIndexOf('{')
    return open === -1 || word.includes('}', open) ? [] : this.#path(word.slice(open + 1))
  }

  #path(path: string): Candidate[] {
    const { outline, offset, tags } = this.request
    const root = rootAt(outline, offset)
    if (!root) return []
    // What contains the reference cannot be its value.
    const around = new Set(this.#around().map(({ entry }) => entry?.start))
    const { start, steps } = completePath(outline, root, path)
    const from = offset - path.length + start
    const rest = /^[\w-]*/.exec(outline.text.slice(offset, offset + 200))![0].length
    return steps
      .filter(({ entry }) => !around.has(entry.start))
      .map((step) => ({
        ...stepCandidate(step, { start: from, end: offset + rest }),
        documentation: () => step.entry.value.tag && documentationOfTag(step.entry.value.tag.text, tags),
      }))
  }

  #includes(word: string): Candidate[] {
    const { file, offset, outline } = this.request
    const { path } = splitIncludePath(word)
    if (path !== undefined) return this.#includedPath(word, path)
    const start = offset - word.length + word.lastIndexOf('/') + 1
    const rest = /^[\w./-]*/.exec(outline.text.slice(offset, offset + 200))![0].length
    return includeCandidates(file, word).map((each) => ({
      label: each,
      replaced: { start, end: offset + rest },
      kind: each.endsWith('/') ? kinds.folder : kinds.file,
      group: each.endsWith('/') ? 1 : 0,
    }))
  }

  #includedPath(spec: string, path: string): Candidate[] {
    const { file, offset } = this.request
    const included = openIncluded(file, spec)
    if (!included) return []
    const { start, steps } = completePath(included.outline, included.root, path)
    const replaced = { start: offset - path.length + start, end: offset }
    return steps.map((step) => stepCandidate(step, replaced))
  }
}

function stepCandidate({ text, entry: { value } }: NextStep, replaced: Span): Candidate {
  const detail = value.tag?.text ?? value.content?.text.slice(0, 60)
  return { label: text, replaced, kind: kinds.reference, detail, group: 0 }
}

/** Of more candidates, an editor asks for the documentation of the one that is selected. */
const mostDocumented = 200

/** The candidates as the protocol has them; `rangeOf` converts offsets. */
export function toCompletionItems(
  candidates: readonly Candidate[],
  rangeOf: (span: Span) => Range,
): CompletionItem[] {
  const isShort = candidates.length <= mostDocumented
  return candidates.map(({ documentation, ...candidate }) =>
    toCompletionItem(isShort ? { ...candidate, documentation } : candidate, rangeOf),
  )
}

function toCompletionItem(candidate: Candidate, rangeOf: (span: Span) => Range): CompletionItem {
  const {
    label,
    text: newText = label,
    replaced,
    kind,
    detail,
    documentation,
    isDeprecated,
    group,
  } = candidate
  const item: CompletionItem = {
    label,
    kind,
    sortText: `${group}${label}`,
    filterText: label,
    textEdit: { range: rangeOf(replaced), newText },
  }
  if (detail !== undefined) item.detail = detail
  const text = documentation?.()
  if (text !== undefined) item.documentation = { kind: 'markdown', value: text }
  if (isDeprecated) item.tags = [kinds.deprecated]
  return item
}
