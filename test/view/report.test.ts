// The page of a sweep as one file, in a real browser.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { writeReport } from 'flambeau/pool'
import type { Browser, Page } from 'playwright-core'
import { chartOption, hostile, noBrowser, openPage, startBrowser, writeSweep } from '../support/sweep-data.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-report-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** The source of axe-core, which finds what a screen reader cannot read. */
const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')

async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; nodes: { html: string }[] }[]
  }
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map(({ html }) => html)
        .join(' ')
        .slice(0, 300)}`,
  )
}

describe('the report of a sweep', () => {
  let file: string
  before(async () => {
    writeSweep(folder, 60)
    file = await writeReport(folder)
  })

  test('is one file that names no other, with a policy that allows no request', () => {
    const text = readFileSync(file, 'utf8')
    assert.equal(file, join(folder, 'report.html'))
    assert.match(
      text,
      /Content-Security-Policy" content="default-src 'none'; script-src 'sha256-[^;]*; style-src 'sha256-[^;]*; img-src data:; connect-src 'none'/,
    )
    assert.match(text, /ECharts \(Apache License 2\.0\) and Preact \(MIT\)/)
  })

  test('can be made from the shell', () => {
    const other = join(folder, 'other.html')
    const cli = resolve('dist/cli/main.js')
    const printed = execFileSync(process.execPath, [cli, 'report', folder, '-o', other], { encoding: 'utf8' })
    assert.equal(printed, `${other}\n`)
    const withoutTime = (path: string): string =>
      readFileSync(path, 'utf8').replace(/"writtenAt":"[^"]*"/, '')
    assert.equal(withoutTime(other), withoutTime(file))
  })

  test('takes the place of an earlier one, and of another file by force alone', async () => {
    const thesis = join(folder, 'thesis.html')
    writeFileSync(thesis, 'years of work')
    await assert.rejects(writeReport(folder, thesis), { code: 'OUTPUT_EXISTS', exitCode: 22 })
    assert.equal(readFileSync(thesis, 'utf8'), 'years of work')
    for (const force of [true, false]) assert.equal(await writeReport(folder, thesis, { force }), thesis)
  })

  test('of a folder without results is a mistake', async () => {
    await assert.rejects(writeReport(tmpdir()), { code: 'NO_RESULTS', exitCode: 22 })
  })

  describe('in a browser', { skip: noBrowser }, () => {
    let browser: Browser
    before(async () => {
      browser = await startBrowser()
      mkdirSync('build/report', { recursive: true })
    })
    after(() => browser.close())

    for (const width of [1600, 390])
      for (const colorScheme of ['light', 'dark'] as const)
        test(`at ${width} pixels, ${colorScheme}: it fits, asks for nothing, and axe finds nothing`, async () => {
          const { page, complaints, requests } = await openPage(browser, pathToFileURL(file).href, {
            width,
            colorScheme,
          })
          assert.deepEqual([complaints, requests], [[], [pathToFileURL(file).href]])
          assert.equal(await page.title(), basename(folder))
          assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
          assert.deepEqual(await accessibilityProblems(page), [])
          await page.screenshot({ path: `build/report/${width}-${colorScheme}.png`, fullPage: true })
          await page.close()
        })

    test('every chart is drawn, and says in words what it shows', async () => {
      const { page } = await openPage(browser, pathToFileURL(file).href)
      const titles = await page.locator('.chart h3').allInnerTexts()
      assert.deepEqual(titles, [
        'accuracy over the trials',
        'loss by step',
        'Importance of the options',
        'Parallel coordinates',
        'accuracy against rate',
        'accuracy against layers',
        'accuracy against optimizer',
        'accuracy against dropout',
        'Pareto front',
        'Durations',
      ])
      // The colours of more than one point or line are on each canvas.
      assert.deepEqual(
        await page.evaluate(paintedCanvases),
        titles.map(() => true),
      )
      const labels = await page
        .locator('.canvas')
        .evaluateAll((all) => all.map((each: any) => each.getAttribute('aria-label')))
      assert.match(labels[4]!, /on a logarithmic axis/)
      assert.match(labels[2]!, /correlation ratio, corrected for chance\): rate \d+ %/)
      const history = await chartOption(page, 'accuracy over the trials')
      // Without the failed one; the one that was stopped early is a ring.
      assert.equal(history.series[0].data.length, 59)
      const rings = history.series[0].data.filter(({ symbol }: any) => symbol === 'emptyCircle')
      assert.deepEqual(
        rings.map(({ trial }: any) => trial),
        ['05'],
      )
      assert.match(labels[0]!, /The ring is a trial that was stopped early, with its last value/)
      const best = history.series
        .find(({ name }: any) => name === 'best so far')
        .data.map(([, value]: number[]) => value)
      assert.deepEqual(
        best,
        [...best].sort((a: number, b: number) => a - b),
      )
      const rate = await chartOption(page, 'accuracy against rate')
      assert.deepEqual([rate.xAxis[0].type, rate.xAxis[0].name], ['log', 'rate (log)'])
      const optimizer = await chartOption(page, 'accuracy against optimizer')
      const places = new Set(optimizer.series[0].data.map(({ value }: any) => value[0]))
      assert.equal(
        places.size,
        optimizer.series[0].data.length,
        'points of one category stand beside each other',
      )
      const curves = await chartOption(page, 'loss by step')
      assert.equal(curves.series.length, 60)
      await page.close()
    })

    test('the best trials come first, and the table sorts, filters and has pages', async () => {
      const { page } = await openPage(browser, pathToFileURL(file).href)
      const best = page.locator('section:has(> h2:text-is("Best trials")) table')
      const all = page.locator('section:has(> h2:text-is("All trials"))')
      const column = async (table: any, label: string): Promise<string[]> => {
        const heads = await table.locator('th').allInnerTexts()
        const index = heads.findIndex((head: string) => head.trim().startsWith(label))
        return table.locator(`tbody td:nth-child(${index + 1})`).allInnerTexts()
      }
      const values = (await column(best, 'accuracy')).map(Number)
      assert.deepEqual(
        values,
        [...values].sort((a, b) => b - a),
      )
      assert.equal(await all.locator('.count').innerText(), '60')
      await all.getByRole('button', { name: 'rate' }).click()
      const rates = (await column(all, 'rate')).map(Number)
      assert.deepEqual(
        rates,
        [...rates].sort((a, b) => a - b),
      )
      assert.equal(await all.locator('th[aria-sort="ascending"]').innerText(), 'rate▲')
      await all.getByRole('button', { name: 'rate' }).click()
      const descending = (await column(all, 'rate')).map(Number)
      assert.ok(descending[0]! > rates[0]!)
      await all.getByLabel('Filter').fill('sgd true')
      const shown = await column(all, 'optimizer')
      assert.ok(shown.length > 0 && shown.every((each) => each === '!Sgd'))
      await all.getByLabel('Filter').fill('')
      await all.getByRole('button', { name: 'Next' }).click()
      assert.match(await all.locator('.pages').innerText(), /Page 2 of 3/)
      await page.close()
    })

    test('choosing a trial marks it in every chart, with a mouse and with the keyboard', async () => {
      const { page } = await openPage(browser, pathToFileURL(file).href)
      const first = page.locator('section:has(> h2:text-is("Best trials")) tbody input').first()
      await first.focus()
      await page.keyboard.press('Space')
      const id = (await first.getAttribute('aria-label'))!.replace('Choose ', '')
      for (const title of [
        'accuracy over the trials',
        'accuracy against rate',
        'Pareto front',
        'Durations',
        'Parallel coordinates',
      ]) {
        const { series } = await chartOption(page, title)
        const chosen = series.find(({ name }: any) => name === 'chosen trials').data
        assert.deepEqual(
          chosen.map(({ trial }: any) => trial),
          [id],
          title,
        )
      }
      const curves = await chartOption(page, 'loss by step')
      assert.equal(curves.series.filter(({ symbol }: any) => symbol === 'diamond').length, 1)
      await page.getByRole('heading', { name: `Trial ${id}` }).waitFor()
      await page.getByRole('button', { name: `Close trial ${id}` }).click()
      assert.equal(await page.locator('.chosen').count(), 0)
      await page.close()
    })

    test('a brush on an axis leaves the same trials in the table', async () => {
      const { page } = await openPage(browser, pathToFileURL(file).href)
      await page.evaluate(`(() => {
        const { chart } = document.querySelector('[data-chart="Parallel coordinates"]')
        chart.dispatchAction({ type: 'axisAreaSelect', parallelAxisIndex: 1, intervals: [[5.5, 6.5]] })
      })()`)
      const all = page.locator('section:has(> h2:text-is("All trials"))')
      await all.getByText('Only the trials that the brushes leave').waitFor()
      const heads = await all.locator('th').allInnerTexts()
      const layers = heads.findIndex((head) => head.trim() === 'layers')
      const shown = await all.locator(`tbody td:nth-child(${layers + 1})`).allInnerTexts()
      assert.ok(shown.length > 0 && shown.every((each) => each === '6'), shown.join())
      await page.close()
    })

    test('a failure has its message and the command that repeats it; names are never HTML', async () => {
      const { page } = await openPage(browser, pathToFileURL(file).href)
      const failures = page.locator('section:has(> h2:text-is("Failures"))')
      const [message, output] = await failures.locator('pre').allInnerTexts()
      assert.ok(message?.includes(`it said ${hostile}`))
      assert.equal(output?.trimEnd(), `epoch 1\n${hostile}`)
      const command = await failures.locator('.command code').innerText()
      assert.match(command, /flambeau run '?\S*failed\/04\.yaml'? --seed 104$/)
      assert.equal(await page.locator('img').count(), 0)
      assert.equal(await page.title(), basename(folder))
      await page.close()
    })

    test('10,000 trials are shown, sorted and chosen', async () => {
      const many = join(folder, 'many')
      writeSweep(many, 10_000)
      const { page, complaints } = await openPage(browser, pathToFileURL(await writeReport(many)).href)
      const all = page.locator('section:has(> h2:text-is("All trials"))')
      assert.equal(await all.locator('.count').innerText(), '10000')
      assert.equal(await all.locator('tbody tr').count(), 25)
      await all.getByRole('button', { name: 'layers' }).click()
      await all.locator('tbody input').first().check()
      await page.getByRole('heading', { name: 'Chosen trials' }).waitFor()
      const { series } = await chartOption(page, 'accuracy over the trials')
      assert.equal(series[0].data.length, 9999)
      assert.deepEqual(complaints, [])
      await page.close()
    })
  })
})

/** Whether each canvas has more than one colour. */
const paintedCanvases = `[...document.querySelectorAll('.canvas canvas')].map((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  const colours = new Set()
  for (let at = 0; at < data.length; at += 4) if (data[at + 3] > 0) colours.add(data[at] + ',' + data[at + 1] + ',' + data[at + 2])
  return colours.size > 3
})`
