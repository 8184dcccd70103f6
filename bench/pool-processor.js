/** The no-op as BullMQ runs it in a child process. */
export default async ({ data }) => data.id
