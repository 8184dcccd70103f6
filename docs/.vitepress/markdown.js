// What the guides need beyond the Markdown of VitePress: the anchors of GitHub, links between files of the repository, links
// to the reference, diagrams as pictures, and code of which nothing is hidden on a narrow screen.
import { existsSync, readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { renderMermaidSVG } from 'beautiful-mermaid'
import { fromPage, repository, resolveLink } from './pages.js'

/** The anchor of a heading, as GitHub makes it: links between guides work there, too. */
export function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-')
}

/**
 * Marks the lines whose columns stand below each other: those of a frame or of a table. They scroll; others wrap, further
 * to the right than they begin.
 */
export const keepColumns = {
  name: 'keep-columns',
  line(node) {
    const text = textOf(node)
    const indent = /^ */.exec(text)[0].length
    if (indent > 0) node.properties.style = `--indent:${Math.min(indent, 12)}`
    if (/^ *\d* \|/.test(text) || /^ +\^+/.test(text) || (isOutput(this) && /\S {2,}\S/.test(text)))
      this.addClassToHast(node, 'columns')
  },
}

function isOutput({ options }) {
  return ['text', 'txt', 'console', 'shellsession', '', undefined].includes(options.lang)
}

function textOf(node) {
  return node.type === 'text' ? node.value : (node.children ?? []).map(textOf).join('')
}

export function extendMarkdown(md) {
  // A guide is what GitHub shows: "running.md" is no address, and ":x:" no picture.
  md.set({ linkify: false }).disable('emoji')
  md.core.ruler.push('front-page', withoutTitle)
  md.core.ruler.push('repository-links', resolveLinks)
  md.core.ruler.push('reference-links', linkReference)
  const { code_inline: code, fence } = md.renderer.rules
  // Vue would calculate what stands in braces.
  md.renderer.rules.code_inline = (tokens, index, ...rest) => {
    tokens[index].attrSet('v-pre', '')
    return code(tokens, index, ...rest)
  }
  md.renderer.rules.fence = (tokens, index, ...rest) =>
    tokens[index].info === 'mermaid' ? diagram(tokens[index].content) : fence(tokens, index, ...rest)
}

// The banner of the front page has the title and an example.
function withoutTitle(state) {
  if (state.env.relativePath !== 'index.md') return
  const title = state.tokens.findIndex(({ tag }) => tag === 'h1')
  if (title >= 0) state.tokens.splice(title, 3)
  const picture = state.tokens.findIndex(
    ({ children }) => children?.length === 1 && children[0].type === 'image',
  )
  if (picture >= 0) state.tokens.splice(picture - 1, 3)
}

function resolveLinks({ tokens, env }) {
  for (const { children } of tokens)
    for (const [index, token] of (children ?? []).entries()) {
      if (token.type !== 'link_open') continue
      const { page, file } = resolveLink(token.attrGet('href'), env.realPath ?? env.path)
      if (page) token.attrSet('href', page)
      else if (file) unlink(children, index)
    }
}

// A file that the site does not have: its name remains.
function unlink(children, index) {
  const end = children.findIndex(({ type }, at) => at > index && type === 'link_close')
  for (const token of [children[index], children[end]]) {
    token.type = 'text'
    token.content = ''
    token.nesting = 0
  }
}

export const reference = resolve(repository, 'build/reference')

/** The pages of the reference, by what they explain. */
let referencePages

function findReferencePages() {
  const kinds = ['functions', 'classes', 'interfaces', 'types', 'variables']
  const files = kinds
    .filter((kind) => existsSync(resolve(reference, kind)))
    .flatMap((kind) => readdirSync(resolve(reference, kind)).map((name) => `${kind}/${name}`))
  return new Map(files.map((file) => [/([^./]+)\.html$/.exec(file)[1], file]))
}

/** Links the first mention of each export on a page, `runFile` for example, to its page of the reference. */
function linkReference({ tokens, env, Token }) {
  referencePages ??= findReferencePages()
  const mentioned = new Set()
  for (const [index, token] of tokens.entries()) {
    if (token.type !== 'inline' || tokens[index - 1]?.type === 'heading_open') continue
    token.children = token.children.flatMap((child, at, siblings) => {
      const name = child.type === 'code_inline' && child.content.replace(/\(\)$/, '')
      const page = name && referencePages.get(name)
      if (!page || mentioned.has(name) || isInLink(siblings, at)) return child
      mentioned.add(name)
      return linked(child, fromPage(env.relativePath, `api/${page}`), Token)
    })
  }
}

function isInLink(siblings, at) {
  const before = siblings.slice(0, at)
  return before.findLastIndex(isOpen) > before.findLastIndex(({ type }) => type === 'link_close')
}

const isOpen = ({ type }) => type === 'link_open'

// As HTML: VitePress would look for a page of its own. The target keeps its router away.
function linked(code, href, Token) {
  const html = (content) => Object.assign(new Token('html_inline', '', 0), { content })
  return [html(`<a class="reference" target="_self" href="${href}">`), code, html('</a>')]
}

const colours = { bg: 'var(--vp-c-bg)', fg: 'var(--vp-c-text-1)', muted: 'var(--vp-c-text-2)' }

// Without the font that it would load. As an attribute, since a template of Vue may have no <style>.
function diagram(text) {
  const svg = renderMermaidSVG(text, colours).replace(/@import [^\n]*\n/, '')
  return `<div class="diagram" v-html="${attribute(JSON.stringify(svg))}"></div>\n`
}

function attribute(text) {
  const entities = { '&': '&amp;', '"': '&quot;', '<': '&lt;', '>': '&gt;' }
  return text.replace(/[&"<>]/g, (sign) => entities[sign])
}
