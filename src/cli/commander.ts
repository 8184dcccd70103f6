import { createRequire } from 'node:module'

type Commander = typeof import('commander')

/** The parser of the command line, bundled. It is required: Node would search a CommonJS file that is imported for its exports. */
const { Command, InvalidArgumentError, Option } = createRequire(import.meta.url)('#commander') as Commander
type Command = import('commander').Command
type Option = import('commander').Option
type Argument = import('commander').Argument

export { type Argument, Command, InvalidArgumentError, Option }
