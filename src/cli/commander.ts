import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The parser of the command line: required, because Node would search a CommonJS file that is imported for its exports. */
const { Command, InvalidArgumentError, Option } = require('commander') as typeof import('commander')
type Command = import('commander').Command
type Option = import('commander').Option
type Argument = import('commander').Argument

export { type Argument, Command, InvalidArgumentError, Option }
