// The program of a run on a cluster, which knows the tags that the command line knows.
import '../../pool/index.js'
import '../../cluster/run/run-job.js'
