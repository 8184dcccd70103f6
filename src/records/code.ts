export interface CodeSnapshot {
  readonly modules: Readonly<Record<string, string>>
  readonly packages: Readonly<Record<string, string>>
  readonly patch?: string
}
export async function snapshotCode(_: {
  folder: string
  modules: readonly string[]
  privateFiles: readonly string[]
}): Promise<CodeSnapshot> {
  return { modules: {}, packages: {} }
}
