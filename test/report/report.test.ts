import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type TrialRecord, writeReport } from 'flambeau/pool'
import { type Browser, chromium } from 'playwright-core'

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
const flags =
  '--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-report-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function record(at: number, more: Partial<TrialRecord>): TrialRecord {
  const options = { rate: 10 ** -at, optimizer: at % 2 ? '!Adam' : '!Sgd', epochs: at }
  const trial = String(at).padStart(2, '0')
  return { trial, key: trial, options, durationMs: at * 100, host: 'h1', attempts: 1, ...more }
}

const hostile = '</script><script>document.title = "broken"</script>'
const records = [
  record(1, { metric: 0.5 }),
  record(2, { metric: 0.9 }),
  record(3, { error: { code: 'TASK_FAILED', message: `it said ${hostile}` } }),
  record(4, { metric: 0.7, stopped: true }),
  record(5, { metric: 0.6, options: { rate: 1, optimizer: hostile, epochs: 5 } }),
]

describe('the report of a sweep', () => {
  let page: string
  before(async () => {
    writeFileSync(join(folder, 'sweep.json'), JSON.stringify({ metric: 'accuracy', goal: 'max', trials: 6 }))
    writeFileSync(join(folder, 'results.jsonl'), records.map((line) => `${JSON.stringify(line)}\n`).join(''))
    page = await writeReport(folder)
  })

  test('is one file that names no other', () => {
    const text = readFileSync(page, 'utf8')
    assert.equal(page, join(folder, 'report.html'))
    assert.doesNotMatch(text, /(?:src|href)="(?!data:)|url\(|@import|fetch\(/)
  })

  test('can be made from the shell', () => {
    const file = join(folder, 'other.html')
    const cli = resolve('dist/cli/main.js')
    const printed = execFileSync(process.execPath, [cli, 'report', folder, '-o', file], { encoding: 'utf8' })
    assert.equal(printed, `${file}\n`)
    assert.equal(readFileSync(file, 'utf8'), readFileSync(page, 'utf8'))
  })

  test('takes the place of an earlier one, and of another file by force alone', async () => {
    const file = join(folder, 'thesis.html')
    writeFileSync(file, 'years of work')
    await assert.rejects(writeReport(folder, file), { code: 'OUTPUT_EXISTS', exitCode: 22 })
    assert.equal(readFileSync(file, 'utf8'), 'years of work')
    for (const force of [true, false]) assert.equal(await writeReport(folder, file, { force }), file)
  })

  test('of a folder without results is a mistake', async () => {
    await assert.rejects(writeReport(tmpdir()), { code: 'NO_RESULTS', exitCode: 22 })
  })

  test('can be made of very many trials', async () => {
    const many = mkdtempSync(join(tmpdir(), 'flambeau-report-'))
    const count = 130_000
    writeFileSync(
      join(many, 'sweep.json'),
      JSON.stringify({ metric: 'accuracy', goal: 'max', trials: count }),
    )
    const lines = Array.from({ length: count }, (_, at) => {
      const facts = { trial: String(at).padStart(6, '0'), key: '', durationMs: 1, host: '', attempts: 1 }
      return `${JSON.stringify({ ...facts, options: { rate: at + 1 }, metric: at })}\n`
    })
    writeFileSync(join(many, 'results.jsonl'), lines.join(''))
    assert.ok(existsSync(await writeReport(many)))
    rmSync(many, { recursive: true })
  })

  describe('in a browser', { skip: browserPath === undefined && 'there is no Chromium here' }, () => {
    let browser: Browser
    before(async () => {
      browser = await chromium.launch({ executablePath: browserPath!, args: flags.split(' ') })
    })
    after(() => browser.close())

    for (const [name, width] of Object.entries({ desktop: 1000, phone: 390 }))
      test(`on a ${name} it shows charts and tables, asks for nothing, and fits`, async () => {
        const view = await browser.newPage({ viewport: { width, height: 800 } })
        const complaints: string[] = []
        const asked: string[] = []
        view.on('pageerror', ({ message }) => complaints.push(message))
        view.on('console', (line) => complaints.push(line.text()))
        view.on('request', (request) => asked.push(request.url()))
        await view.goto(pathToFileURL(page).href)
        assert.deepEqual([complaints, asked], [[], [pathToFileURL(page).href]])
        assert.equal(await view.title(), basename(folder))
        // Over the trials, against three options, and the durations: each is drawn, not blank.
        assert.deepEqual(await view.evaluate(drawn), Array(5).fill(true))
        assert.equal(await view.evaluate('document.documentElement.scrollWidth'), width)
        const rows = await view.locator('.wide tbody tr').allInnerTexts()
        const ranks = rows.map((row) => row.split(/\s+/).slice(0, 3))
        assert.deepEqual(ranks, [
          ['1', '02', '0.9'],
          ['2', '05', '0.6'],
          ['3', '01', '0.5'],
          ['stopped', '04', '0.7'],
        ])
        assert.ok((await view.locator('pre').innerText()).includes(`it said ${hostile}`))
        mkdirSync('build/report', { recursive: true })
        await view.screenshot({ path: `build/report/${name}.png`, fullPage: true })
        await view.close()
      })
  })
})

// Runs in the page.
const drawn = `[...document.querySelectorAll('canvas')].map((canvas) =>
  canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte !== 0))`
