/**
 * Compiles the tests in three forms, so that all of them see classes registered in each way there is:
 * with legacy decorators, with standard decorators, and with plain calls in place of decorators.
 */
import { mkdirSync, rmSync } from 'node:fs'
import ts from 'typescript'
import { decoratorsToCalls } from './decorators-to-calls.js'

const forms = {
  legacy: { experimentalDecorators: true, emitDecoratorMetadata: true },
  standard: { experimentalDecorators: false, emitDecoratorMetadata: false },
  plain: { experimentalDecorators: true, emitDecoratorMetadata: true },
}

function compile(form, options) {
  const outDir = `build/test/${form}`
  mkdirSync(outDir, { recursive: true })
  const config = ts.getParsedCommandLineOfConfigFile(
    'test/tsconfig.json',
    { ...options, outDir },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => report([diagnostic]),
    },
  )
  const program = ts.createProgram(config.fileNames, config.options)
  const transformers = form === 'plain' ? { before: [decoratorsToCalls] } : undefined
  const { diagnostics } = program.emit(undefined, undefined, undefined, undefined, transformers)
  report([...config.errors, ...ts.getPreEmitDiagnostics(program), ...diagnostics])
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

rmSync('build/test', { recursive: true, force: true })
for (const [form, options] of Object.entries(forms)) compile(form, options)
