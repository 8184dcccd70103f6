// The extension for VS Code: what is packed, what its package.json says, and that its bundle can be loaded.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type Diagnostic, LanguageServer } from '../support/language-server.js'

const execute = promisify(execFile)
const require = createRequire(import.meta.url)
const source = readFileSync('editors/vscode/package.json', 'utf8')
const manifest = JSON.parse(source)

describe('the extension for VS Code', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-vscode-'))
  let files: Map<string, Buffer>

  before(async () => {
    const path = join(folder, 'flambeau.vsix')
    await execute(process.execPath, ['editors/vscode/build.js', path])
    files = await unzip(path, folder)
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  test('has its bundle, the licences in it, and no source', () => {
    assert.deepEqual([...files.keys()].sort(), [
      '[content_types].xml',
      'extension.vsixmanifest',
      'extension/dist/extension.js',
      'extension/dist/licences.txt',
      'extension/license.txt',
      'extension/package.json',
      'extension/readme.md',
    ])
    assert.deepEqual(JSON.parse(text('extension/package.json')), manifest)
    assert.equal(text('extension/license.txt'), readFileSync('LICENSE', 'utf8'))
    for (const name of ['vscode-languageclient', 'vscode-jsonrpc', 'semver'])
      assert.match(text('extension/dist/licences.txt'), new RegExp(`^${name}/licen[cs]e`, 'im'))
  })

  test('is for trusted workspaces on a disk only', () => {
    const { untrustedWorkspaces, virtualWorkspaces } = manifest.capabilities
    assert.equal(untrustedWorkspaces.supported, false)
    assert.match(untrustedWorkspaces.description, /\w/)
    assert.equal(virtualWorkspaces, false)
  })

  test('is compiled against the API of the oldest VS Code that it allows', () => {
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
    assert.equal(manifest.engines.vscode, `^${devDependencies['@types/vscode']}`)
  })

  test('says nothing in its package.json that vsce or VS Code would not understand', async () => {
    require('@vscode/vsce/out/package.js').validateManifestForPackaging(manifest)
    const schema = await manifestSchema()
    const ofNpm = ['name', 'version', 'description', 'keywords', 'license', 'private', 'main']
    const unknown = Object.keys(manifest).filter((key) => !ofNpm.includes(key) && !schema.properties[key])
    assert.deepEqual(unknown, [])
    assert.deepEqual(await diagnose(schema, source), [])
  })

  test('is compared with a schema that finds mistakes', async () => {
    const { contributes, ...rest } = manifest
    const mistakes = [
      { ...rest, capabilities: { untrustedWorkspaces: { supported: 'never' } } },
      { ...rest, categories: ['Torches'] },
      { ...rest, activationEvents: 'onLanguage:yaml' },
      { ...rest, contributes: { ...contributes, configuration: { properties: { x: { scope: 'folder' } } } } },
    ]
    const schema = await manifestSchema()
    for (const mistake of mistakes)
      assert.notDeepEqual(await diagnose(schema, JSON.stringify(mistake)), [], JSON.stringify(mistake))
  })

  // The sources on npm have no schema of "commands", and that of a setting allows any value as its default.
  test('has a command and settings that VS Code can show', () => {
    const { commands, configuration } = manifest.contributes
    for (const command of commands)
      assert.deepEqual(Object.keys(command).sort(), ['category', 'command', 'title'])
    const settings = configuration.properties
    assert.deepEqual(Object.keys(settings), ['flambeau.server.path', 'flambeau.trace.server'])
    assert.equal(settings['flambeau.server.path'].scope, 'machine-overridable')
    const { enum: values, enumDescriptions, default: value } = settings['flambeau.trace.server']
    assert.equal(enumDescriptions.length, values.length)
    assert.ok(values.includes(value))
  })

  test('says what to type where flambeau is not installed', async () => {
    const { vscode, messages, logged, registered } = editorStub(folder)
    const extension = loadWith(vscode, join(folder, 'extension/dist/extension.js'))
    assert.deepEqual(Object.keys(extension).sort(), ['activate', 'deactivate'])
    const subscriptions: unknown[] = []
    await extension.activate({ subscriptions })
    // Nobody is disturbed where nothing names flambeau.
    assert.deepEqual(messages, [])
    assert.match(logged[0]!, /^The package "flambeau" is not installed/)
    writeFileSync(join(folder, 'package.json'), '{ "flambeau": { "imports": [] } }')
    await extension.activate({ subscriptions })
    assert.match(messages[0]!, /^The package "flambeau" is not installed .* type "npm install flambeau"/)
    const commands = manifest.contributes.commands.map(({ command }: { command: string }) => command)
    assert.deepEqual([...new Set(registered)], commands)
    assert.equal(subscriptions.length, 6)
    await extension.deactivate()
  })

  function text(name: string): string {
    return files.get(name)!.toString('utf8')
  }
})

/** Extracts a .vsix, and returns its files. Their names are in lower case: vsce reads a .vsix in this way. */
async function unzip(path: string, folder: string): Promise<Map<string, Buffer>> {
  const files: Map<string, Buffer> = await require('@vscode/vsce/out/zip.js').readZip(path, () => true)
  for (const [name, content] of files) {
    mkdirSync(join(folder, dirname(name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return files
}

/** The schema that VS Code itself applies to the package.json of an extension, from its sources on npm. */
async function manifestSchema(): Promise<any> {
  const workbench = 'vscode/vs/workbench'
  const registry = `@codingame/monaco-vscode-api/${workbench}/services/extensions/common/extensionsRegistry`
  const { schema } = await import(registry)
  await import(
    `@codingame/monaco-vscode-configuration-service-override/${workbench}/api/common/configurationExtensionPoint`
  )
  // Without the meta-schema: it would accept whatever the keys of VS Code, beside it, do not.
  const ownOnly = (key: string, value: any): unknown =>
    key === 'anyOf' ? value.filter(({ $ref }: { $ref?: string }) => $ref === undefined) : value
  const copy = JSON.parse(JSON.stringify(schema, ownOnly))
  // This one refers to the settings of an editor that runs.
  delete copy.properties.contributes.properties.configurationDefaults
  return copy
}

async function diagnose(schema: object, json: string): Promise<Diagnostic[]> {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-vscode-schema-'))
  const file = join(folder, 'schema.json')
  writeFileSync(file, JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...schema }))
  const schemas = { [pathToFileURL(file).href]: '*.job.yaml' }
  const server = await LanguageServer.start({ schemas, customTags: [] })
  try {
    return await server.diagnose(json)
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** An editor with one open folder and no settings. Whatever else the module "vscode" has is one empty class. */
function editorStub(fsPath: string) {
  const messages: string[] = []
  const logged: string[] = []
  const registered: string[] = []
  const anything: object = new Proxy(class {}, {
    get: (target, name) => Reflect.get(target, name) ?? anything,
  })
  const vscode = Object.assign(Object.create(anything), {
    commands: { registerCommand: (name: string) => registered.push(name) },
    window: {
      createOutputChannel: () => ({ info: (message: string) => logged.push(message) }),
      showWarningMessage: (message: string) => messages.push(message),
    },
    workspace: {
      workspaceFolders: [{ uri: { scheme: 'file', fsPath } }],
      getConfiguration: () => ({ get: (_: string, value: unknown) => value }),
      onDidChangeConfiguration: () => ({}),
    },
  })
  return { vscode, messages, logged, registered }
}

/** Loads a CommonJS module that imports "vscode", which exists inside the editor only. */
function loadWith(vscode: object, path: string): any {
  const loader = Module as unknown as { _load(name: string, ...rest: unknown[]): unknown }
  const load = loader._load
  loader._load = (name, ...rest) => (name === 'vscode' ? vscode : load(name, ...rest))
  try {
    return require(path)
  } finally {
    loader._load = load
  }
}
