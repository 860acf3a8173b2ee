/** The image of worker containers where none is asked for. */
export const WORKER_IMAGE = 'nas-scanner-hp:latest';
