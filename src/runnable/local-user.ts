import { userInfo } from 'node:os'

const variables = 'LOGNAME USER LNAME USERNAME'.split(' ')

/**
 * Returns the name of the user of this computer, as Python's `getpass.getuser` does: from the environment, then from
 * the account. A user without an account, as in many containers, is named by number.
 */
export function localUser(): string {
  const named = variables.map((name) => process.env[name]).find(Boolean)
  return named ?? accountName() ?? String(process.getuid?.() ?? 'unknown')
}

function accountName(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
