import { ConstructionError, DocumentError } from '../../errors.js'
import type { LinkNode } from '../../node.js'
import { reportProblems } from '../../problem-report.js'
import { nearest } from '../../registry/suggest.js'
import type { Source } from '../../source.js'
import { messageOf } from '../../util/thrown.js'
import { unreadable } from '../compose/reference-sites.js'
import { attachSource, nodeProblem } from '../problems.js'
import { maskVariables } from './variable-mask.js'

/**
 * Reads what an object has at the rest of a link: own and inherited data, also through getters, but no functions, no
 * constructor and no secrets.
 *
 * @throws {@link DocumentError} that points at the link and names what there is.
 */
export function readLink(link: LinkNode, object: unknown, source: Source): unknown {
  let value = object
  for (const step of link.rest) value = new AttributeReader(link, source).read(value, step)
  return value
}

class AttributeReader {
  constructor(
    readonly link: LinkNode,
    readonly source: Source,
  ) {}

  read(value: unknown, step: string | number): unknown {
    if (typeof value !== 'object' || value === null)
      return this.#fail(`${describeValue(value)} has no attributes, so it has no "${step}"`)
    return typeof step === 'number' ? this.#item(value, step) : this.#attribute(value, step)
  }

  #item(value: object, index: number): unknown {
    if (!Array.isArray(value) && !ArrayBuffer.isView(value))
      return this.#fail(`${describeValue(value)} is not an array, so it has no [${index}]`)
    const items = value as unknown as ArrayLike<unknown>
    const absolute = index < 0 ? items.length + index : index
    if (absolute >= 0 && absolute < items.length) return this.#data(items[absolute], `[${index}]`)
    return this.#fail(`The array has ${items.length} items, so it has no [${index}]`)
  }

  #attribute(object: object, name: string): unknown {
    const found = unreadable.has(name) ? undefined : descriptorOf(object, name)
    if (!found) return this.#missing(object, name)
    if ('value' in found) return this.#data(found.value, name)
    if (!found.get) return this.#missing(object, name)
    let value: unknown
    try {
      value = Reflect.get(object, name)
    } catch (cause) {
      throw this.#thrown(name, cause)
    }
    return this.#data(value, name)
  }

  #data(value: unknown, name: string): unknown {
    return typeof value === 'function' ? this.#fail(`"${name}" is a function: a link reads only data`) : value
  }

  #missing(object: object, name: string): never {
    const names = attributesOf(object)
    const meant = nearest(name, names)
    const listed = names
      .slice(0, 5)
      .map((each) => `"${each}"`)
      .join(', ')
    const known = names.length === 0 ? 'it has none' : `it has ${listed}${names.length > 5 ? ', …' : ''}`
    const remedy = meant === undefined ? known : `did you mean "${meant}"?`
    return this.#fail(`${describeValue(object)} has no attribute "${name.slice(0, 64)}": ${remedy}`)
  }

  #fail(message: string): never {
    const problems = [nodeProblem(this.link, this.source, 'BAD_LINK', message)]
    throw attachSource(this.source, new DocumentError(reportProblems(problems), { problems }))
  }

  #thrown(name: string, cause: unknown): ConstructionError {
    const reason = maskVariables(messageOf(cause), this.link).split('\n', 1)[0]!.replace(/\.$/, '')
    const message = `Attribute "${name}" could not be read: ${reason}`
    const problems = [nodeProblem(this.link, this.source, 'BAD_LINK', message)]
    return attachSource(this.source, new ConstructionError(reportProblems(problems), { problems, cause }))
  }
}

function describeValue(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : `A ${typeof value}`
  if (Array.isArray(value)) return 'An array'
  const prototype = Object.getPrototypeOf(value)
  const name = prototype === null ? undefined : prototype.constructor?.name
  return name === undefined || name === 'Object' ? 'A mapping' : `An object of class "${name}"`
}

// Without what every object inherits.
function* prototypesOf(object: object): Generator<object> {
  for (
    let next: object | null = object;
    next && next !== Object.prototype;
    next = Object.getPrototypeOf(next)
  )
    yield next
}

function descriptorOf(object: object, name: string): PropertyDescriptor | undefined {
  for (const owner of prototypesOf(object)) {
    const found = Object.getOwnPropertyDescriptor(owner, name)
    if (found) return found
  }
  return undefined
}

function attributesOf(object: object): string[] {
  const names = new Set<string>()
  for (const owner of prototypesOf(object))
    for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(owner)))
      if (!unreadable.has(name) && !name.startsWith('_') && (get || typeof value !== 'function'))
        names.add(name)
  return [...names]
}
