import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { afterEach, describe, test } from 'node:test'
import { commandLine, Editor, EditorProject } from '../support/editor.js'
import { editorClasses, manifestOf } from '../support/editor-classes.js'
import { until } from '../support/until.js'

const job = 'job.yaml'
const wrong = '!Train\ndata: a\noptimizer: !Sgd { ratee: 1 }\n'
const problem = '3:19 UNKNOWN_OPTION Option "ratee" of "!Sgd" is unknown: did you mean "rate"?'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function start(files: Readonly<Record<string, string>>): Promise<[EditorProject, Editor]> {
  const project = new EditorProject(files)
  const editor = await Editor.start(project.folder)
  closing.push(async () => {
    assert.equal(await editor.stop(), 0)
    project.remove()
  })
  return [project, editor]
}

/** A project whose module is the classes of the tests, and then some code. */
const withModule = (code: string) =>
  start({ 'package.json': manifestOf(['./classes.js']), 'classes.js': `${editorClasses}\n${code}` })

/** The processes that a process has started. */
const childrenOf = (pid: number) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()

describe('modules that are wrong', () => {
  const cases: readonly [what: string, code: string, told: RegExp][] = [
    [
      'throw',
      `throw new Error('broken')`,
      /cannot be imported: Module ".\/classes.js" threw an error while it was imported: Error: broken$/,
    ],
    [
      'exit',
      'process.exit(3)',
      /cannot be imported: it exited with code 3 while ".\/classes.js" was imported$/,
    ],
    [
      'kill their process',
      `process.kill(process.pid, 'SIGKILL')`,
      /SIGKILL ended it while ".\/classes.js" was imported$/,
    ],
    [
      'fill the memory',
      'const all = []\nfor (;;) all.push(new Array(1e6).fill(all.length))',
      /ran out of memory/,
    ],
  ]
  for (const [what, code, told] of cases)
    test(`that ${what} are reported once, and the YAML is checked without them`, async () => {
      const [project, editor] = await withModule(code)
      editor.open(job, '!Train\ndata: [a\n')
      await until(() => editor.messages.length > 0, 'a message')
      assert.match(editor.messages[0]!, told)
      assert.deepEqual(
        (await editor.untilShown(job, (found) => found.length > 0)).map((each) => each.split(' ')[0]),
        ['2:7'],
      )
      editor.replace(job, '!Train\ndata: a\n')
      assert.deepEqual(await editor.problems(job), [])
      assert.ok((await editor.complete(job, '!|')).length > 0)
      assert.equal(editor.messages.length, 1)

      // Mended, they are used at once.
      project.write('classes.js', editorClasses)
      editor.replace(job, wrong)
      assert.deepEqual(await editor.untilShown(job, (found) => found.length > 0), [problem])
      assert.equal(editor.messages.length, 1)
    })

  test('that never end to be imported are ended', async () => {
    const [project, editor] = await withModule('for (;;) {}')
    editor.open(job, '!Train\ndata: [a\n')
    // The YAML is checked meanwhile.
    assert.equal((await editor.untilShown(job, (found) => found.length > 0)).length, 1)
    await until(() => editor.messages.length > 0, 'a message')
    assert.match(
      editor.messages[0]!,
      /importing ".\/classes.js" took more than 20 s: look for a loop, or a promise that never settles$/,
    )
    await until(() => childrenOf(editor.pid) === '', 'the end of the process')
    project.write('classes.js', editorClasses)
    editor.replace(job, wrong)
    assert.deepEqual(await editor.untilShown(job, (found) => found[0] === problem), [problem])
  })

  test('that end their process later, between two checks, are started again', async () => {
    const [project, editor] = await withModule(
      `import { existsSync } from 'node:fs'\nsetInterval(() => { if (existsSync('end')) throw new Error('later') }, 20)`,
    )
    editor.open(job, wrong)
    assert.deepEqual(await editor.problems(job), [problem])
    project.write('end', '')
    await until(() => editor.messages.length > 0, 'a message')
    assert.match(
      editor.messages[0]!,
      // On a busy machine, while it checks once more.
      /^The process with the modules of ".*" has ended: it exited with code 1(?: while it checked ".*")?$/,
    )
    rmSync(project.path('end'))
    editor.replace(job, `${wrong}mode: fats\n`)
    await editor.untilShown(job, (found) => found.length === 2)
    assert.equal(editor.messages.length, 1)
  })

  test('that send messages of their own, or have schemas that refer to themselves, are used like others', async () => {
    const [, editor] = await withModule(`
process.send?.('ready')
const nested = z.lazy(() => z.union([z.number(), z.array(nested)]))
registrable('!Deep', { schema: z.strictObject({ nested: nested.optional() }) })(class Deep {})
const circular = {}
circular.self = circular
const jsonSchema = { input: () => ({ type: 'object', properties: { a: { default: circular } } }) }
const standard = { version: 1, vendor: 'test', validate: (value) => ({ value }), jsonSchema }
registrable('!Circular', { schema: { '~standard': standard } })(class Circular {})
registrable('!Null', { schema: { '~standard': { ...standard, validate: () => null } } })(class Null {})
`)
    editor.open(job, wrong)
    assert.deepEqual(await editor.problems(job), [problem])
    const labels = async (text: string) => (await editor.complete(job, text)).map(({ label }) => label)
    assert.ok((await labels('!|')).includes('!Deep'))
    assert.deepEqual(await labels('!Deep\n|'), ['nested'])
    editor.replace(job, `- !Null {}\n- !Sgd { ratee: 1 }\n`)
    const found = await editor.problems(job)
    assert.equal(found.length, 2)
    assert.match(found[0]!, /^1:3 BAD_OPTION .*its schema returned neither "value" nor a list of issues/)
    assert.deepEqual(editor.messages, [])
  })

  test('are shown in their own file and at the setting that names them', async () => {
    const [project, editor] = await withModule(`throw new Error('broken')`)
    editor.open(job, wrong)
    const line = editorClasses.split('\n').length + 1
    const [own = ''] = await editor.untilShown('classes.js', (found) => found.length > 0)
    assert.match(own, new RegExp(`^${line}:\\d+ MODULE_FAILED`))
    const [setting = ''] = await editor.untilShown('package.json', (found) => found.length > 0)
    assert.match(setting, /^7:7 MODULE_FAILED/)
    project.write('classes.js', editorClasses)
    await editor.untilShown('classes.js', (found) => found.length === 0)
    await editor.untilShown('package.json', (found) => found.length === 0)
  })

  test('print nothing into the answers', async () => {
    const [, editor] = await withModule(`console.log('Content-Length: 3'); console.error('shown')`)
    editor.open(job, wrong)
    assert.deepEqual(await editor.untilShown(job, (found) => found.length > 0), [problem])
    await until(() => editor.log.includes('Content-Length: 3') && editor.log.includes('shown'))
  })

  test('leave what was known when they break later', async () => {
    const [project, editor] = await withModule('')
    editor.open(job, wrong)
    assert.deepEqual(await editor.problems(job), [problem])
    project.write('classes.js', 'process.exit(1)\n')
    await until(() => editor.messages.length > 0, 'a message')
    editor.replace(job, `${wrong}mode: fats\n`)
    assert.equal((await editor.problems(job)).length, 2)
    assert.ok((await editor.complete(job, '!Train\noptimizer: |')).some(({ label }) => label === '!Sgd'))
    project.write('classes.js', '!!! no JavaScript')
    await until(() => editor.messages.length > 1, 'another message')
    editor.replace(job, wrong)
    assert.deepEqual(await editor.problems(job), [problem])
  })
})

