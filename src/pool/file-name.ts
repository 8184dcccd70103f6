/** The name of a file for a task: its id, with what no file name should hold escaped. */
export function fileNameOf(id: string): string {
  return encodeURIComponent(id).replace(/^\./, '%2E').replaceAll('*', '%2A').slice(0, 200)
}
