#!/usr/bin/env node
import { version } from '../version.js'
import { flushStandardOutput, watchStandardOutput } from './output.js'

// What a call does not need is imported by the command that needs it: most of the time of a short call is imports.
watchStandardOutput()
run(process.argv.slice(2)).catch(report).then(flushStandardOutput)

async function run(words: readonly string[]): Promise<void> {
  const [name, ...rest] = words
  if (rest.length === 0 && (name === '--version' || name === '-V')) return console.log(version)
  const { callProgram } = await import('./program.js')
  await callProgram(words)
}

async function report(error: unknown): Promise<void> {
  const { StderrLogger } = await import('../logger.js')
  const { describeError } = await import('../runnable/outcome.js')
  const { isFlambeauError } = await import('../errors.js')
  const logger = new StderrLogger()
  logger.error(describeError(error, { paint: logger.paint }))
  process.exitCode = isFlambeauError(error) ? error.exitCode : 1
}
