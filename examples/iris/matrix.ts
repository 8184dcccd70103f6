/** A row of numbers. */
export type Vector = readonly number[]

/** Rows of one length. */
export type Matrix = readonly Vector[]

/** The sum of the products, pair by pair. */
export function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0)
}

/** The arithmetic mean. */
export function mean(values: Vector): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The columns as rows. */
export function transpose(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!))
}

/** Every element times `factor`. */
export function scale(matrix: Matrix, factor: number): Matrix {
  return matrix.map((row) => row.map((value) => value * factor))
}

/** The sum, element by element. */
export function add(a: Matrix, b: Matrix): Matrix {
  return a.map((row, at) => row.map((value, column) => value + b[at]![column]!))
}
