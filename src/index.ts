// Only `export *` lets users augment the interface in tag-map.ts; all other exports are named.

export type { ClusterAccess } from './cluster/cluster-runnable.js'
export {
  ClusterRunnable,
  type ClusterRunnableParameters,
  isClusterRunnable,
  type PreflightOptions,
  type SetupOptions,
} from './cluster/cluster-runnable.js'
export type { ExecOptions, ExecResult, Host, Sent, SyncOptions } from './cluster/host/host.js'
export type { Exit, Gpu, Resources } from './cluster/protocol/messages.js'
export { RemoteEnvironment, type RemoteEnvironmentOptions } from './cluster/remote-environment.js'
export { check, checkAsync } from './document/check/check.js'
export type { ComposeFileOptions, ComposeOptions } from './document/compose/read-composed.js'
export { setSerializableAttr } from './document/construct/provenance.js'
export { MappedRegistrable, Registrable, type WithSchema } from './document/construct/registrable-base.js'
export { Template, type TemplatePath } from './document/construct/template.js'
export type { Overrides } from './document/edit/override.js'
export {
  disposeAll,
  type LoadAsyncOptions,
  type Loaded,
  type LoadFileOptions,
  type LoadOptions,
  load,
  loadAll,
  loadAllAsync,
  loadAsync,
  loadFile,
} from './document/load.js'
export type { ReadOptions } from './document/read/parse.js'
export type { Environment } from './document/read/parsed.js'
export { type DumpOptions, dump, dumpAll } from './document/write/dump.js'
export type { ValueOrigin } from './document/write/resolve.js'
export {
  ClusterConfigurationError,
  ClusterError,
  ConstructionError,
  DocumentError,
  ExtensionError,
  FlambeauError,
  type FlambeauErrorOptions,
  type HostFinding,
  isFlambeauError,
  MissingSecretsError,
  ParsingRunnableError,
  type Problem,
  RegistrationError,
  type RelatedPosition,
  RemoteCommandError,
  type RemoteCommandFacts,
  ResourceError,
  RunnableFileError,
  SecretsFileError,
  TagError,
  UnsuccessfulRunnableError,
  ValidationError,
} from './errors.js'
export type { Pruned, Resolved } from './extensions/index.js'
export type { Logger } from './logger.js'
export type {
  AliasNode,
  Entry,
  FormatNode,
  LinkNode,
  MappingNode,
  Node,
  ScalarNode,
  SequenceNode,
  ValueNode,
} from './node.js'
export type {
  Objective,
  RunEnded,
  RunEvent,
  RunEventBody,
  RunListener,
  RunLogged,
  RunProgress,
  RunStarted,
  SweepStarted,
  TrialEnded,
  TrialFailure,
  TrialProgress,
  TrialStarted,
  TrialState,
} from './records/events.js'
export type { ChecksItsInput } from './registry/compile-time.js'
export {
  type AliasOptions,
  alias,
  type ClassContext,
  type FactoryDecorator,
  type FactoryOptions,
  factory,
  type Namespace,
  namespace,
  register,
  registrable,
  type StaticContext,
  type StaticMethod,
} from './registry/decorators.js'
export { defaultRegistry } from './registry/default-registry.js'
export type { Builder, FactoryContext, FromYaml, Representer, ToYaml } from './registry/hooks.js'
export { customTags, jsonSchema } from './registry/json-schema/json-schema.js'
export type { JsonSchema } from './registry/json-schema/keywords.js'
export type {
  Class,
  Definition,
  FactoryDefinition,
  HooksOf,
  KeyStyle,
  Registrar,
  Registration,
  RegistrationOptions,
  ResolvedTag,
} from './registry/registration.js'
export { Registry } from './registry/registry.js'
export type {
  InputOf,
  JsonSchemaConverter,
  OutputOf,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from './registry/standard-schema.js'
export type { Tag } from './registry/tag.js'
export * from './registry/tag-map.js'
export { type CheckFileOptions, checkFile } from './runnable/check-file.js'
export type { ContextOptions, Preprocessed, PreprocessOptions } from './runnable/context.js'
export { SafeExecutionContext } from './runnable/context.js'
export type { ExtensionOptions, Surroundings } from './runnable/import-extensions.js'
export {
  type ListedExtension,
  listExtensions,
  lockExtensions,
  pruneExtensions,
} from './runnable/manage-extensions.js'
export type { Needs } from './runnable/needs.js'
export type { Outcome } from './runnable/outcome.js'
export { type ResolvedFile, type ResolveFileOptions, resolveFile } from './runnable/resolve-file.js'
export { type RunFileOptions, runFile } from './runnable/run-file.js'
export { type RunOptions, runOptions } from './runnable/run-options.js'
export { isRunnable, Runnable, type RunnableParameters, type UserProvider } from './runnable/runnable.js'
export type { RunnableSource } from './runnable/runnable-file.js'
export {
  type ParseSecretsOptions,
  parseSecrets,
  type ReadSecretsOptions,
  readSecrets,
  type SecretsDialect,
} from './runnable/secrets/read-secrets.js'
export type { SecretSection } from './runnable/secrets/secret-section.js'
export {
  type RequiredSecrets,
  type SecretOptions,
  Secrets,
  type SecretsConfig,
} from './runnable/secrets/secrets.js'
export { version } from './version.js'
