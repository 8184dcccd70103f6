const publicKeyLine = /^([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})$/

/**
 * Whether a text is exactly one public key in the format of OpenSSH, `type base64`: text that is written to
 * `authorized_keys` or `known_hosts` must not contain a second line or options.
 */
export function isPublicKey(text: string): boolean {
  const [, type = '', base64 = ''] = publicKeyLine.exec(text) ?? []
  const blob = Buffer.from(base64, 'base64')
  // The encoded key begins with its own type (RFC 4253, section 6.6).
  const start = 4 + type.length
  return (
    blob.length > start && blob.readUInt32BE(0) === type.length && blob.toString('latin1', 4, start) === type
  )
}

/** Whether a text is the public key of a cluster: a public key with the comment of the cluster. */
export function isClusterKey(text: string, cluster: string): boolean {
  const comment = ` ${clusterKeyComment(cluster)}`
  return text.endsWith(comment) && isPublicKey(text.slice(0, -comment.length))
}

/** The comment that identifies the key of a cluster. */
export function clusterKeyComment(cluster: string): string {
  return `flambeau:${cluster}`
}

/**
 * The line of `authorized_keys` that lets the orchestrator log in to a worker. Besides programs it allows port
 * forwarding, through which the workers of a pool connect to its Redis if only SSH is open. A user who can run any
 * program can open any port, so port forwarding grants nothing more.
 */
export function authorizedLine(publicKey: string): string {
  return `restrict,port-forwarding ${publicKey}`
}
