// Checks the links of the built site, reference and anchors included: VitePress checks only those between its pages.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The links of the pages in `folder` that lead nowhere, each as `page: link`. */
export function deadLinks(folder, base) {
  const pages = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.html'))
      .map((name) => [name.replaceAll('\\', '/'), readFileSync(join(folder, name), 'utf8')]),
  )
  const ids = new Map()
  const idsOf = (page) => {
    if (!ids.has(page)) ids.set(page, new Set(attributes(pages.get(page), 'id')))
    return ids.get(page)
  }
  const leads = (href, page) => {
    const { origin, pathname, hash } = new URL(href, `${site}${base}${page}`)
    if (origin !== site) return true
    if (!pathname.startsWith(base)) return false
    const path = decodeURI(pathname.slice(base.length)).replace(/(^|\/)$/, '$1index.html')
    if (hash === '' || !pages.has(path)) return existsSync(join(folder, path))
    return idsOf(path).has(decodeURIComponent(hash.slice(1)))
  }
  return [...pages].flatMap(([page, html]) =>
    [...new Set([...attributes(html, 'href'), ...attributes(html, 'src')])]
      .filter((href) => !leads(href, page))
      .map((href) => `${page}: ${href}`),
  )
}

const site = 'http://site.invalid'

function attributes(html, name) {
  return [...html.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, value]) =>
    value.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"'),
  )
}
