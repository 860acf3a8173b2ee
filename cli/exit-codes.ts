/** The exit codes are part of the contract with scripts that call us. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Done, but some entries could not be read. */
  problems: 3,
  /** Chunks failed; the same scan started again goes on. */
  incomplete: 4,
  /** The journal is damaged or has lost records. */
  unsound: 5,
  /** Another scan holds the data directory. */
  locked: 11,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
