import { existsSync, realpathSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A path with the home folder in place of a `~` at its start. */
export function expandHome(path: string): string {
  return /^~(?:[\\/]|$)/.test(path) ? homedir() + path.slice(1) : path
}

/** An absolute path: `~` at its start is the home folder; a relative path starts at `folder`. */
export function absolutePath(path: string, folder = '.'): string {
  return resolve(folder, expandHome(path))
}

let root: string | undefined

/** The folder in which this package is installed. It is searched on first use: a bundle has none. */
export function packageRoot(): string {
  root ??= packageAbove(dirname(fileURLToPath(import.meta.url)))
  return root
}

// The package may be installed in a home folder, so the search stops at no personal folder.
function packageAbove(folder: string): string {
  const isFound = existsSync(join(folder, 'package.json')) || dirname(folder) === folder
  return isFound ? folder : packageAbove(dirname(folder))
}

/**
 * The nearest folder upwards that has a `package.json`; without any, the folder itself. The search stops at a folder
 * that is personal: an `npm install` by mistake leaves a `package.json` in many a home folder.
 */
export function projectRoot(folder: string): string {
  for (let each = folder; !isPersonal(each); each = dirname(each))
    if (existsSync(join(each, 'package.json'))) return each
  return folder
}

/** Whether a folder is a home folder, a folder of home folders, the root of a disk, or contains keys of SSH. */
export function isPersonal(folder: string): boolean {
  const real = realPath(folder)
  const own = homedir()
  // An empty HOME names no folder.
  const isOwn = own !== '' && real === realPath(own)
  if (dirname(real) === real || isOwn || existsSync(join(real, '.ssh'))) return true
  const home = accountHome()
  return home !== undefined && `${realPath(home)}${sep}`.startsWith(`${real}${sep}`)
}

/** The real path of a file or folder that may be absent. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

// HOME may name another folder than the account has; a container may have no account.
function accountHome(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined
  }
}