describe('schemas that are wrong', () => {
  const schemas = (code: string) =>
    `registrable('!Bad', { schema: { '~standard': { version: 1, vendor: 'test', validate: () => { ${code} } } } })(class Bad {})`

  test('cannot end the server: a loop, an exit, an error', async () => {
    for (const [code, told] of [
      [
        'process.exit(1)',
        /^The process with the modules of ".*" has ended: it exited with code 1 while it checked ".*job.yaml"$/,
      ],
      ['for (;;) {}', /checking ".*job.yaml" took more than 5 s: look for a loop in a schema$/],
    ] as const) {
      const [, editor] = await withModule(
        schemas(`if (globalThis.isReady) { ${code} } return { value: {} }`).concat(
          '\nsetTimeout(() => { globalThis.isReady = true })',
        ),
      )
      editor.open(job, '!Train\ndata: a\noptimizer: !Sgd\n')
      await editor.problems(job)
      editor.replace(job, '!Bad\na: 1\n')
      await until(() => editor.messages.length > 0, 'a message')
      assert.match(editor.messages[0]!, told)
      // The process was started again.
      editor.replace(job, wrong)
      assert.deepEqual(await editor.untilShown(job, (found) => found.length > 0), [problem])
      assert.equal(editor.messages.length, 1)
    }
  })

  test('that end the process again and again are not tried for ever', async () => {
    const [project, editor] = await withModule(
      schemas('process.exit(1)')
        .replace('validate: () => {', 'validate: () => { if (!globalThis.isReady) return { value: {} };')
        .concat(
          '\nsetTimeout(() => { globalThis.isReady = true })',
          `\nimport { appendFileSync } from 'node:fs'\nappendFileSync('starts', 'x')`,
        ),
    )
    editor.open(job, '!Bad\n')
    const starts = () => (project.has('starts') ? project.read('starts').length : 0)
    await until(() => starts() === 3 && childrenOf(editor.pid) === '', 'the end of the third process')
    editor.replace(job, '!Bad\na: [1\n')
    assert.equal((await editor.problems(job)).length, 1)
    assert.equal(starts(), 3)
    assert.equal(editor.messages.length, 1)
    project.write('classes.js', editorClasses)
    editor.replace(job, wrong)
    assert.deepEqual(await editor.untilShown(job, (found) => found[0] === problem), [problem])
  })
})

