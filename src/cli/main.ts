#!/usr/bin/env node
import { isFlambeauError } from '../errors.js'
import { StderrLogger } from '../logger.js'
import { describeError } from '../runnable/outcome.js'
import { callOf, setCall } from '../util/repeat-command.js'
// These register the built-in tags.
import '../cluster/index.js'
import '../index.js'
import '../pool/index.js'
import { printCandidates } from './completion/completion.js'
import { completeName } from './completion/scripts.js'
import { flushStandardOutput, watchStandardOutput } from './output.js'
import { program } from './program.js'

watchStandardOutput()
setCall(callOf(process.argv.slice(2)))
run()
  .catch((error: unknown) => {
    const logger = new StderrLogger()
    logger.error(describeError(error, { paint: logger.paint }))
    process.exitCode = isFlambeauError(error) ? error.exitCode : 1
  })
  .then(flushStandardOutput)

function run(): Promise<unknown> {
  const [name, ...words] = process.argv.slice(2)
  // The words of an unfinished command are no options of this one.
  return name === completeName ? printCandidates(program(), words) : program().parseAsync()
}
