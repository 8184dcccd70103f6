// The site of the guides, in a real browser: what is searched is found, and nothing is hidden on a narrow screen.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'

const execute = promisify(execFile)
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
const flags =
  '--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update'

// Not the root of a server, as on the pages of a repository.
const base = '/flambeau/'
const widths = { desktop: 1280, phone: 390 }
const pages = ['', 'start-here', 'running', 'composition', 'errors/extensions', 'performance', 'architecture']

describe('the site of the guides', { skip: browserPath === undefined && 'there is no Chromium here' }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-site-'))
  let server: Server
  let browser: Browser
  let origin: string

  before(async () => {
    await buildSite(folder)
    server = serve(folder)
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await chromium.launch({ executablePath: browserPath!, args: flags.split(' ') })
    mkdirSync('build/site-pictures', { recursive: true })
  })

  after(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const [device, width] of Object.entries(widths))
    test(`fits a ${device} and can be read, in light and dark colours`, async () => {
      const view = await open(width)
      for (const path of pages) {
        await visit(view, path)
        assert.deepEqual(await view.evaluate<unknown>(hidden), [], path)
        for (const colorScheme of ['light', 'dark'] as const) {
          await view.emulateMedia({ colorScheme })
          await view.waitForFunction(isColoured(colorScheme))
          assert.deepEqual(await view.evaluate<unknown>(faint), [], path)
          await picture(view, `${path.replace('/', '-') || 'front'}-${device}-${colorScheme}`)
        }
      }
      await view.context().close()
    })

  for (const [query, expected] of Object.entries({
    '--import': 'running.html#',
    '--reconnect-timeout': 'running.html#',
    '!include': 'composition.html#include',
    '@registrable': 'registry.html#',
    UNKNOWN_TAG: 'errors/tags.html#unknown_tag',
    '.flambeau/extensions': 'extensions.html#',
    overides: 'composition.html#',
  }))
    test(`finds ${query}, and shows where it says so`, async () => {
      const view = await open(widths.desktop)
      await visit(view, 'start-here')
      await view.locator('#local-search button').click()
      await view.locator('.search-input').fill(query)
      const marks = view.locator('.result .excerpt mark')
      await marks.first().waitFor({ state: 'attached' })
      const links = await view.locator('a.result').evaluateAll(hrefs)
      const first = links.findIndex((link) => link.includes(`${base}${expected}`))
      assert.ok(first >= 0 && first < 3, `${first} in ${links.join(' ')}`)
      const word = (await marks.allInnerTexts()).find((text) =>
        text.toLowerCase().includes(query.toLowerCase()),
      )
      assert.ok(word !== undefined || query === 'overides', 'the snippet shows what was searched')
      await picture(view, `search-${query.replace(/\W/g, '')}`)
      await view.locator('a.result').nth(first).click()
      await view.waitForURL((url) => url.href.includes(expected))
      await view.context().close()
    })

  test('has the guides in their order, and leads to the reference and back', async () => {
    const view = await open(widths.desktop)
    await visit(view, 'start-here')
    await view.locator('.pager-link.next').click()
    await view.locator('h1:has-text("Registry")').waitFor()
    await view.locator('.pager-link.prev').click()
    await view.locator('h1:has-text("Start here")').waitFor()
    await view.locator('.VPNavBarMenu >> text=API reference').click()
    await view.waitForURL(`${origin}${base}api/index.html`)
    await view.locator('a.guides').click()
    await view.waitForURL(`${origin}${base}index.html`)
    await visit(view, 'running')
    await view.locator('a.reference:has-text("runFile")').first().click()
    await view.waitForURL(`${origin}${base}api/functions/flambeau.runFile.html`)
    for (const [device, width] of Object.entries(widths)) {
      await view.setViewportSize({ width, height: 900 })
      assert.deepEqual(await view.evaluate<unknown>(hidden), [], device)
      await picture(view, `reference-${device}`)
    }
    await view.context().close()
  })

  test('draws the diagrams in the colours of the page', async () => {
    const view = await open(widths.desktop)
    await visit(view, 'architecture')
    const box = await view.locator('.diagram svg').boundingBox()
    assert.ok(box!.width > 300 && box!.height > 100)
    const drawn = new Set<string>()
    for (const colorScheme of ['light', 'dark'] as const) {
      await view.emulateMedia({ colorScheme })
      await view.waitForFunction(isColoured(colorScheme))
      drawn.add(await view.evaluate<string>(coloursOfDiagram))
    }
    assert.equal(drawn.size, 2, [...drawn].join())
    await view.context().close()
  })

  /** A page that fails the test when it logs anything or asks another host. */
  async function open(width: number): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: 'light' })
    const view = await context.newPage()
    const complaints: string[] = []
    view.on('pageerror', ({ message }) => complaints.push(message))
    view.on('console', (line) => complaints.push(line.text()))
    view.on('request', (request) => {
      const url = request.url()
      if (!url.startsWith(`${origin}${base}`) && !url.startsWith('data:')) complaints.push(url)
    })
    context.on('close', () => assert.deepEqual(complaints, []))
    return view
  }

  async function visit(view: Page, path: string): Promise<void> {
    await view.goto(`${origin}${base}${path && `${path}.html`}`)
    await view.waitForFunction(isMounted)
  }
})

