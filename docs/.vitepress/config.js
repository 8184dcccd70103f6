// The site of the guides. "npm run docs" builds it into build/site, without a network.
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createMarkdownRenderer, defineConfig } from 'vitepress'
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
    attrs: { disable: true },
    codeTransformers: [keepColumns],
    config: extendMarkdown,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-default' },
  },
  themeConfig: {
    logo: { src: icon, alt: '' },
    nav: [
      { text: 'Guides', link: '/start-here', activeMatch: '^/(?!index|$)' },
      { text: 'API reference', link: '/api/index.html', target: '_self' },
      { text: version, link: '/changelog' },
    ],
    sidebar: sidebar(),
    outline: [2, 3],
    search,
  },
  transformPageData: (page, context) => (page.relativePath === 'index.md' ? frontPage(context) : undefined),
  buildEnd({ outDir, site }) {
    if (!existsSync(join(reference, 'index.html')))
      throw new Error('There is no reference to link to: run "npm run docs", which makes it first')
    cpSync(reference, join(outDir, 'api'), { recursive: true })
    const dead = deadLinks(outDir, site.base)
    if (dead.length > 0) throw new Error(`Links that lead nowhere:\n  ${dead.join('\n  ')}`)
  },
})

/** README.md is the front page, below a banner with its first file and its first error message. */
async function frontPage({ siteConfig }) {
  const blocks = readFileSync(resolve(repository, 'README.md'), 'utf8').match(/^```.*?^```$/gms) ?? []
  const shown = [/^```yaml\n/, /^ +\| +\^+$/m].map((mark) => blocks.find((block) => mark.test(block)))
  const markdown = await createMarkdownRenderer(siteConfig.srcDir)
  return {
    title: 'flambeau',
    titleTemplate: description,
    frontmatter: {
      layout: 'home',
      hero: { ...banner, tagline: description },
      features,
      example: markdown.render(shown.filter(Boolean).join('\n\n')),
    },
  }
}

const banner = {
  name: 'flambeau',
  text: 'YAML files that run',
  actions: [
    { text: 'Start here', link: '/start-here' },
    { theme: 'alt', text: 'Run on a cluster', link: '/clusters' },
    { theme: 'alt', text: 'API reference', link: '/api/index.html', target: '_self' },
  ],
}

const features = [
  {
    title: 'Checked before it runs',
    details:
      'The whole file is checked before anything is constructed. Each problem has a line and a suggested fix.',
    link: '/errors',
  },
  {
    title: 'Your classes, your schemas',
    details: 'A decorator gives a class its tag. zod, valibot or another Standard Schema checks its options.',
    link: '/registry',
  },
  {
    title: 'Files made of files',
    details: 'Override, include and extend files, and see where each line comes from.',
    link: '/composition',
  },
  {
    title: 'Here or on your machines',
    details: 'Run a file in your program, from the shell, in a pool of processes, or on hosts over SSH.',
    link: '/clusters',
  },
  {
    title: 'Sweeps',
    details: 'Search for the best options, stop bad trials early, and look at the results on a page.',
    link: '/sweeps',
  },
  {
    title: 'Editors complete it',
    details: 'A generated JSON Schema lets editors complete and check your tags and options.',
    link: '/editor',
  },
]
