import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { blocksOf } from '../support/code-blocks.js'
import { EditorProject } from '../support/editor.js'
import { editorClasses, manifestOf } from '../support/editor-classes.js'

const execute = promisify(execFile)

const guide = blocksOf('docs/editor.md')
/** What the guide says to write into `init.lua`: of newer versions, and of this one. */
const [newer, init] = guide.filter(({ language }) => language === 'lua')

/** Does what a person does with the keyboard, and writes what is seen to a file. */
const session = `
local seen = {}
local function untilTrue(what, holds)
  if not vim.wait(20000, holds, 20) then error('this did not happen: ' .. what) end
end
local function diagnostics() return vim.diagnostic.get(0) end
local function text() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n') end

local function run()
  -- The settings of newer versions can only be read.
  assert(loadfile('newer.lua'))
  vim.cmd('edit job.yaml')
  untilTrue('a problem', function() return #diagnostics() == 1 end)
  local first = diagnostics()[1]
  seen.problem = { line = first.lnum, column = first.col, last = first.end_col, message = first.message, code = first.code }

  -- The quick fix under the cursor.
  vim.api.nvim_win_set_cursor(0, { first.lnum + 1, first.col })
  vim.ui.select = function(items, options, choose)
    seen.offered = vim.tbl_map(options.format_item or tostring, items)
    choose(items[1], 1)
  end
  vim.lsp.buf.code_action()
  untilTrue('a quick fix', function() return #diagnostics() == 0 and text():find('!Train', 1, true) ~= nil end)
  seen.mended = text()

  -- Completion on a new line below the optimizer.
  vim.api.nvim_buf_set_lines(0, 4, 4, false, { '  ' })
  vim.api.nvim_win_set_cursor(0, { 5, 2 })
  vim.cmd('startinsert!')
  local answers = vim.lsp.buf_request_sync(0, 'textDocument/completion', vim.lsp.util.make_position_params(), 20000)
  local items = {}
  for _, answer in pairs(answers) do
    for _, item in ipairs(answer.result.items or answer.result) do table.insert(items, item.label) end
  end
  seen.completion = items
  vim.cmd('stopinsert')
  vim.api.nvim_buf_set_lines(0, 4, 5, false, {})

  -- Rename the anchor in the line of its alias.
  vim.api.nvim_win_set_cursor(0, { 6, 8 })
  vim.lsp.buf.rename('samples')
  untilTrue('a new name', function() return text():find('&samples', 1, true) ~= nil end)
  seen.renamed = text()

  local hover = vim.lsp.buf_request_sync(0, 'textDocument/hover', {
    textDocument = vim.lsp.util.make_text_document_params(),
    position = { line = 3, character = 13 },
  }, 20000)
  for _, answer in pairs(hover) do seen.hover = answer.result.contents.value end
end

local ok, message = pcall(run)
if not ok then seen.error = tostring(message) end
vim.fn.writefile({ vim.fn.json_encode(seen) }, 'seen.json')
vim.cmd('qall!')
`

describe('Neovim', {
  skip: spawnSync('nvim', ['--version']).status !== 0 && 'Neovim is not installed',
}, () => {
  let project: EditorProject
  let seen: Record<string, any>
  before(async () => {
    project = new EditorProject({
      'package.json': manifestOf(['./classes.js']),
      'classes.js': editorClasses,
      'home/.keep': '',
      'newer.lua': newer!.text,
      'init.lua': init!.text,
      'session.lua': session,
      'job.yaml': '!Trian\ndata: &data iris.csv\nmode: fast\noptimizer: !Sgd\n  rate: 0.5\nextra: *data\n',
    })
    const env = { ...process.env, HOME: project.path('home'), XDG_RUNTIME_DIR: project.path('home') }
    const args = ['--headless', '-n', '-u', 'init.lua', '-c', 'filetype on', '-c', 'luafile session.lua']
    await execute('nvim', args, { cwd: project.folder, env, timeout: 120_000 })
    seen = JSON.parse(project.read('seen.json'))
    assert.equal(seen.error, undefined)
  })
  after(() => project.remove())

  test('shows problems', () => {
    const { problem } = seen
    assert.deepEqual([problem.line, problem.column, problem.last], [0, 0, 6])
    assert.equal(problem.message, 'Unknown tag "!Trian": did you mean "!Train"?')
  })

  test('applies a quick fix to the buffer', () => {
    assert.match(seen.offered[0], /Replace with "!Train"/)
    assert.equal(
      seen.mended,
      '!Train\ndata: &data iris.csv\nmode: fast\noptimizer: !Sgd\n  rate: 0.5\nextra: *data',
    )
  })

  test('completes options', () => assert.deepEqual(seen.completion, ['nesterov']))

  test('renames an anchor with its aliases', () => {
    assert.match(seen.renamed, /^data: &samples iris\.csv$/m)
    assert.match(seen.renamed, /^extra: \*samples$/m)
  })

  test('shows what a tag is', () => assert.match(seen.hover, /Gradient descent/))
})

test('the settings of Helix in the guide are TOML with the command of the server', () => {
  const [settings] = guide.filter(({ language }) => language === 'toml')
  const script = 'import sys, tomllib; print(tomllib.loads(sys.stdin.read())["language-server"]["flambeau"])'
  const { stdout, status } = spawnSync('python3', ['-c', script], { input: settings!.text, encoding: 'utf8' })
  assert.equal(status, 0)
  assert.equal(stdout.trim(), "{'command': 'npx', 'args': ['--no', 'flambeau', 'lsp']}")
})
