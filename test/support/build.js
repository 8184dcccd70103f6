/**
 * Compiles the tests with legacy decorators, as the package itself is compiled. Tests that decorate classes are compiled
 * with standard decorators and with plain calls in place of decorators as well: users register classes in each of these
 * three forms.
 */
import { readFileSync, rmSync, writeSync } from 'node:fs'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import ts from 'typescript'
import { decoratorsToCalls } from './decorators-to-calls.js'

const forms = {
  legacy: { experimentalDecorators: true, emitDecoratorMetadata: true },
  standard: { experimentalDecorators: false, emitDecoratorMetadata: false },
  plain: { experimentalDecorators: true, emitDecoratorMetadata: true },
}

function compile(form) {
  const { fileNames, options, errors } = ts.getParsedCommandLineOfConfigFile(
    'test/tsconfig.json',
    { ...forms[form], outDir: `build/test/${form}`, noCheck: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => report([diagnostic]) },
  )
  const program = ts.createProgram(form === 'legacy' ? fileNames : fileNames.filter(isDecorating), options)
  const transformers = form === 'plain' ? { before: [decoratorsToCalls] } : undefined
  const { diagnostics } = program.emit(undefined, undefined, undefined, undefined, transformers)
  report([...errors, ...program.getSyntacticDiagnostics(), ...diagnostics])
}

/** Whether a test decorates classes; what it imports of `test/support` is compiled with it. */
function isDecorating(file) {
  const hasDecorator = (node) => ts.isDecorator(node) || ts.forEachChild(node, hasDecorator) === true
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  return !file.includes('/support/') && hasDecorator(source)
}

function report(diagnostics) {
  if (diagnostics.length === 0) return
  const host = {
    getCurrentDirectory: ts.sys.getCurrentDirectory,
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  }
  // At once: what a thread prints otherwise may be lost when it ends.
  writeSync(2, ts.formatDiagnosticsWithColorAndContext(diagnostics, host))
  process.exit(1)
}

if (isMainThread) {
  rmSync('build/test', { recursive: true, force: true })
  for (const form of Object.keys(forms))
    new Worker(new URL(import.meta.url), { workerData: form }).once('exit', (code) => {
      if (code !== 0) process.exitCode = code
    })
} else compile(workerData)
