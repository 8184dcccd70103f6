import type { JsonSchema } from '../registry/json-schema/keywords.js'
import { compositionHelp } from './composition-tags.js'
import { type OptionEntry, type TagKnowledge, yamlOf } from './tag-knowledge.js'

/** Describes a tag, in Markdown: its class, what it says of itself, and its options. */
export function documentationOfTag(tag: string, tags: TagKnowledge): string | undefined {
  const help = Object.hasOwn(compositionHelp, tag) ? compositionHelp[tag] : undefined
  if (help) return `**${tag}**\n\n${help.description}\n\n${fenced(help.example)}`
  const entry = tags.get(tag)
  if (!entry) return undefined
  const schema = tags.schemaOf(tag)
  const options = schema ? tags.options([schema]) : []
  const factory = entry.factory === undefined ? '' : `, factory \`${entry.factory}\``
  const parts = [
    `**${tag}** (class \`${entry.className}\`${factory}${entry.isAbstract ? ', abstract' : ''})`,
    entry.description,
    entry.deprecated === undefined ? undefined : `**Deprecated**: ${entry.deprecated}`,
    options.map((option) => `- ${summaryOf(option, tags)}`).join('\n'),
  ]
  return parts.filter((part) => part).join('\n\n')
}

function summaryOf(option: OptionEntry, tags: TagKnowledge): string {
  const description = textOf(option.schema, 'description', tags)
  return `${signatureOf(option, tags)}${description ? `: ${description}` : ''}`
}

function signatureOf({ name, schema, isRequired }: OptionEntry, tags: TagKnowledge): string {
  const preset = keywordOf(schema, 'default', tags)
  const shown = preset === undefined ? (isRequired ? ', required' : '') : `, default \`${yamlOf(preset)}\``
  return `\`${name}\`: \`${tags.typeText(schema)}\`${shown}`
}

/** Describes an option, in Markdown: its type, its default and its description. */
export function documentationOfOption(option: OptionEntry, tags: TagKnowledge): string {
  const deprecated = textOf(option.schema, 'deprecationMessage', tags)
  const isDeprecated = keywordOf(option.schema, 'deprecated', tags) === true
  const parts = [
    signatureOf(option, tags),
    textOf(option.schema, 'title', tags),
    textOf(option.schema, 'description', tags),
    isDeprecated ? `**Deprecated**${deprecated ? `: ${deprecated}` : ''}` : undefined,
  ]
  return parts.filter((part) => part).join('\n\n')
}

function keywordOf(schema: JsonSchema, keyword: string, tags: TagKnowledge): unknown {
  return tags.alternatives(schema).find((each) => each[keyword] !== undefined)?.[keyword]
}

function textOf(schema: JsonSchema, keyword: string, tags: TagKnowledge): string | undefined {
  const value = keywordOf(schema, keyword, tags)
  return typeof value === 'string' ? value : undefined
}

/** A part of a file, as Markdown shows it. */
export function fenced(yaml: string): string {
  return `\`\`\`yaml\n${yaml.replaceAll('```', "'''")}\n\`\`\``
}
