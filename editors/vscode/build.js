// Bundles extension.ts into dist/extension.js, and packs it. The first argument is the file to pack it into, by default
// flambeau-vscode.vsix in this folder.
const { readdirSync, readFileSync, writeFileSync } = require('node:fs')
const { join, resolve } = require('node:path')
const { build } = require('esbuild')
const { createVSIX } = require('@vscode/vsce')

const [packagePath = join(__dirname, 'flambeau-vscode.vsix')] = process.argv.slice(2)

buildExtension().catch((error) => {
  console.error(error)
  process.exitCode = 1
})

async function buildExtension() {
  const { metafile } = await build({
    absWorkingDir: __dirname,
    entryPoints: ['extension.ts'],
    outfile: 'dist/extension.js',
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  writeFileSync(join(__dirname, 'dist/licences.txt'), licencesOf(Object.keys(metafile.inputs)))
  await createVSIX({
    cwd: __dirname,
    packagePath: resolve(packagePath),
    // They are in the bundle.
    dependencies: false,
    // The root package.json alone names the repository.
    allowMissingRepository: true,
  })
}

/** The licences of the packages that the files of a bundle belong to. */
function licencesOf(files) {
  const packageOf = (file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]
  const folders = [...new Set(files.map(packageOf))].filter((folder) => folder !== undefined)
  return folders.map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`)
}

function licenceOf(folder) {
  const path = join(__dirname, folder)
  const name = readdirSync(path).find((file) => /^licen[cs]e/i.test(file))
  if (!name) throw new Error(`"${folder}" has no file with its licence`)
  const [, file] = join(folder, name).split(/node_modules[\\/](?!.*node_modules)/)
  return `${file}\n\n${readFileSync(join(path, name), 'utf8').trim()}\n`
}
