import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { FlambeauError } from '../../errors.js'
import { mistakeCode } from '../../util/exit-codes.js'

const begin = '-----BEGIN CERTIFICATE-----'

/**
 * The text of certificates that are given as such, or by the path of their file.
 *
 * @throws {@link FlambeauError} when it is none.
 */
export async function certificatesOf(ca: string): Promise<string> {
  if (ca.includes(begin)) return checked(ca, 'The text of "ca"')
  const text = await readFile(ca, 'utf8').catch((cause) => {
    throw badCertificate(`The file "${ca}" cannot be read (${cause.code})`)
  })
  return checked(text, `"${ca}"`)
}

function checked(text: string, what: string): string {
  try {
    new X509Certificate(text)
    return text
  } catch {
    throw badCertificate(`${what} is no certificate`)
  }
}

function badCertificate(what: string): FlambeauError {
  const message = `${what}: give "ca" the path of a PEM file, or its text, with "${begin}" in it`
  return new FlambeauError(message, { code: 'BAD_CERTIFICATE', exitCode: mistakeCode })
}
