/** Resolves a plain scalar by the core schema of YAML (https://yaml.org/spec/1.2.2/#103-core-schema). */
export function resolvePlain(text: string): unknown {
  const first = text.charCodeAt(0)
  // Anything but a string starts with one of + - . 0-9 ~ or a first letter of null, true, false.
  if (first > 57 && first !== 126 && !mayBeWord(first)) return text
  if (first < 58 && first > 42) return numberValue(text)
  return words.has(text) ? words.get(text) : text
}

const words = new Map<string, unknown>([
  ...['~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
])

function mayBeWord(code: number): boolean {
  return code === 110 || code === 78 || code === 116 || code === 84 || code === 102 || code === 70
}

const decimal = /^[-+]?[0-9]+$/
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const special = /^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/
const based = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/

function numberValue(text: string): unknown {
  if (decimal.test(text)) return integerOf(text, Number.parseInt(text, 10))
  if (float.test(text)) return floatOrText(text, Number.parseFloat(text))
  if (based.test(text))
    return integerOf(text, Number.parseInt(text.slice(2), text.charCodeAt(1) === 120 ? 16 : 8))
  if (!special.test(text)) return text
  if (text.length === 4 && text.charCodeAt(3) !== 102 && text.charCodeAt(3) !== 70) return Number.NaN
  return text.charCodeAt(0) === 45 ? -Infinity : Infinity
}

function integerOf(text: string, value: number): number | bigint {
  return text.length < 15 || Number.isSafeInteger(value) ? value : BigInt(text)
}

/** Whether a text is a float that a number cannot represent. */
export function isUnrepresentableFloat(text: string): boolean {
  return float.test(text) && typeof floatOrText(text, Number.parseFloat(text)) === 'string'
}

/** A float, or its text if a number cannot represent it: the hash `695e0514` is not infinite, and `1e-999` is not zero. */
export function floatOrText(text: string, value: number): number | string {
  const fits = Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(text.split(/e/i, 1)[0]!))
  return fits ? value : text
}
