import { manifestOf, missingDependencies } from './manifest.js'
import type { Request } from './request.js'
import { type ExtensionSource, isLocal } from './source.js'
import { Trouble } from './trouble.js'

/** @throws {@link Trouble} that says what to type when an extension would have to be installed, and may not. */
export async function expectMayInstall({ source, shown, install, download }: Request): Promise<void> {
  if (!install)
    throw new Trouble(
      'NOT_INSTALLED',
      `is not installed: ${await whyInstall(source)}add "--install-extensions" ("installExtensions: true" in code) to install "${shown}"`,
    )
  if (download === false && !isLocal(source))
    throw new Trouble(
      'NOT_INSTALLED',
      `is not installed, and may not be fetched from "${shown}": leave out "--no-download-extensions" ("downloadExtensions: false" in code)`,
    )
}

async function whyInstall(source: ExtensionSource): Promise<string> {
  if (source.kind !== 'folder') return ''
  const missing = missingDependencies(source.path, await manifestOf(source.path))
  const names = missing.map((name) => `"${name}"`).join(', ')
  return `its folder "${source.path}" has no ${names}; run "npm install" there, or `
}
