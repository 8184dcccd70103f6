import '../../pool/index.js'
import '../../cluster/run/job-main.js'

// The program of a run on a cluster, which knows the tags that the command line knows.
