import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

test('TypeScript 7 makes the very files of the sources that TypeScript 6 makes', () => {
  const folder = mkdtempSync('build/typescript7-')
  try {
    const options = ['-p', '.', '--outDir', join(folder, 'js'), '--declarationDir', join(folder, 'types')]
    execFileSync(process.execPath, ['node_modules/typescript7/bin/tsc', ...options])
    const scripts = compare(join(folder, 'js'), 'build/js', '.js')
    const types = compare(join(folder, 'types'), 'build/types', '.d.ts')
    assert.ok(scripts > 50 && types === scripts)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

function compare(made: string, expected: string, ending: string): number {
  const files = readdirSync(made, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith(ending),
  )
  for (const file of files)
    assert.equal(readFileSync(join(made, file), 'utf8'), readFileSync(join(expected, file), 'utf8'), file)
  return files.length
}
