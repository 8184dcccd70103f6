/**
 * Compiles the tests with legacy decorators, as the package itself is compiled. Tests that decorate classes are compiled
 * with standard decorators and with plain calls in place of decorators as well: users register classes in each of these
 * three forms.
 */
import { rmSync } from 'node:fs'
import ts from 'typescript'
import { decoratorsToCalls } from './decorators-to-calls.js'

const forms = {
  legacy: { experimentalDecorators: true, emitDecoratorMetadata: true },
  standard: { experimentalDecorators: false, emitDecoratorMetadata: false },
  plain: { experimentalDecorators: true, emitDecoratorMetadata: true },
}
const folder = 'build/test'

function configOf(form) {
  const config = ts.getParsedCommandLineOfConfigFile(
    'test/tsconfig.json',
    { ...forms[form], outDir: `${folder}/${form}` },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => report([diagnostic]) },
  )
  report(config.errors)
  return config
}

/** Compiles files, and what they import, in one form. */
function compile(form, files) {
  const program = ts.createProgram(files, configOf(form).options)
  const transformers = form === 'plain' ? { before: [decoratorsToCalls] } : undefined
  const { diagnostics } = program.emit(undefined, undefined, undefined, undefined, transformers)
  report([...ts.getPreEmitDiagnostics(program), ...diagnostics])
  return program
}

function report(diagnostics) {
  if (diagnostics.length === 0) return
  const host = {
    getCurrentDirectory: ts.sys.getCurrentDirectory,
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  }
  console.error(ts.formatDiagnosticsWithColorAndContext(diagnostics, host))
  process.exit(1)
}

function hasDecorator(node) {
  return ts.isDecorator(node) || ts.forEachChild(node, hasDecorator) === true
}

rmSync(folder, { recursive: true, force: true })
const { fileNames } = configOf('legacy')
const program = compile('legacy', fileNames)
const decorating = fileNames.filter(
  (file) => !file.includes('/support/') && hasDecorator(program.getSourceFile(file)),
)
for (const form of ['standard', 'plain']) compile(form, decorating)
