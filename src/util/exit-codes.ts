/** The user's file, options or secrets are wrong. */
export const mistakeCode = 22

/** The workers of a pool do not fit on the host: of a program whose starter decides what that means. */
export const doesNotFitCode = 23

/** A service such as a cluster or Redis cannot be used: `EX_UNAVAILABLE` of sysexits.h. */
export const unavailableCode = 69

/** A result could not be written, to standard output or to a file: `EX_IOERR` of sysexits.h. */
export const resultLostCode = 74

/** The connection to the host was lost, and the run may go on: `EX_TEMPFAIL` of sysexits.h. */
export const unreachableCode = 75

/** The run took longer than it may, as `timeout` of the GNU tools says it. */
export const timeoutCode = 124

/** The process of the run could not be started, as shells say it. */
export const notStartedCode = 126

/** The user interrupted the command: 128 + SIGINT, as shells say it. */
export const interruptedCode = 130
