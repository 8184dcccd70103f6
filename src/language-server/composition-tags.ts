import type { JsonSchema } from '../registry/json-schema/keywords.js'

/** A tag that says where a value comes from. */
interface CompositionTag {
  readonly description: string
  /** How it is written. */
  readonly example: string
  /** The options of its form with options. */
  readonly schema?: JsonSchema
}

const text = (description: string): JsonSchema => ({ type: 'string', description })

/** What an editor says about the tags of composition. */
export const compositionHelp: Readonly<Record<string, CompositionTag>> = {
  '!include': {
    description: 'The document of another file, or the part of it at a path',
    example: '!include model.yaml#optimizer',
  },
  '!extends': {
    description: 'The document of another file, with changes',
    example: '!extends { file: base.yaml, set: { optimizer.rate: 0.1 } }',
    schema: {
      properties: {
        file: text('The path of the file, from the folder of this one'),
        set: { type: 'object', description: 'The changes: a value for each path' },
      },
      required: ['file'],
    },
  },
  '!env': {
    description: 'The value of an environment variable',
    example: '!env { name: DATA, default: data.csv }',
    schema: {
      properties: {
        name: text('The name of the variable'),
        default: { description: 'The value if the variable is not set' },
        text: { type: 'boolean', description: 'Whether the value is text, even if it reads as a number' },
      },
      required: ['name'],
    },
  },
  '!ref': { description: 'The value at another path of this document', example: '!ref optimizer.rate' },
  '!format': { description: 'A text with values from other paths', example: '!format "runs/{name}"' },
  '!link': {
    description: 'What the object at a path has, once it exists',
    example: '!link model.parameters',
  },
  '!@': { description: 'The spelling of `!link` in flambé', example: '!@ model.parameters' },
}

/** Whether a tag takes the path of another value in the document. */
export function isReferenceTag(tag: string | undefined): boolean {
  return tag === '!ref' || tag === '!link' || tag === '!@'
}
