import pc from 'picocolors';

/** The few colours a report needs; without colour each is the text itself. */
export interface Paint {
  readonly plain: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
}

export function paint(colour: boolean): Paint {
  const colours = pc.createColors(colour);
  return {
    plain: (text) => colours.bold(text),
    good: (text) => colours.bold(colours.green(text)),
    warn: (text) => colours.bold(colours.yellow(text)),
    bad: (text) => colours.bold(colours.red(text)),
    dim: (text) => colours.dim(text),
  };
}
