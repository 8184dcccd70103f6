import type { Registry } from '../../registry/registry.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import { classesOf, TapeConstruction } from '../construct/tape-construction.js'
import { validate } from '../construct/validation.js'
import type { ParsedDocument } from '../read/parsed.js'
import { TapeDocument } from '../read/tape-document.js'

/** Whether a schema accepts options. */
export type Accepts = (schema: StandardSchema, options: unknown) => boolean

/** Validates options at once. */
export const accepts: Accepts = (schema, options) => validate(schema, options).issues === undefined

/** Accepts no options: where a schema may be asynchronous, it is called once, for the nodes. */
export const acceptsNone: Accepts = () => false

/**
 * Whether a document that is on a tape has nothing wrong: its tags are known, and the schemas accept all options, in which a stub with the
 * prototype of its class replaces each tagged child. If not, nodes are made to find out what is wrong.
 */
export function isRightOnTape(document: ParsedDocument, registry: Registry, accepts: Accepts): boolean {
  const classes = document instanceof TapeDocument ? classesOf(document.tape, registry) : undefined
  if (!classes) return false
  if (!classes.some(({ schema }) => schema)) return true
  const construction = new TapeConstruction(document as TapeDocument, classes, {
    make({ Class, schema }, options) {
      if (schema && !accepts(schema, options)) throw BAIL_OUT
      return Object.create(Class.prototype)
    },
    keep() {},
    fail(error) {
      throw error
    },
  })
  const isRight = unlessBailedOut(() => {
    construction.construct()
    return true
  })
  return isRight === true
}