describe('files that change', () => {
  test('a class that gains an option is known', async () => {
    const [project, editor] = await withModule('')
    const text = '!Train\ndata: a\noptimizer: !Sgd { decay: 1 }\n'
    editor.open(job, text)
    assert.equal((await editor.problems(job)).length, 1)
    project.write('classes.js', editorClasses.replace('nesterov:', 'decay: z.number().optional(), nesterov:'))
    await editor.untilShown(job, (found) => found.length === 0)
    assert.ok(
      (await editor.complete(job, '!Train\noptimizer: !Sgd\n  |')).some(({ label }) => label === 'decay'),
    )
  })

  test('so is one in a module of TypeScript that another one imports; tags lead to its source', async () => {
    const [project, editor] = await start({
      'package.json': manifestOf(['./src/index.ts']),
      'src/index.ts': `import './sgd.ts'\n`,
      'src/sgd.ts': `import { registrable } from 'flambeau'\n\nconst first: number = 1\n\n@registrable('!Sgd')\nexport class Sgd {\n  constructor(readonly options: object) {}\n}\n`,
      'tsconfig.json': '{ "compilerOptions": { "experimentalDecorators": true } }',
    })
    editor.open(job, '!Sgdd\n')
    assert.match((await editor.problems(job))[0]!, /did you mean "!Sgd"/)
    const found = await editor.definition(job, '!S|gd\n')
    assert.equal(found!.uri, editor.uri('src/sgd.ts'))
    assert.deepEqual(found!.range.start, { line: 5, character: 13 })
    project.write('src/sgd.ts', project.read('src/sgd.ts').replace('!Sgd', '!Sgdd'))
    editor.replace(job, '!Sgdd\n')
    await editor.untilShown(job, (problems) => problems.length === 0)
  })

  test('tags of compiled code lead to the source that its map names', async () => {
    const [, editor] = await start({
      'package.json': manifestOf(['./dist/sgd.js']),
      'src/sgd.ts': `// comment\nexport class Sgd {}\n`,
      'dist/sgd.js': `import { registrable } from 'flambeau'\nexport class Sgd {}\nregistrable('!Sgd')(Sgd)\n//# sourceMappingURL=sgd.js.map\n`,
      'dist/sgd.js.map': JSON.stringify({
        version: 3,
        file: 'sgd.js',
        sources: ['../src/sgd.ts'],
        names: [],
        mappings: ';AACA',
      }),
    })
    editor.open(job, '!Sgdd\n')
    await editor.problems(job)
    const found = await editor.definition(job, '!S|gd\n')
    assert.equal(found!.uri, editor.uri('src/sgd.ts'))
    assert.deepEqual(found!.range.start, { line: 1, character: 13 })
  })

  test('the setting: modules that are added, mistakes in it, and a file that gets one', async () => {
    const [project, editor] = await start({
      'package.json': '{ "type": "module" }',
      'classes.js': editorClasses,
    })
    editor.open(job, wrong)
    assert.match(
      (await editor.problems(job))[0]!,
      /^1:1 NO_MODULES No package.json above this file names the modules/,
    )
    project.write('package.json', manifestOf(['./classes.js']))
    assert.deepEqual(await editor.untilShown(job, (found) => found[0] === problem), [problem])
    project.write('package.json', manifestOf(['./classes.js']).replace('imports', 'import'))
    const [setting = ''] = await editor.untilShown('package.json', (found) => found.length > 0)
    assert.match(setting, /^6:5 PROJECT_UNKNOWN_KEY "flambeau" has no key "import": did you mean "imports"\?/)
    project.write('package.json', manifestOf(['./classes.js']))
    await editor.untilShown('package.json', (found) => found.length === 0)
    assert.deepEqual(await editor.untilShown(job, (found) => found[0] === problem), [problem])
  })

  test('a project that is made inside of another one', async () => {
    const [project, editor] = await withModule('')
    project.write('inner/keep', '')
    editor.open('inner/job.yaml', '!Inner {}\n')
    assert.equal((await editor.problems('inner/job.yaml')).length, 1)
    project.write('inner/classes.js', `${editorClasses}\nregistrable('!Inner')(class Inner {})`)
    project.write('inner/package.json', manifestOf(['./classes.js']))
    await editor.untilShown('inner/job.yaml', (found) => found.length === 0)
  })

  test('included files', async () => {
    const [project, editor] = await withModule('')
    project.write('parts/sgd.yaml', '!Sgd\nrate: 1\n')
    editor.open(job, '!Train\ndata: a\noptimizer: !include parts/sgd.yaml\n')
    assert.deepEqual(await editor.problems(job), [])
    project.write('parts/sgd.yaml', '!Sgd\nratee: 1\n')
    await editor.untilShown(job, ([found = '']) => found.startsWith('3:12 UNKNOWN_OPTION'))
    project.write('parts/sgd.yaml', '!Sgd\nrate: 1\n')
    await editor.untilShown(job, (found) => found.length === 0)
  })
})

