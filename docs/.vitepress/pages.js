// The pages of the site: the guides, in groups and in the order in which they are read, and the Markdown files at the top
// of the repository that they link to. The source of a page keeps its path on GitHub; the site has shorter ones.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

const guides = {
  'Getting started': ['start-here', 'registry', 'runnable-file', 'running'],
  Files: ['composition', 'secrets', 'extensions'],
  'Sweeps, pools, clusters': ['sweeps', 'pools', 'clusters'],
  'Looking back': ['records', 'report'],
  'Testing and tools': ['testing', 'tools', 'editor'],
  Background: ['security', 'performance', 'architecture', 'compared', 'from-flambe'],
}

/** The families of errors, below errors.md. */
const errors = [
  'tags',
  'yaml',
  'composition',
  'references',
  'files',
  'extensions',
  'secrets',
  'registering',
  'clusters',
  'pools',
]

/** Pages outside docs/, by their source. */
const others = {
  'README.md': 'index.md',
  'examples/README.md': 'examples.md',
  'examples/extension/README.md': 'examples/extension.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'reporting.md',
  'CHANGELOG.md': 'changelog.md',
}

/** The path of a page on the site, from that of its source; undefined for what is not on the site. */
export function pageOf(source) {
  return others[source] ?? /^docs\/((?:errors\/)?[\w-]+\.md)$/.exec(source)?.[1]
}

/** Patterns of Markdown that is no page. */
export const excluded = [
  '{.github,bench,build,coverage,dist,src,test}/**',
  ...readdirSync(resolve(repository, 'examples'))
    .filter((name) => name !== 'extension' && name !== 'README.md')
    .map((name) => `examples/${name}/**`),
]

/** The groups of the sidebar. A guide that is missing in them fails the build. */
export function sidebar() {
  checkComplete()
  const groups = Object.entries(guides).map(([text, names]) => ({
    text,
    items: names.map((name) => item(`docs/${name}.md`)),
  }))
  const project = ['examples/README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].map(item)
  return [...groups.slice(0, -1), errorGroup(), ...groups.slice(-1), { text: 'Project', items: project }]
}

function errorGroup() {
  const items = errors.map((family) => item(`docs/errors/${family}.md`))
  const short = items.map(({ text, link }) => ({ text: capitalized(text.replace('Errors: ', '')), link }))
  return { ...item('docs/errors.md'), collapsed: true, items: short }
}

function item(source) {
  const [, text] = /^# (.+)$/m.exec(readFileSync(resolve(repository, source), 'utf8'))
  return { text, link: `/${pageOf(source).replace(/\.md$/, '')}` }
}

function capitalized(text) {
  return text[0].toUpperCase() + text.slice(1)
}

function checkComplete() {
  const listed = new Set([
    'errors',
    ...Object.values(guides).flat(),
    ...errors.map((name) => `errors/${name}`),
  ])
  const missing = readdirSync(resolve(repository, 'docs'), { recursive: true })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => pageOf(`docs/${path}`) && !listed.has(path.replace(/\.md$/, '')))
  if (missing.length > 0)
    throw new Error(`docs/.vitepress/pages.js does not list ${missing.map((path) => `"${path}"`).join(', ')}`)
}

/**
 * Where a link of a page leads: `page`, a path on the site; or `file`, one of the repository that is no page; or
 * neither, for another site. `source` is the file that has the link.
 */
export function resolveLink(href, source) {
  if (/^[a-z]+:|^#/.test(href)) return {}
  const [path, anchor] = href.split('#')
  const file = relative(repository, resolve(dirname(source), path))
    .split(sep)
    .join('/')
  if (!existsSync(resolve(repository, file)))
    throw new Error(`${source}: the link "${href}" leads to no file`)
  const page = pageOf(file)
  return page ? { page: `/${page}${anchor ? `#${anchor}` : ''}` } : { file }
}

/** The path of a file of the site, relative to a page. */
export function fromPage(page, file) {
  return posix.relative(posix.dirname(page), file)
}