describe('a link of the site that leads nowhere', () => {
  const own = (name: string) => import(pathToFileURL(resolve('docs/.vitepress', name)).href)

  test('is refused: to no page, to no heading, or outside of the path that the site is served from', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-links-'))
    const links = [
      'b.html',
      'b.html#there',
      '#here',
      '/flambeau/',
      'https://nodejs.org',
      'c.html',
      'b.html#here',
      '/b.html',
    ]
    const anchors = links.map((href) => `<a href="${href}">`).join('')
    writeFileSync(join(folder, 'index.html'), `<h1 id="here">${anchors}</h1>`)
    writeFileSync(join(folder, 'b.html'), '<h1 id="there"></h1>')
    const { deadLinks } = await own('links.js')
    const dead = ['c.html', 'b.html#here', '/b.html'].map((href) => `index.html: ${href}`)
    assert.deepEqual(deadLinks(folder, base), dead)
    rmSync(folder, { recursive: true })
  })

  test('is refused: to no file of the repository', async () => {
    const { resolveLink } = await own('pages.js')
    const source = resolve('docs/running.md')
    assert.deepEqual(resolveLink('errors/tags.md#unknown_tag', source), {
      page: '/errors/tags.md#unknown_tag',
    })
    assert.deepEqual(resolveLink('../README.md', source), { page: '/index.md' })
    assert.deepEqual(resolveLink('../LICENSE', source), { file: 'LICENSE' })
    assert.throws(
      () => resolveLink('nowhere.md', source),
      /running\.md: the link "nowhere\.md" leads to no file/,
    )
  })
})

/** As "npm run docs" does; without a network where this user may take it away. */
async function buildSite(folder: string): Promise<void> {
  const offline = spawnSync('unshare', ['-n', 'true']).status === 0 ? ['unshare', '-n'] : []
  const run = (program: string, ...args: string[]) => {
    const [command, ...rest] = [...offline, process.execPath, resolve('node_modules', program), ...args]
    return execute(command!, rest)
  }
  if (!existsSync('build/reference/index.html')) await run('typedoc/bin/typedoc', '--logLevel', 'Warn')
  await run('vitepress/bin/vitepress.js', 'build', 'docs', '--base', base, '--outDir', folder)
}

const types: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
}

function serve(folder: string): Server {
  return createServer(({ url = '' }, response) => {
    const path = new URL(url, 'http://localhost').pathname.replace(base, '/').replace(/\/$/, '/index.html')
    const file = join(folder, decodeURI(path))
    if (!url.startsWith(base) || !existsSync(file)) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
    return response.end(readFileSync(file))
  })
}

async function picture(view: Page, name: string): Promise<void> {
  await view.screenshot({ path: `build/site-pictures/${name}.png` })
}

// What follows runs in the page.

const hrefs = (links: { href: string }[]) => links.map(({ href }) => href)

const isMounted = `'__vue_app__' in document.querySelector('#app')`

const isColoured = (scheme: 'light' | 'dark') =>
  `document.documentElement.classList.contains('dark') === ${scheme === 'dark'}`

const coloursOfDiagram = `[document.querySelector('.diagram svg'), document.querySelector('.diagram text')]
  .map((element) => getComputedStyle(element)).map(({ backgroundColor, fill }) => backgroundColor + fill).join()`

/** What is wider than the page, or cut off by a block of code that does not scroll. */
const hidden = `(() => {
  const wide = document.documentElement.scrollWidth > innerWidth ? ['the page'] : []
  const cut = [...document.querySelectorAll('.vp-doc pre')].filter((block) =>
    block.scrollWidth > block.clientWidth &&
    (getComputedStyle(block).overflowX !== 'auto' || ![...block.querySelectorAll('.line')].some((line) =>
      line.classList.contains('columns') && line.scrollWidth > block.clientWidth - 48)))
  return [...wide, ...cut.map((block) => block.textContent.slice(0, 80))]
})()`

/** Texts of less contrast than 4.5, which WCAG asks of those of usual size. */
const faint = `(() => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 })
  const paint = canvas.getContext('2d', { willReadFrequently: true })
  const colour = (layers) => {
    paint.clearRect(0, 0, 1, 1)
    for (const layer of layers) { paint.fillStyle = layer; paint.fillRect(0, 0, 1, 1) }
    return [...paint.getImageData(0, 0, 1, 1).data]
  }
  const backgrounds = (element) => element ? [...backgrounds(element.parentElement), getComputedStyle(element).backgroundColor] : ['white']
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const walker = document.createTreeWalker(document.querySelector('#app'), NodeFilter.SHOW_TEXT)
  const seen = new Map()
  while (walker.nextNode()) {
    const { parentElement: parent, textContent } = walker.currentNode
    if (!textContent.trim() || !parent.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || parent.closest('svg, style, .header-anchor')) continue
    const behind = backgrounds(parent)
    const { color } = getComputedStyle(parent)
    const key = behind.join() + color
    if (seen.has(key)) continue
    const [light, dark] = [luminance(colour([...behind, color])), luminance(colour(behind))].sort((a, b) => b - a)
    seen.set(key, [(light + 0.05) / (dark + 0.05), textContent.trim().slice(0, 40) + ' ' + color + ' on ' + behind.at(-1) + ' ' + parent.className])
  }
  return [...seen.values()].filter(([ratio]) => ratio < 4.5).map(([ratio, text]) => ratio.toFixed(2) + ' ' + text)
})()`
