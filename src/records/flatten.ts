export function leavesOf(_text: string): Record<string, unknown> {
  return {}
}
