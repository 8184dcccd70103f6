import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ClusterError } from '../../errors.js'

const execute = promisify(execFile)

/** A certificate that vouches for itself, and its private key, as PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

/** The files of a certificate, in the folder of a Redis. */
export const certificateFile = 'certificate.pem'
export const keyFile = 'key.pem'

/** Longer than any run: what ends it is that its key is gone. */
const days = 3650

/**
 * Makes a certificate for the addresses by which a server is known; neither it nor its key is in any file.
 *
 * @throws {@link ClusterError} when there is no `openssl`, or it cannot.
 */
export async function makeCertificate(addresses: readonly string[]): Promise<Certificate> {
  const names = addresses.map((each) => `IP:${each}`).join(',')
  const request = ['req', '-x509', '-batch', '-subj', '/CN=flambeau', '-days', String(days)]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', '-']
  const made = execute('openssl', [...request, ...key, '-addext', `subjectAltName=${names}`])
  const { stdout } = await made.catch((cause) => Promise.reject(notMade(cause)))
  return { certificate: partOf(stdout, 'CERTIFICATE'), key: partOf(stdout, 'PRIVATE KEY') }
}

/** Lends the files to what is started, which reads them once; the key is a file only meanwhile. */
export async function withFiles<T>(
  { certificate, key }: Certificate,
  folder: string,
  start: () => Promise<T>,
): Promise<T> {
  const [keyPath, mode] = [join(folder, keyFile), 0o600]
  try {
    await writeFile(join(folder, certificateFile), certificate, { mode })
    await writeFile(keyPath, key, { mode })
    return await start()
  } finally {
    await rm(keyPath, { force: true })
  }
}

function partOf(text: string, kind: string): string {
  const [part = ''] = new RegExp(`-----BEGIN ${kind}-----[^-]*-----END ${kind}-----\n`).exec(text) ?? []
  return part
}

function notMade(cause: Error & { code?: unknown; stderr?: string }): ClusterError {
  if (cause.code !== 'ENOENT')
    return new ClusterError(`"openssl" made no certificate: ${cause.stderr?.trim()}`, {
      code: 'NO_CERTIFICATE',
    })
  const message =
    'The orchestrator has no "openssl", which makes the certificate of a Redis with "tls": install it ("apt-get install openssl", in "setup_cmds")'
  return new ClusterError(message, { code: 'NO_OPENSSL', cause })
}
