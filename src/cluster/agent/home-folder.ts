/**
 * Imported first, since others read the home folder as they are imported: it is another one where the nodes of Slurm do not
 * share that of the user. The launcher needs the real one, in which it looks for Node.
 */
const { FLAMBEAU_HOME: home } = process.env
if (home !== undefined) process.env['HOME'] = home
