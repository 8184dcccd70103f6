import { StderrLogger } from '../logger.js'
import { defaultRegistry } from '../registry/default-registry.js'
import { customTags, jsonSchema } from '../registry/json-schema/json-schema.js'
import { importOwnTags } from '../registry/own-tags.js'
import type { ResolvedTag } from '../registry/registration.js'
import { type Command, Option } from './commander.js'
import { commandOf } from './commands.js'
import { withExamples } from './help.js'
import { type LogFlags, levelOf } from './log-level.js'
import { type ImportFlags, withImports } from './options.js'
import { printLine } from './output.js'
import { completeSettings, importSettings } from './settings.js'

/** `flambeau tags`. */
export function tagsCommand(): Command {
  const command = commandOf('tags').option('--json', 'print one JSON array')
  return withExamples(withImports(command), 'flambeau tags --import ./train.js').action(tags)
}

async function tags({ json, ...flags }: ImportFlags & LogFlags & { json?: true }): Promise<void> {
  await importOf(flags)
  const all = defaultRegistry.tags().map((tag) => described(defaultRegistry.get(tag)!))
  if (json) return printLine(JSON.stringify(all, null, 2))
  const width = Math.max(...all.map(({ tag }) => tag.length))
  for (const { tag, class: className, factories, deprecated, description } of all) {
    const notes = [
      tag !== `!${className}` && `class ${className}`,
      description,
      factories.length > 0 && `factories: ${factories.join(', ')}`,
      deprecated && `deprecated: ${deprecated}`,
    ]
    printLine(`${tag.padEnd(width)}  ${notes.filter(Boolean).join('; ')}`.trimEnd())
  }
}

function described({ tag, Class, definition, deprecated }: ResolvedTag) {
  const factories = [...definition.factories.keys()]
  return { tag, class: Class.name, factories, description: definition.description, deprecated }
}

async function importOf(flags: ImportFlags & LogFlags): Promise<void> {
  await importOwnTags()
  const use = { files: [], uses: [], logger: new StderrLogger(levelOf(flags)) }
  await importSettings(await completeSettings(flags, use))
}

interface SchemaFlags extends ImportFlags, LogFlags {
  customTags?: true
}

/** `flambeau schema`. */
export function schemaCommand(): Command {
  const command = commandOf('schema').option(
    '--custom-tags',
    'print the list for the editor setting "yaml.customTags" instead',
  )
  return withExamples(
    withImports(command),
    'flambeau schema --import ./train.js > flambeau.schema.json',
  ).action(schema)
}

async function schema({ customTags: tags, ...flags }: SchemaFlags): Promise<void> {
  await importOf(flags)
  printLine(JSON.stringify(tags ? customTags() : jsonSchema(), null, 2))
}

/** `flambeau lsp`. */
export function lspCommand(): Command {
  const command = commandOf('lsp').addOption(
    new Option('--stdio', 'the same; editors that start language servers may pass it'),
  )
  return withExamples(command, 'flambeau lsp').action(async () => {
    const { serve } = await import('../language-server/server.js')
    serve()
  })
}
