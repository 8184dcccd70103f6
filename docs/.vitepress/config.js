// The site of the guides. "npm run docs" builds it into build/site, without a network.
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { defineConfig } from 'vitepress'
import { deadLinks } from './links.js'
import { extendMarkdown, keepColumns, reference, slugify } from './markdown.js'
import { excluded, pageOf, repository, sidebar } from './pages.js'
import { search } from './search.js'

const { description, version } = JSON.parse(readFileSync(resolve(repository, 'package.json'), 'utf8'))
const flame = readFileSync(resolve(repository, 'docs/.vitepress/flame.svg'), 'utf8')
const icon = `data:image/svg+xml,${encodeURIComponent(flame)}`

export default defineConfig({
  title: 'flambeau',
  description,
  lang: 'en',
  head: [['link', { rel: 'icon', href: icon }]],
  srcDir: '..',
  srcExclude: excluded,
  outDir: '../build/site',
  cacheDir: '../build/vitepress',
  rewrites: (source) => pageOf(source) ?? source,
  markdown: {
    anchor: { slugify },
    codeTransformers: [keepColumns],
    config: extendMarkdown,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-default' },
  },
  themeConfig: {
    logo: { src: icon, alt: '' },
    nav: [
      { text: 'Guides', link: '/start-here', activeMatch: '^/(?!index|$)' },
      { text: 'Reference', link: '/api/index.html', target: '_self' },
      { text: version, link: '/changelog' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search,
  },
  transformPageData: (page) => (page.relativePath === 'index.md' ? frontPage() : undefined),
  buildEnd({ outDir, site }) {
    if (!existsSync(join(reference, 'index.html')))
      throw new Error('There is no reference to link to: run "npm run docs", which makes it first')
    cpSync(reference, join(outDir, 'api'), { recursive: true })
    const dead = deadLinks(outDir, site.base)
    if (dead.length > 0) throw new Error(`Links that lead nowhere:\n  ${dead.join('\n  ')}`)
  },
})

/** README.md is the front page: its title and first words become the banner. */
function frontPage() {
  return {
    title: 'flambeau',
    titleTemplate: description,
    frontmatter: {
      layout: 'home',
      hero: {
        name: 'flambeau',
        text: 'YAML files that run',
        tagline: description,
        actions: [
          { text: 'Start here', link: '/start-here' },
          { theme: 'alt', text: 'Reference', link: '/api/index.html', target: '_self' },
        ],
      },
    },
  }
}
