import { existsSync, realpathSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'

/**
 * The nearest folder upwards that has a `package.json`; without any, the folder itself. The search stops at a folder
 * that is personal: an `npm install` by mistake leaves a `package.json` in many a home folder.
 */
export function projectRoot(folder: string): string {
  for (let at = folder; !isPersonal(at); at = dirname(at)) if (existsSync(join(at, 'package.json'))) return at
  return folder
}

/** Whether a folder is a home folder, a folder of home folders, the root of a disk, or has keys of SSH in it. */
export function isPersonal(folder: string): boolean {
  const real = realPath(folder)
  if (dirname(real) === real || real === realPath(homedir()) || existsSync(join(real, '.ssh'))) return true
  const home = accountHome()
  return home !== undefined && `${realPath(home)}${sep}`.startsWith(`${real}${sep}`)
}

/** The real path of what may not be there. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

// HOME may name another folder than the account has; and a container may have no account at all.
function accountHome(): string | undefined {
  try {
    return userInfo().homedir
  } catch {
    return undefined
  }
}
