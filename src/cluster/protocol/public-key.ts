const publicKeyLine = /^([a-z0-9@.-]+) ([A-Za-z0-9+/]+={0,2})$/

/**
 * Whether a text is one public key as OpenSSH writes it, `type base64`, and nothing besides: what is pasted into
 * `authorized_keys` or `known_hosts` must not bring a second line or options of its own.
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

/** Whether a text is a cluster's public key: with the comment by which its line is known. */
export function isClusterKey(text: string, cluster: string): boolean {
  const comment = ` ${clusterKeyComment(cluster)}`
  return text.endsWith(comment) && isPublicKey(text.slice(0, -comment.length))
}

/** The comment by which a cluster's key is known wherever it lies. */
export function clusterKeyComment(cluster: string): string {
  return `flambeau:${cluster}`
}

/**
 * The line of `authorized_keys` by which a factory lets the orchestrator in: programs, and ports, through which the
 * workers of a pool reach its Redis where nothing but SSH is open. Who may run any program may open any port by one, so
 * this gives no more power than programs alone.
 */
export function authorizedLine(publicKey: string): string {
  return `restrict,port-forwarding ${publicKey}`
}
