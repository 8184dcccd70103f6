/** Tags of this package that come with a part of it which a program may not have imported, and that part. */
export const subPaths: Readonly<Record<string, string>> = {
  '!LocalCluster': 'flambeau/cluster',
  '!SSHCluster': 'flambeau/cluster',
  '!Sweep': 'flambeau/pool',
  '!choice': 'flambeau/pool',
  '!range': 'flambeau/pool',
  '!logUniform': 'flambeau/pool',
}

/** Tags of flambé that have no counterpart here, and what to do instead. */
export const absentTags: Readonly<Record<string, string>> = {
  '!AWSCluster':
    'flambeau starts no machines on AWS: start them, and list their addresses in an "!SSHCluster"',
}
