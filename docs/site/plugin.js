// What TypeDoc does not do by itself: Mermaid becomes a picture in the page, which needs no script and no network, and
// guides and modules are called in the navigation what they are called everywhere.
import { renderMermaidSVG } from 'beautiful-mermaid'
import { Converter, MarkdownEvent, ReflectionKind } from 'typedoc'

const modules = {
  index: 'flambeau',
  cluster: 'flambeau/cluster',
  pool: 'flambeau/pool',
  'pool/bullmq': 'flambeau/bullmq',
  testing: 'flambeau/testing',
}

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const guide of project.documents ?? []) guide.name = headingOf(guide.content) ?? guide.name
    for (const module of project.getReflectionsByKind(ReflectionKind.Module))
      module.name = modules[module.name] ?? module.name
  })
  // Before TypeDoc makes HTML of it.
  const prepare = (event) => {
    event.parsedText = prepared(event)
  }
  app.renderer.on(MarkdownEvent.PARSE, prepare, 1000)
}

function headingOf(content) {
  const text = content.map(({ text }) => text).join('')
  return /^# (.+)$/m.exec(text)?.[1]
}

// The front page has the name of the package above it already.
function prepared({ parsedText, page }) {
  const text = page.model.isProject() ? parsedText.replace(/^# flambeau\n/, '') : parsedText
  return text.replace(/^```mermaid\n(.*?)^```$/gms, (_, diagram) => drawn(diagram))
}

const colours = { bg: 'var(--color-background)', fg: 'var(--color-text)' }

// Without the font that it would load, and without empty lines, at which Markdown would end it.
function drawn(text) {
  const svg = renderMermaidSVG(text, colours)
    .replace(/@import [^\n]*\n/, '')
    .replace(/\n\s*(?=\n)/g, '')
  return `<div class="diagram">${svg}</div>\n`
}
