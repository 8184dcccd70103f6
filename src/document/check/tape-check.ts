import type { Registry } from '../../registry/registry.js'
import { BAIL_OUT, unlessBailedOut } from '../bail-out.js'
import { planOf, TapeConstruction } from '../construct/tape-construction.js'
import { validate } from '../construct/validation.js'
import type { ParsedDocument } from '../read/parsed.js'

/**
 * Whether a document that is on a tape has nothing wrong: its tags are known, and the schemas accept all options, in which a stub with the
 * prototype of its class replaces each tagged child. If not, nodes are made to find out what is wrong. Where schemas may be
 * asynchronous, they are called once, for the nodes: then `allowsSchemas` is false.
 */
export function isRightOnTape(document: ParsedDocument, registry: Registry, allowsSchemas: boolean): boolean {
  const plan = planOf(document, registry, allowsSchemas)
  if (!plan?.classes.some(({ schema }) => schema)) return plan !== undefined
  const construction = new TapeConstruction(plan, {
    make({ Class, schema }, options) {
      if (schema && validate(schema, options).issues) throw BAIL_OUT
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
