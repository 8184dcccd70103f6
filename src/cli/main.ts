#!/usr/bin/env node
import { isFlambeauError } from '../errors.js'
import { describeError } from '../runnable/describe-error.js'
import { StderrLogger } from '../runnable/logger.js'
import '../cluster/index.js'
import '../index.js'
import '../pool/index.js'
import { program } from './program.js'
import { flushStandardOutput, watchStandardOutput } from './standard-output.js'

watchStandardOutput()
program()
  .parseAsync()
  .catch((error: unknown) => {
    const logger = new StderrLogger()
    logger.error(describeError(error, { paint: logger.paint }))
    process.exitCode = isFlambeauError(error) ? error.exitCode : 1
  })
  .then(flushStandardOutput)
