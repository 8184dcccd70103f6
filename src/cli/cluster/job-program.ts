// The program of a run on a cluster: its files may use the tags that the command line has.
import '../../pool/index.js'
import '../../cluster/run/job-main.js'
