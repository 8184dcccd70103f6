/** What is timed: each makes a function of a text. Imports are inside, so that a process loads its own subject only. */
import { forTheExactWay, tags } from './texts.js'

const classes = tags.map(
  (name) =>
    ({
      [name]: class {
        constructor(options = {}) {
          this.options = options
        }
      },
    })[name],
)

async function loadWith(count) {
  const { load, registry } = await flambeau()
  for (let at = classes.length; at < count; at++) registry.add(class {}, `!Other${at}`)
  return once(forTheExactWay, (text) => load(text, { registry }))
}

async function flambeau() {
  const library = await import('flambeau')
  const registry = new library.Registry()
  for (const Class of classes) registry.add(Class, `!${Class.name}`)
  return { ...library, registry }
}

export const subjects = {
  'yaml parseDocument': async () => (await import('yaml')).parseDocument,

  'flambeau load': async () => {
    const { load, registry } = await flambeau()
    return (text) => load(text, { registry })
  },

  'flambeau load, the exact way': async () => {
    const { load, registry } = await flambeau()
    return once(forTheExactWay, (text) => load(text, { registry }))
  },

  'flambeau load with 40 classes registered': () => loadWith(40),
  'flambeau load with 2,000 classes registered': () => loadWith(2_000),

  'js-yaml 5 load': async () => {
    const { CORE_SCHEMA, defineMappingTag, defineScalarTag, load } = await import('js-yaml')
    const mapping = (Class) =>
      defineMappingTag(`!${Class.name}`, {
        create: () => ({}),
        addPair: (carrier, key, value) => {
          carrier[key] = value
          return ''
        },
        has: (carrier, key) => Object.hasOwn(carrier, key),
        keys: (result) => Object.keys(result.options),
        get: (result, key) => result.options[key],
        finalize: (carrier) => new Class(carrier),
        identify: () => false,
      })
    const empty = (Class) =>
      defineScalarTag(`!${Class.name}`, { resolve: () => new Class(), identify: () => false })
    const schema = CORE_SCHEMA.withTags(classes.map(mapping), classes.map(empty))
    return (text) => load(text, { schema })
  },

  'js-yaml 4 load': async () => {
    const { default: yaml } = await import('js-yaml-4')
    const type = (Class, kind) =>
      new yaml.Type(`!${Class.name}`, { kind, construct: (options) => new Class(options ?? {}) })
    const schema = yaml.DEFAULT_SCHEMA.extend(
      classes.flatMap((Class) => [type(Class, 'mapping'), type(Class, 'scalar')]),
    )
    return (text) => yaml.load(text, { schema })
  },

  'yaml stringify': async () => {
    const { parseDocument } = await import('yaml')
    return once(parseDocument, (document) => document.toString())
  },

  'flambeau dump, comments kept': async () => {
    const { load, dump, registry } = await flambeau()
    return once(
      (text) => load(text, { registry }),
      (value) => dump(value, { registry }),
    )
  },

  'yaml stringify of plain data': async () => {
    const { parse, stringify } = await import('yaml')
    return once((text) => parse(text, { logLevel: 'silent' }), stringify)
  },

  'flambeau dump of objects made in code': async () => {
    const { load, dump, registry } = await flambeau()
    return once(
      (text) => remade(load(text, { registry })),
      (value) => dump(value, { registry }),
    )
  },
}

// The same graph without a memory of the text.
function remade(value) {
  if (Array.isArray(value)) return value.map(remade)
  if (typeof value !== 'object' || value === null) return value
  const Class = value.constructor
  if (Class !== Object) return new Class(remade(value.options))
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, remade(child)]))
}

/** Times `work` alone: what it works on is made once for each text. */
function once(prepare, work) {
  const prepared = new Map()
  return (text) => {
    if (!prepared.has(text)) prepared.set(text, prepare(text))
    return work(prepared.get(text))
  }
}
