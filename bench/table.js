/** One table of all that is measured: a row has a ratio to a peer that ran in the same rounds, and mostly a limit. */

/**
 * A row: what is measured, relative to `peer`. `atMost` and `atLeast` are the limits that the project sets. `value` is the figure
 * behind the ratio, such as "14.2 ms"; it depends on the machine.
 */
export class Table {
  /** The rows of each section. */
  sections = []

  begin(title) {
    this.sections.push({ title, rows: [] })
    console.log(`\n${title}`)
  }

  add(row) {
    this.sections.at(-1).rows.push(row)
    const figures = [
      row.name.padEnd(56),
      ratioOf(row).padStart(8),
      `× ${row.peer}`.padEnd(32),
      limitOf(row).padEnd(14),
    ]
    console.log(`  ${figures.join('  ')}${isHeld(row) ? '' : 'MISSED  '}${row.value ?? ''}`)
  }

  /** Says how many limits hold; returns whether all do. */
  conclude() {
    const rows = this.sections.flatMap((section) => section.rows)
    const limited = rows.filter((row) => limitOf(row) !== '')
    const missed = rows.filter((row) => !isHeld(row))
    console.log(`\n${limited.length - missed.length} of ${limited.length} limits hold`)
    for (const row of missed) console.log(`  missed: ${row.name}: ${ratioOf(row)}, ${limitOf(row)}`)
    return missed.length === 0
  }

  /** The table as Markdown. */
  markdown() {
    const measured = this.sections.filter(({ rows }) => rows.length > 0)
    const parts = measured.map(({ title, rows }) =>
      [
        `### ${title}`,
        '',
        '| what | relative to | ratio | limit |',
        '| --- | --- | ---: | --- |',
        ...rows.map(line),
      ].join('\n'),
    )
    return `${parts.join('\n\n')}\n`
  }
}

function line(row) {
  const limit = isHeld(row) ? limitOf(row) : `${limitOf(row)}, missed`
  return `| ${row.name} | ${row.peer} | ${ratioOf(row)} | ${limit} |`
}

function ratioOf({ ratio }) {
  return ratio >= 100 ? ratio.toFixed(0) : ratio.toPrecision(ratio < 0.01 ? 2 : 3)
}

function limitOf({ atMost, atLeast }) {
  if (atMost !== undefined) return `at most ${atMost}`
  return atLeast === undefined ? '' : `at least ${atLeast}`
}

function isHeld({ ratio, atMost = Infinity, atLeast = -Infinity }) {
  return ratio <= atMost && ratio >= atLeast
}
