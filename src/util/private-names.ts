/** The names of files and folders that hold passwords, tokens or private keys; docs/clusters.md lists them. */
const privateNames =
  /^(?:\.env.*|\.npmrc|\.yarnrc\.yml|\.netrc|\.pypirc|\.git-credentials|.*secret.*\.ini.*|id_rsa|id_dsa|id_ecdsa|id_ed25519|id_.*_sk|.*\.(?:key|p12|pfx|ppk))$/i
const privateFolders = /^\.(?:ssh|aws|gnupg)$/i

/**
 * Whether the name of a file, or of a folder on its way, marks it as private. `path` has `/` between folders; a folder ends
 * with `/`.
 */
export function isPrivateName(path: string): boolean {
  const names = path.split('/')
  return names.some(
    (name, index) => privateNames.test(name) || (index < names.length - 1 && privateFolders.test(name)),
  )
}

const repositoryNames = /^\.(?:git|hg|svn)$/i

/** Whether a path leads into a folder in which a version control system keeps its files; some contain tokens. */
export function isInRepositoryFolder(path: string): boolean {
  return path.split('/').some((name) => repositoryNames.test(name))
}

/** No private key is larger, in bytes. */
export const largestPrivateKey = 1 << 18

/** The header of a private key in PEM, JSON or YAML with its first line: code may contain the header alone. */
const pemKey =
  /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\r|\\n)+(?:[A-Za-z0-9+/=]{16}|[A-Za-z-]+: )/
const puttyKey = /^PuTTY-User-Key-File-/

/** Whether a text contains a private key. */
export function isPrivateKey(text: string): boolean {
  return pemKey.test(text) || puttyKey.test(text)
}

// Comments and empty lines, then a section.
const iniSection = /^\ufeff?(?:[ \t]*(?:[#;].*)?\r?\n)*[ \t]*\[[^\]\n]+\][ \t]*\r?\n/
const iniKey = /^[ \t]*[^\s=:#;]+[ \t]*=/m

/** Whether a text looks like an INI file, the format of secrets: a section, and keys with "=" below it. */
export function isIni(text: string): boolean {
  const [section] = iniSection.exec(text) ?? []
  return section !== undefined && iniKey.test(text.slice(section.length))
}

const secretName = /key|token|secret|passw|passphrase|pwd|credential/i

/** Whether the name of an environment variable looks like that of a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name)
}

const secretWord = /passw|passphrase|(?:^|_)(?:api|access)?(?:key|token|secret|pwd|credentials?)(?:_|$)/i

/** The same by whole words: a variable that is only refused or hidden when it is one, and so not `TOKENIZERS_PARALLELISM`. */
export function isSecretVariable(name: string): boolean {
  return secretWord.test(name)
}