describe('projects', () => {
  test('each have their own classes', async () => {
    const [, editor] = await start({
      'a/package.json': manifestOf(['./classes.js']),
      'a/classes.js': editorClasses,
      'b/package.json': manifestOf(['./classes.js']),
      'b/classes.js': editorClasses.replaceAll('!Sgd', '!Other'),
    })
    editor.open('a/job.yaml', '!Train\ndata: a\noptimizer: !Other\n')
    editor.open('b/job.yaml', '!Train\ndata: a\noptimizer: !Sgd\n')
    assert.match((await editor.problems('a/job.yaml'))[0]!, /Unknown tag "!Other"/)
    assert.match((await editor.problems('b/job.yaml'))[0]!, /Unknown tag "!Sgd"/)
    // The process of a project ends with its last file.
    editor.close('a/job.yaml')
    await until(() => childrenOf(editor.pid).split(' ').length === 1, 'the end of one process')
  })

  test('have the tags of the extensions that a file declares', async () => {
    const [project, editor] = await withModule('')
    project.write('extension/package.json', '{ "name": "extension", "type": "module", "main": "./index.js" }')
    project.write(
      'extension/index.js',
      `import { registrable } from 'flambeau'\nexport class Polite {}\nregistrable('!Polite')(Polite)\n`,
    )
    mkdirSync(project.path('extension/node_modules'))
    symlinkSync(process.cwd(), project.path('extension/node_modules/flambeau'))
    const text = 'manners: ./extension\n---\n!Train\ndata: a\noptimizer: !Sgd\nextra: '
    editor.open(job, `${text}!manners.Polit\n`)
    assert.deepEqual(await editor.problems(job), [
      '6:8 UNKNOWN_TAG Unknown tag "!manners.Polit": did you mean "!manners.Polite"?',
    ])
    assert.ok((await editor.complete(job, `${text}!mann|`)).some(({ label }) => label === '!manners.Polite'))
    assert.match((await editor.definition(job, `${text}!manners.Pol|ite`))!.uri, /extension\/index\.js$/)
  })

  test('outside of them, nothing is imported', async () => {
    const [project, editor] = await start({
      'evil/package.json': '{ "name": "evil", "type": "module", "main": "./index.js" }',
      'evil/index.js': `import { writeFileSync } from 'node:fs'\nwriteFileSync('pwned', '')\n`,
    })
    editor.open(job, 'evil: ./evil\n---\n!evil.Tag\na: [1\n')
    assert.equal((await editor.problems(job)).length, 2)
    assert.equal(childrenOf(editor.pid), '')
    assert.throws(() => project.read('pwned'))
    assert.throws(() => project.read('evil/pwned'))
  })
})

test('a server that is killed leaves no process, even one in an endless loop', async () => {
  const project = new EditorProject({
    'package.json': manifestOf(['./classes.js']),
    'classes.js': `${editorClasses}\nfor (;;) {}`,
  })
  const editor = await Editor.start(project.folder)
  closing.push(async () => {
    await editor.kill()
    project.remove()
  })
  editor.open(job, wrong)
  await until(() => childrenOf(editor.pid) !== '', 'the process of the modules')
  const [child = 0] = childrenOf(editor.pid).split(' ').map(Number)
  // Its watchdog has to run before the server is killed.
  await until(() => readFileSync(`/proc/${child}/status`, 'utf8').match(/^Threads:\s+(\d+)/m)?.[1] !== '1')
  await editor.kill()
  await until(() => !isRunning(child), 'its end')
})

test('an editor that disappears takes the server and its processes with it', async () => {
  const project = new EditorProject({
    'package.json': manifestOf(['./classes.js']),
    'classes.js': editorClasses,
  })
  const editor = await Editor.start(project.folder, commandLine())
  // Not as a last step: after a failure, the server would keep this process alive.
  closing.push(async () => {
    await editor.kill()
    project.remove()
  })
  editor.open(job, wrong)
  assert.deepEqual(await editor.untilShown(job, (found) => found.length > 0), [problem])
  const children = childrenOf(editor.pid).split(' ').map(Number)
  assert.equal(children.length, 1)
  await editor.hangUp()
  await until(() => children.every((pid) => !isRunning(pid)), 'the end of its processes')
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
