import { posix } from 'node:path'

/** The files and folders of a cluster on a host, by what they contain. */
export const clusterFiles = {
  /** The key with which the orchestrator logs in to the workers. */
  key: 'key',
  publicKey: 'key.pub',
  /** The host keys of the workers. */
  knownHosts: 'known_hosts',
  /** The mark of the connections to the workers that last succeeded. */
  connections: 'reached',
  /** The hash of the setup commands that have run. */
  setup: 'setup',
  /** Secrets that a user sent for the next run. */
  secrets: 'secrets.json',
  /** The trees that the cluster uses. */
  trees: 'trees.json',
  /** One link for each run that has started or is about to: the last one has the cluster. */
  claims: 'claims',
  /** One file for each run that waits for the cluster, in order. */
  queue: 'queue',
  /** Files of users. */
  content: 'content',
  /** Results of tasks that are too large for a message. */
  results: 'results',
  /** The folders in which the tasks of each run work, on a worker host. */
  work: 'work',
}

/** The files and folders of a run, by what they contain. */
export const runFiles = {
  /** The runnable, as it is loaded. */
  job: 'job.yaml',
  /** The text of the runnable, as the user wrote it. */
  content: 'content.yaml',
  program: 'program.json',
  connection: 'connection.json',
  secrets: 'secrets.json',
  spec: 'spec.json',
  /** The script of the job, on a cluster of Slurm. */
  jobScript: 'job.sh',
  /** The job, as far as Slurm has said. */
  slurm: 'slurm.json',
  /** The environment of a run that was queued, until it begins. */
  environment: 'environment.json',
  /** The process that is about to begin the run. */
  starter: 'starter.json',
  state: 'state.json',
  exit: 'exit.json',
  cancel: 'cancel.json',
  result: 'result.json',
  losses: 'losses.json',
  log: 'log',
  /** What happened in the run, one JSON object in each line. */
  events: 'events.jsonl',
  /** The working directory; with files of the project, a link to the counterpart of the folder that it was submitted from. */
  work: 'work',
}

/** The files of the project that a run was sent: in its folder on the orchestrator, and in its work folder on a worker host. */
export const projectFolder = 'project'
/** Beside them, what they were like: those that a run left unchanged are removed when a later run starts. */
export const sentFiles = 'sent.json'

export type ClusterFile = keyof typeof clusterFiles
export type RunFile = keyof typeof runFiles

/** This package within the package that a run uses. */
export const ownPackage = 'node_modules/flambeau'

/** The file in a tree that describes it. */
export const treeManifest = '.flambeau-tree.json'

/**
 * Where everything of this package is on a host, except a line in `~/.ssh/authorized_keys`:
 *
 * ```text
 * ~/.flambeau/
 *   packages/HASH/                   flambeau with its dependencies
 *     programs/HASH/                 packages of users
 *     extensions/HASH/
 *     files/HASH/                    files of projects, which each run copies
 *   clusters/NAME/                   clusterFiles
 *   runs/ID/                         runFiles
 *   slurm-jobs.json                  what squeue last said, on the login host of Slurm
 * ```
 *
 * Paths are absolute with `home`, and relative to the home folder without.
 */
export class HostLayout {
  readonly root: string
  readonly packages: string
  readonly clusters: string
  readonly runs: string
  readonly slurmJobs: string

  constructor(home = '') {
    this.root = posix.join(home, '.flambeau')
    this.packages = posix.join(this.root, 'packages')
    this.clusters = posix.join(this.root, 'clusters')
    this.runs = posix.join(this.root, 'runs')
    this.slurmJobs = posix.join(this.root, 'slurm-jobs.json')
  }

  /** A package by the hash of its tree, or a path within it. */
  package(hash: string, ...path: readonly string[]): string {
    return posix.join(this.packages, hash, ...path)
  }

  /** The folder of a cluster, or something in it. */
  cluster(name: string, file?: ClusterFile): string {
    return posix.join(this.clusters, name, file === undefined ? '' : clusterFiles[file])
  }

  /** The folder of a run, or something in it. */
  run(id: string, file?: RunFile): string {
    return posix.join(this.runs, id, file === undefined ? '' : runFiles[file])
  }
}

/** Where everything is, relative to the home folder of any host. */
export const fromHome = new HostLayout()
