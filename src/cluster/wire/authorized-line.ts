/**
 * The line of `authorized_keys` by which a factory lets the orchestrator in: programs, and ports, through which the
 * workers of a pool reach its Redis where nothing but SSH is open. Who may run any program may open any port by one, so
 * this gives no more power than programs alone.
 */
export function authorizedLine(publicKey: string): string {
  return `restrict,port-forwarding ${publicKey}`
}
