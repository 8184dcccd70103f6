import { Command } from 'commander'
import { customTags } from '../registry/json-schema/custom-tags.js'
import { jsonSchema } from '../registry/json-schema/json-schema.js'
import { importModules } from './import-modules.js'
import { withImports } from './options.js'
import { printLine } from './print-line.js'

interface SchemaFlags {
  import: string[]
  customTags?: true
}

/** `flambeau schema`. */
export function schemaCommand(): Command {
  const command = new Command('schema')
    .description('print a JSON Schema of the files, by which editors complete and complain')
    .option('--custom-tags', 'print the list for the setting yaml.customTags instead')
  return withImports(command).action(schema)
}

async function schema({ import: modules, customTags: tags }: SchemaFlags): Promise<void> {
  await importModules(modules)
  printLine(JSON.stringify(tags ? customTags() : jsonSchema(), null, 2))
}
