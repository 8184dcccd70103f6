// The files of a sweep, as they lie in its folder, and a browser that shows them.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { random } from './random.js'

/** What a page must show as text, and never run. */
export const hostile = '</script><img src=x onerror="document.title=1">'

/** Writes `count` trials of a sweep into a folder: trial 4 has failed, and trial 5 was stopped early. */
export function writeSweep(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true })
  const next = random(count)
  const optimizers = ['!Adam', '!Sgd', hostile]
  const trials: string[] = []
  const metrics: string[] = []
  for (let n = 1; n <= count; n++) {
    const trial = String(n).padStart(2, '0')
    const options = {
      rate: 10 ** (-4 * next()),
      layers: 1 + Math.floor(next() * 6),
      optimizer: optimizers[n % 3],
      dropout: next() > 0.5,
    }
    const accuracy = Math.exp(-((Math.log10(options.rate) + 2) ** 2)) * (0.6 + options.layers / 20)
    const facts = { trial, key: trial, options, durationMs: 1000 + n, host: 'h1', attempts: 1, seed: 100 + n }
    const error = { code: 'TASK_FAILED', message: `it said ${hostile}`, output: `epoch 1\n${hostile}\n` }
    if (n === 4) trials.push(JSON.stringify({ ...facts, error }))
    else {
      const result = { accuracy, seconds: options.layers * 2 + next() }
      trials.push(JSON.stringify({ ...facts, metric: accuracy, result, ...(n === 5 && { stopped: true }) }))
    }
    for (let epoch = 1; epoch <= 5; epoch++)
      metrics.push(JSON.stringify({ epoch, loss: 1 - accuracy * (1 - 1 / (epoch + 1)), _trial: trial }))
  }
  writeFileSync(
    join(folder, 'sweep.json'),
    JSON.stringify({ metric: 'accuracy', goal: 'max', trials: count }),
  )
  writeFileSync(join(folder, 'results.jsonl'), `${trials.join('\n')}\n`)
  writeFileSync(join(folder, 'metrics.jsonl'), `${metrics.join('\n')}\n`)
}

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
const flags =
  '--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update'

/** Why a test in a browser is skipped, if it is. */
export const noBrowser = browserPath === undefined && 'there is no Chromium here'

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath!, args: flags.split(' ') })
}

/** A page with what it complains of and asks for. */
export interface WatchedPage {
  readonly page: Page
  readonly complaints: string[]
  readonly requests: string[]
}

export interface PageSettings {
  readonly width?: number
  readonly colorScheme?: 'light' | 'dark'
}

export async function openPage(
  browser: Browser,
  url: string,
  { width = 1600, colorScheme = 'light' }: PageSettings = {},
): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
  const complaints: string[] = []
  const requests: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('console', (line) => complaints.push(line.text()))
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(url)
  await page.waitForSelector('main h1')
  return { page, complaints, requests }
}

/** The option that ECharts has drawn, by the title of the chart. */
export function chartOption(page: Page, title: string): Promise<any> {
  // That of a chosen trial stands above the one of all trials.
  const find = `(title) => [...document.querySelectorAll('[data-chart=' + JSON.stringify(title) + ']')].at(-1).chart.getOption()`
  return page.evaluate(`(${find})(${JSON.stringify(title)})`)
}
